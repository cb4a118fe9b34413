package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// onlyUTF8 refuses requests whose query cannot be read, or is other text: what JSON and the pages would make
// of it is not what was sent, and would be kept, or match something else. Names in paths
// are looked up as they are, and are valid where they are stored.
func onlyUTF8(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := malformed(r.URL.RawQuery); fault != "" {
			refuse(w, http.StatusBadRequest, fault)
			return
		}
		if !isUTF8(queryOf(r)) {
			refuse(w, http.StatusBadRequest, "the query must be UTF-8")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// malformed says which part of a query cannot be read: url.Query leaves it out without a
// word.
func malformed(query string) string {
	if !strings.ContainsAny(query, "%;") {
		return ""
	}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if _, err := url.ParseQuery(part); err != nil {
			return fmt.Sprintf("the parameter %q is not valid: %q has %s; write %% as %%25 and ; as %%3B", shortened(name), shortened(value), err)
		}
	}
	return ""
}

func isUTF8(query url.Values) bool {
	for name, values := range query {
		if !utf8.ValidString(name) || slices.ContainsFunc(values, func(value string) bool { return !utf8.ValidString(value) }) {
			return false
		}
	}
	return true
}
