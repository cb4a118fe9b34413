package server

import (
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

// onlyUTF8 refuses requests whose query is other text: what JSON and the pages would make
// of it is not what was sent, and would be kept, or match something else. Names in paths
// are looked up as they are, and are valid where they are stored.
func onlyUTF8(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUTF8(queryOf(r)) {
			refuse(w, http.StatusBadRequest, "the query must be UTF-8")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isUTF8(query url.Values) bool {
	for name, values := range query {
		if !utf8.ValidString(name) || slices.ContainsFunc(values, func(value string) bool { return !utf8.ValidString(value) }) {
			return false
		}
	}
	return true
}
