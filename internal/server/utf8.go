package server

import (
	"net/http"
	"unicode/utf8"
)

// onlyUTF8 refuses requests whose query is other text: what JSON and the pages would make
// of it is not what was sent, and would be kept, or match something else. Names in paths
// are looked up as they are, and are valid where they are stored.
func onlyUTF8(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.URL.Query() {
			for _, value := range append(values, name) {
				if !utf8.ValidString(value) {
					refuse(w, http.StatusBadRequest, "the query must be UTF-8")
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
