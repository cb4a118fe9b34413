package prober

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// TestSecretsInFilesComeBack from a peer that sends back whatever it was sent: they are
// hidden in the answer that is kept, in errors and in the log, and so is the token of OAuth
// 2.0, which stands nowhere.
func TestSecretsInFilesComeBack(t *testing.T) {
	const swordfish = "swordfish"
	dir := t.TempDir()
	file := func(text string) string {
		name := filepath.Join(dir, fmt.Sprintf("%x", text))
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return "'" + name + "'"
	}
	tokens := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": "granted-swordfish", "token_type": "Bearer", "expires_in": 3600}`)
	})
	for name, options := range map[string]string{
		"password_file":         "basic_auth: {username: me, password_file: " + file("1-swordfish") + "}",
		"username_file":         "basic_auth: {username_file: " + file("me") + ", password_file: " + file("2-swordfish") + "}",
		"username_file alone":   "basic_auth: {username_file: " + file("me") + ", password: 3-swordfish}",
		"bearer_token_file":     "bearer_token_file: " + file("4-swordfish"),
		"credentials_file":      "authorization: {type: Any, credentials_file: " + file("5-swordfish") + "}",
		"http_headers":          "http_headers: {X-Plain: {files: [" + file("6-swordfish") + "]}}",
		"oauth2":                "oauth2: {client_id: c, client_secret_file: " + file("7-swordfish") + ", token_url: '" + tokens + "'}",
		"with quotes in a file": "bearer_token_file: " + file(`8"swordfish/&+`),
	} {
		for _, kind := range []string{"http", "health"} {
			t.Run(kind+" "+name, func(t *testing.T) { echoes(t, kind, options, swordfish) })
		}
	}
	t.Run("body_file", func(t *testing.T) {
		echoes(t, "http", "{method: POST, body_file: "+file(`{"user": "me", "word": "9-swordfish"}`)+"}", swordfish)
	})
}

// echoes probes a server that answers with all that it was sent, in many forms.
func echoes(t *testing.T, kind, options, secret string) {
	t.Helper()
	sent := ""
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		words := []string{string(body)}
		for name, values := range r.Header {
			w.Header()["X-Echo-"+name] = values
			for _, value := range values {
				words = append(words, value, value[strings.LastIndexByte(value, ' ')+1:])
			}
		}
		user, password, _ := r.BasicAuth()
		words = append(words, "it was "+password, "as "+user+":"+password)
		sent += strings.Join(words, " ")
		text, _ := json.Marshal(map[string]any{
			"status": "fail", "output": "no: " + strings.Join(words, "\n"), "all": words, "notes": words, "version": words[0], "releaseId": words[len(words)-2], "description": "for " + words[len(words)-1],
			"checks": map[string]any{words[len(words)-1]: []any{map[string]any{"componentId": words[1], "observedUnit": words[2], "observedValue": map[string]any{"x": words, "password": "x"}, "output": words[0]}}},
		})
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(text)
	}))
	defer peer.Close()
	var log bytes.Buffer
	m := moduleFrom(t, kind, options)
	for range 2 { // the second with a token that is kept
		log.Reset()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		res := m.Probe(ctx, Request{Target: peer.URL, Samples: true, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		cancel()
		if sent == "" || res.Reason != ReasonStatus && res.Reason != ReasonBody {
			t.Fatalf("%s: %s", res.Reason, res.Error)
		}
		for where, text := range map[string]string{"error": res.Error, "answer": string(res.Response), "log": log.String(), "report": fmt.Sprintf("%+v", res.Report)} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s shows it: %s", where, text)
			}
			for word := range strings.FieldsSeq(sent) {
				if len(word) >= 16 && strings.HasSuffix(word, "=") && strings.Contains(text, word) {
					t.Errorf("the %s shows it in base64: %s", where, text)
				}
			}
		}
		if kind == "health" && len(res.Response) == 0 {
			t.Error("the answer is not kept: the test cannot fail")
		}
	}
}

// TestSecretsThatRotate are hidden before and after, also in what comes back late.
func TestSecretsThatRotate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := moduleFrom(t, "http", "basic_auth: {username: me, password_file: '"+file+"'}")
	hides := func(text string) bool { return !strings.Contains(m.secrets.Replace("x "+text+" y"), text) }
	m.secrets.reread() // while there is none
	put("first-swordfish\n")
	m.secrets.reread()
	if !hides("first-swordfish") || hides("second-swordfish") {
		t.Error("the first is not hidden")
	}
	put("second-swordfish")
	m.secrets.reread()
	if !hides("second-swordfish") || !hides("first-swordfish") {
		t.Error("the second, or the first that may be on its way, is not hidden")
	}
	put("third-swordfish")
	m.secrets.reread()
	m.secrets.reread() // which is no change
	if !hides("third-swordfish") || !hides("second-swordfish") {
		t.Error("the third, or the second, is not hidden")
	}
	for _, odd := range []string{"/dev/zero", "/dev/stdin", t.TempDir(), "/nowhere"} {
		if got := secretIn(odd); got != "" {
			t.Errorf("%s has %d bytes", odd, len(got))
		}
	}
	put(strings.Repeat("long", 1<<20))
	if got := len(secretIn(file)); got > 2*longestSecret {
		t.Errorf("%d bytes are read", got)
	}
}

// TestSecretsOfGRPC come back in the message of a status.
func TestSecretsOfGRPC(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		sent, _ := metadata.FromIncomingContext(stream.Context())
		return status.Errorf(codes.PermissionDenied, "not with %s nor %s", sent.Get("x-api-key"), sent.Get("authorization"))
	}))
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	m := moduleFrom(t, "grpc", "metadata: {x-api-key: [key-swordfish], authorization: [Bearer token-swordfish]}")
	var log bytes.Buffer
	res := probeWithin(t, m, 5*time.Second, Request{Target: listener.Addr().String(), Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if !strings.Contains(res.Error+log.String(), "not with") || strings.Contains(res.Error+log.String(), "swordfish") {
		t.Errorf("%s: %s", res.Error, log.String())
	}
}
