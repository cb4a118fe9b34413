package probe_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/health-exporter/health_exporter/checks/probe"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs a check as a Checker does.
func run(t *testing.T, p probe.Probe, err error) health.Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := health.New(health.Check{Name: "it", Run: p.Run, Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := checker.RunNow(t.Context(), "it")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := checker.Close(ctx); err != nil {
		t.Error(err)
	}
	return status.Result
}

func want(t *testing.T, got health.Result, outcome health.Outcome, output string) {
	t.Helper()
	if got.Outcome != outcome || !strings.Contains(got.Output.(string), output) {
		t.Errorf("got %s %q\nwant %s %q", got.Outcome, got.Output, outcome, output)
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/health":
			w.Header().Set("Content-Type", health.MediaType)
			_, _ = io.WriteString(w, `{"status":"warn","output":"nearly full"}`)
		case r.Method == http.MethodPost && r.Header.Get("X-Word") == "hello" && string(body) == "ping":
			_, _ = io.WriteString(w, "pong")
		default:
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer server.Close()
	post := probe.HTTPOptions{Method: "POST", Headers: map[string]string{"X-Word": "hello"}, Body: "ping", BodyMatches: "^pong$"}
	p, err := probe.HTTP(server.URL, post)
	got := run(t, p, err)
	want(t, got, health.Pass, "OK")
	if len(got.Observations) != 2 || got.Observations[1].ObservedValue != 200 {
		t.Errorf("observations are %v", got.Observations)
	}
	post.BodyMatchesNot = "o"
	p, err = probe.HTTP(server.URL, post)
	want(t, run(t, p, err), health.Fail, "body: ")
	p, err = probe.HTTP(server.URL, probe.HTTPOptions{})
	want(t, run(t, p, err), health.Fail, "status: status 418")
	p, err = probe.HTTP(server.URL, probe.HTTPOptions{StatusCodes: []string{"4xx"}})
	want(t, run(t, p, err), health.Pass, "OK")
	p, err = probe.Health(server.URL)
	want(t, run(t, p, err), health.Warn, "the target warns: nearly full")
}

func TestTCP(t *testing.T) {
	l := testport.Listen(t)
	p, err := probe.TCP(l.Addr().String(), false)
	want(t, run(t, p, err), health.Pass, "OK")
	l.Close()
	want(t, run(t, p, nil), health.Fail, "connect: ")

	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	server.Config.ErrorLog = nil
	p, err = probe.TCP(server.Listener.Addr().String(), true)
	want(t, run(t, p, err), health.Fail, "tls: ") // nobody trusts its certificate
}

func TestGRPC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	states := grpchealth.NewServer()
	states.SetServingStatus("bad", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(server, states)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Stop()
		<-served
	}()
	p, err := probe.GRPC(l.Addr().String(), probe.GRPCOptions{})
	want(t, run(t, p, err), health.Pass, "OK")
	p, err = probe.GRPC(l.Addr().String(), probe.GRPCOptions{Service: "bad"})
	want(t, run(t, p, err), health.Fail, "NOT_SERVING")
}

func TestDNS(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(ready) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == "example.org." && q.Question[0].Qtype == dns.TypeA {
			record, _ := dns.NewRR("example.org. 60 IN A 192.0.2.1")
			answer.Answer = []dns.RR{record}
		} else {
			answer.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(answer)
	})}
	served := make(chan error, 1)
	go func() { served <- server.ActivateAndServe() }()
	<-ready
	defer func() {
		_ = server.Shutdown()
		<-served
	}()
	p, err := probe.DNS(conn.LocalAddr().String(), probe.DNSOptions{Name: "example.org"})
	want(t, run(t, p, err), health.Pass, "OK")
	p, err = probe.DNS(conn.LocalAddr().String(), probe.DNSOptions{Name: "example.net", Type: "MX"})
	want(t, run(t, p, err), health.Fail, "NXDOMAIN")
	p, err = probe.DNS(conn.LocalAddr().String(), probe.DNSOptions{Name: "example.net", Rcodes: []string{"NXDOMAIN"}})
	want(t, run(t, p, err), health.Pass, "OK")
}

func TestFaults(t *testing.T) {
	fails := func(_ probe.Probe, err error) error { return err }
	for part, err := range map[string]error{
		`Name is "", must be a name in DNS`:                           fails(probe.DNS("::1", probe.DNSOptions{})),
		"query_type":                                                  fails(probe.DNS("::1", probe.DNSOptions{Name: "a", Type: "none"})),
		`StatusCodes[0] is "6xx", must be a code`:                     fails(probe.HTTP("http://a", probe.HTTPOptions{StatusCodes: []string{"6xx"}})),
		"missing closing )":                                           fails(probe.HTTP("http://a", probe.HTTPOptions{BodyMatches: "("})),
		`Target is "", must be a URL or an address`:                   fails(probe.TCP("", true)),
		`Module is "", must be set`:                                   probe.Probe{Target: "x"}.Run(t.Context()),
		"probe of kind http: headers.a b: is not a valid header name": fails(probe.HTTP("http://a", probe.HTTPOptions{Headers: map[string]string{"a b": ""}})),
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %s", err, part)
		}
	}
}
