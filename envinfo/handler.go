package envinfo

import (
	"encoding/json"
	"net/http"
	"strings"
)

// ServeHTTP answers GET and HEAD with the dump as JSON, always with status 200;
// ?section=os or ?section=os,go shows only these.
//
// It authenticates nobody. What it shows is not a secret, but helps an attacker, so
// put it behind a handler that does, and do not mount it unless it is wanted.
func (e *Environment) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	switch r.Method {
	case http.MethodHead:
		header.Set("Content-Type", "application/json")
		return
	case http.MethodGet:
	default:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	var names []string
	for _, value := range r.URL.Query()["section"] {
		names = append(names, strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })...)
	}
	// All parts of a dump were JSON once, so this cannot fail.
	body, err := json.MarshalIndent(e.Dump(r.Context(), names...), "", "  ")
	if err != nil {
		body, _ = json.Marshal(failure(err))
	}
	header.Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // whoever has gone needs no answer
}
