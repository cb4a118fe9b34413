package health

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestAccessLog(t *testing.T) { // S2.11
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("do") {
		case "fail":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "no content":
			w.WriteHeader(http.StatusNoContent)
		case "flush":
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		case "write":
			fmt.Fprint(w, "text")
		}
	})
	for _, test := range []struct {
		path   string
		logged bool
	}{
		{"/healthz/live", false},
		{"/healthz/live?do=write", false},
		{"/healthz/live?do=flush", false},
		{"/healthz/live?do=fail", true},
		{"/healthz/live?do=no%20content", true}, // only 200 is quiet
		{"/healthzzz", true},
		{"/other", true},
		{"/metrics", false},
		{"/metrics?do=fail", true},
		{"/prefix/", false},
		{"/prefix/x", false},
		{"/prefix", true},
	} {
		var log bytes.Buffer
		a := &AccessLog{Handler: handler, Log: slog.New(slog.NewTextHandler(&log, nil)), Quiet: []string{"/healthz", "/metrics", "/prefix/"}}
		ask(a, "GET", test.path)
		if logged := strings.Contains(log.String(), "msg=request"); logged != test.logged {
			t.Errorf("%s: logged %v: %s", test.path, logged, log.String())
		}
		if strings.Contains(log.String(), "do=") {
			t.Errorf("the query is logged, and may hold secrets: %s", log.String())
		}
	}
	ask(&AccessLog{Handler: handler}, "GET", "/x") // without a log
}

func TestAccessLogOfAPanic(t *testing.T) {
	var log bytes.Buffer
	a := &AccessLog{Log: slog.New(slog.NewTextHandler(&log, nil)), Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})}
	defer func() {
		if recover() == nil || !strings.Contains(log.String(), "path=/x") {
			t.Errorf("log %q", log.String())
		}
	}()
	ask(a, "GET", "/x")
}
