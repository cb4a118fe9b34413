package prober

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"gopkg.in/yaml.v3"
)

// TestUserAgent: what the command line says goes with each request, but for a header of
// the module's own.
func TestUserAgent(t *testing.T) {
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.UserAgent())
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token": "x", "token_type": "bearer"}`))
	}))
	defer server.Close()
	oauth := "oauth2: {client_id: a, client_secret: b, token_url: '" + server.URL + "/token'}"
	for _, test := range []struct {
		kind    Kind
		options string
		want    []string
	}{
		{"http", "{}", []string{"me/1"}},
		{"http", "headers: {user-agent: own}", []string{"own"}},
		{"http", oauth, []string{"me/1", "me/1"}},
		{"health", "{}", []string{"me/1"}},
		{"health", oauth, []string{"me/1", "me/1"}},
		{"websocket", "{}", []string{"me/1"}},
	} {
		for agent, usual := range map[string]bool{"me/1": false, "": true} {
			got = nil
			m, err := NewModule(ModuleSource{
				Kind: test.kind, UserAgent: agent,
				Decode: func(into any) error { return yaml.Unmarshal([]byte(test.options), into) },
			})
			if err != nil {
				t.Fatal(err)
			}
			target := server.URL
			if test.kind == "websocket" {
				target = strings.Replace(target, "http", "ws", 1)
			}
			m.Probe(t.Context(), Request{Target: target})
			want := slices.Clone(test.want)
			for i := range want {
				if usual && want[i] == "me/1" {
					want[i] = userAgent()
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s, %q: got %q, want %q", test.kind, test.options, agent, got, want)
			}
		}
	}
}

// TestUserAgentOfOtherProtocols: so it is with what HTTP carries.
func TestUserAgentOfOtherProtocols(t *testing.T) {
	ca := newAuthority(t)
	var mu sync.Mutex
	var got []string
	note := func(agent string) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, agent)
	}
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r.UserAgent()) }))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}}
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	over3 := serveQUIC(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}}, func(_ http.ResponseWriter, r *http.Request) { note(r.UserAgent()) })
	calls := serveGRPC(t, "127.0.0.1:0", func(s *grpc.Server) { healthpb.RegisterHealthServer(s, grpchealth.NewServer()) },
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			asked, _ := metadata.FromIncomingContext(ctx)
			note(strings.Join(asked.Get("user-agent"), " and "))
			return next(ctx, req)
		}))
	trust := "tls_config: {ca_file: " + ca.file + "}"
	for name, test := range map[string]struct {
		kind            Kind
		options, target string
	}{
		"DNS over HTTPS": {"dns", "query_name: a.example, transport_protocol: https, " + trust, strings.TrimPrefix(secure.URL, "https://")},
		"gRPC":           {"grpc", "service: x", calls},
		"HTTP/2":         {"http", trust, secure.URL},
		"HTTP/3":         {"http", "enable_http3: true, enable_http2: false, " + trust, "https://" + over3},
	} {
		for agent, want := range map[string]string{"me/1": "me/1", "": userAgent()} {
			mu.Lock()
			got = nil
			mu.Unlock()
			m, err := NewModule(ModuleSource{
				Kind: test.kind, UserAgent: agent,
				Decode: func(into any) error { return yaml.Unmarshal([]byte("{"+test.options+"}"), into) },
			})
			if err != nil {
				t.Fatalf("%s: %s", name, err)
			}
			m.Probe(t.Context(), Request{Target: test.target})
			mu.Lock()
			if len(got) != 1 || got[0] != want && !(test.kind == "grpc" && strings.HasPrefix(got[0], want+" grpc-go/")) { // which the library adds
				t.Errorf("%s, %q: got %q, want %q", name, agent, got, want)
			}
			mu.Unlock()
		}
	}
}
