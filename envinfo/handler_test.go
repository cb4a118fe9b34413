package envinfo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
)

func TestHandler(t *testing.T) {
	empty, some := none(), none()
	if err := some.AddValue("a", 1); err != nil {
		t.Fatal(err)
	}
	if err := some.AddValue("b", []string{"x"}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name          string
		env           http.Handler
		method, query string
		code          int
		want          string
	}{
		{"nothing", empty, "GET", "", 200, `{}`},
		{"all", some, "GET", "", 200, `{"a":1,"b":["x"]}`},
		{"one", some, "GET", "?section=b", 200, `{"b":["x"]}`},
		{"two", some, "GET", "?section=b&section=a", 200, `{"a":1,"b":["x"]}`},
		{"a list", some, "GET", "?section=b,a", 200, `{"a":1,"b":["x"]}`},
		{"unknown", some, "GET", "?section=token%3Dx", 200, `{"token=********":{"error":"there is no such section"}}`},
		{"head", some, "HEAD", "", 200, ""},
		{"post", some, "POST", "", 405, "only GET and HEAD\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, serve(t, test.env)+test.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			defer http.DefaultClient.CloseIdleConnections()
			if body := readAll(t, resp); resp.StatusCode != test.code || body != test.want {
				t.Errorf("got %d %s, want %d %s", resp.StatusCode, body, test.code, test.want)
			}
			if got := resp.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %s", got)
			}
			if got := resp.Header.Get("Content-Type"); test.code == 200 && got != "application/json" {
				t.Errorf("Content-Type: %s", got)
			}
		})
	}
}

// readAll is the body, without spaces if it is JSON.
func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, body) == nil {
		return compact.String()
	}
	return string(body)
}

// serve answers on loopback until the test ends.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return "http://" + l.Addr().String() + "/"
}
