package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

// TestForeignName is refused with what to do about it: a program as the API does, a
// browser with a page, whose style is found under any name.
func TestForeignName(t *testing.T) {
	f := newFixture(t)
	var log bytes.Buffer
	f.deps.Log = slog.New(slog.NewTextHandler(&log, nil))
	f.handler = New(f.deps)
	f.host = "Evil.example.:10115"
	for _, path := range []string{"/", "/config", "/api/v1/targets", "/login", "/assets/style.css", "/favicon.svg", "/nowhere", "/api/nowhere", "/environment"} {
		w := f.do("GET", path, "")
		got := f.expect(http.StatusMisdirectedRequest, w)
		if w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(toText(got), `access: {hosts: [\"evil.example\"]}`) {
			t.Errorf("%s: %v %v", path, w.Header(), got)
		}
	}
	for _, method := range []string{"HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "CONNECT"} {
		if w := f.do(method, "/api/v1/targets", ""); w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	if n := strings.Count(log.String(), "evil.example"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
	w := f.do("GET", "/targets/a", "", "Accept", "text/html")
	if w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "access: {hosts: [&#34;evil.example&#34;]}") ||
		!strings.Contains(w.Body.String(), `href="../public/assets/style.css`) {
		t.Errorf("a browser gets %d %s", w.Code, w.Body)
	}
	if w := f.do("GET", "/public/assets/style.css", ""); w.Code != http.StatusOK || w.Body.Len() < 1000 {
		t.Errorf("the style: %d", w.Code)
	}
	f.expect(http.StatusOK, f.do("GET", "/api/v1/targets", "", "Authorization", "Bearer secret-a"))
	f.expect(http.StatusMisdirectedRequest, f.do("GET", "/api/v1/targets", "", "Authorization", "Bearer wrong"))
	f.settings.Access.Hosts = []string{"evil.example"}
	f.expect(http.StatusOK, f.do("GET", "/api/v1/targets", ""))
}

// TestNamesOverTheWire: what counts is the name that HTTP means, in all of its forms.
func TestNamesOverTheWire(t *testing.T) {
	f := newFixture(t)
	s := httptest.NewServer(f.handler)
	defer s.Close()
	for _, test := range []struct {
		request string
		want    string
	}{
		{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "200"},
		{"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
		{"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "421"},
		{"GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "200"}, // a browser does not send this
		{"GET http://localhost@evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "421"},
		{"GET http://evil.example@localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "200"},
		{"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400"},
		{"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n", "421"},
		{"GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n", "421"},
		{"GET / HTTP/1.1\r\nHost: user@localhost\r\n\r\n", "4"},
		{"GET / HTTP/1.1\r\nHost: evil.example#localhost\r\n\r\n", "400"},
		{"GET / HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n", "4"},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "421"},
		{"GET / HTTP/1.0\r\n\r\n", "421"},
		{"GET /livez HTTP/1.0\r\n\r\n", "200"},
		{"GET //config HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
		{"GET /metrics/../config HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
		{"GET /public/%2e%2e/config HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
		{"GET /public/..%2fconfig HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
		{"GET /config/../metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "30"}, // leads to what is for all
		{"GET /metrics/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"},
		{"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "200"},
		{"POST /metrics HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n", "421"},
		{"GET /probe?debug=true&target=x HTTP/1.1\r\nHost: evil.example\r\n\r\n", "401"},
		{"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "421"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""},
	} {
		f.settings.Access.Debug = "local"
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(test.request))
		answer := make([]byte, 12)
		n, _ := conn.Read(answer)
		conn.Close()
		if status := strings.TrimPrefix(strings.TrimPrefix(string(answer[:n]), "HTTP/1.1 "), "HTTP/1.0 "); !strings.HasPrefix(status, test.want) {
			t.Errorf("%q: %q, want %s", test.request, status, test.want)
		}
	}
}

// TestNameOverHTTP2 is the :authority.
func TestNameOverHTTP2(t *testing.T) {
	f := newFixture(t)
	s := httptest.NewUnstartedServer(f.handler)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	for host, want := range map[string]int{"localhost": 200, "localhost:1": 200, "evil.example": 421, "evil.example:10115": 421, "EVIL.example.": 421} {
		r, _ := http.NewRequest(http.MethodGet, s.URL+"/", nil)
		r.Host = host
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || resp.ProtoMajor != 2 {
			t.Errorf("%s: %s over %s, want %d", host, resp.Status, resp.Proto, want)
		}
	}
}

// TestForeignNameBelowAPrefix is refused outside of the prefix as well.
func TestForeignNameBelowAPrefix(t *testing.T) {
	f := newFixture(t)
	f.deps.RoutePrefix = "/health/"
	f.handler = New(f.deps)
	for path, want := range map[string][2]int{
		"/": {302, 421}, "/health": {307, 421}, "/health/": {200, 421}, "/health/config": {200, 421}, "/config": {404, 421}, "/metrics": {404, 421}, "/health/metrics": {200, 200},
		"/health/livez": {200, 200}, "/health/../config": {307, 421}, "/health//config": {307, 421}, "/healthx": {404, 421},
		"/health/targets/a/../../config": {307, 421},
	} {
		for i, host := range []string{"localhost", "evil.example"} {
			f.host = host
			if w := f.do("GET", path, ""); w.Code != want[i] {
				t.Errorf("%s of %s: %d, want %d", path, host, w.Code, want[i])
			}
		}
	}
}

// TestLinksUnderAForeignName do not lead there.
func TestLinksUnderAForeignName(t *testing.T) {
	f := newFixture(t)
	f.settings.Public = &Public{Title: "Shop", Shows: func(string, string, string) bool { return true }}
	feed := func(host string) string {
		r := httptest.NewRequest(http.MethodGet, "/public/feed.atom", nil)
		r.RemoteAddr, r.Host = f.from, host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 10115}))
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		return w.Body.String()
	}
	for host, want := range map[string]string{"exporter:10115": "http://exporter:10115/public/", "evil.example": "http://10.0.0.2:10115/public/"} {
		if got := feed(host); !strings.Contains(got, want) || strings.Contains(got, "evil") {
			t.Errorf("asked as %s: %s", host, got)
		}
	}
	f.settings.ExternalURL = "https://mon.example.org"
	if got := feed("exporter"); !strings.Contains(got, "https://mon.example.org/public/") || strings.Contains(got, "http://exporter") {
		t.Errorf("with an external URL: %s", got)
	}
}

// TestOtherSites may press no buttons; a page of ours may, by whatever name a proxy asks.
func TestOtherSites(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas))
	f.apply()
	press := func(host string, header ...string) int {
		f.host = host
		return f.do("POST", "/targets/nas/pause", "", header...).Code
	}
	const ours = "http://mon.example.org"
	for _, test := range []struct {
		host          string
		header        []string
		without, with int // an external URL
	}{
		{"127.0.0.1:10115", []string{"Origin", ours}, 403, 303},
		{"127.0.0.1:10115", []string{"Origin", ours, "Sec-Fetch-Site", "cross-site"}, 403, 303},
		{"127.0.0.1:10115", []string{"Origin", ours + ":80"}, 403, 403}, // browsers leave it out
		{"127.0.0.1:10115", []string{"Origin", ours + ":8080"}, 403, 403},
		{"127.0.0.1:10115", []string{"Origin", "https://mon.example.org"}, 403, 403},
		{"127.0.0.1:10115", []string{"Origin", "http://evil.example"}, 403, 403},
		{"127.0.0.1:10115", []string{"Origin", "http://mon.example.org.evil.example"}, 403, 403},
		{"127.0.0.1:10115", []string{"Origin", "null"}, 403, 403},
		{"127.0.0.1:10115", []string{"Origin", "http://127.0.0.1:10115"}, 303, 303},
		{"127.0.0.1:10115", []string{"Sec-Fetch-Site", "cross-site"}, 403, 403},
		{"127.0.0.1:10115", []string{"Sec-Fetch-Site", "same-site"}, 403, 403},
		{"127.0.0.1:10115", []string{"Sec-Fetch-Site", "same-origin"}, 303, 303},
		{"127.0.0.1:10115", nil, 303, 303}, // no browser
		{"mon.example.org", []string{"Origin", ours}, 421, 303},
		{"evil.example", []string{"Origin", "http://evil.example"}, 421, 421},
	} {
		f.settings.Access.URLs = nil
		if got := press(test.host, test.header...); got != test.without {
			t.Errorf("to %s with %q: %d, want %d", test.host, test.header, got, test.without)
		}
		f.settings.Access.URLs = []string{"http://Mon.Example.org:80/health/"}
		if got := press(test.host, test.header...); got != test.with {
			t.Errorf("to %s with %q and an external URL: %d, want %d", test.host, test.header, got, test.with)
		}
	}
}

// TestProbesForOtherSites are refused.
func TestProbesForOtherSites(t *testing.T) {
	f := newFixture(t)
	for site, want := range map[string]int{"cross-site": 403, "Cross-Site": 403, "same-site": 200, "same-origin": 200, "none": 200} {
		for _, method := range []string{"GET", "HEAD"} {
			if w := f.do(method, "/probe?target=http://127.0.0.1:1", "", "Sec-Fetch-Site", site); w.Code != want {
				t.Errorf("%s for %s: %d, want %d", method, site, w.Code, want)
			}
		}
	}
}

func (f *fixture) probeNow(app string) error {
	_, err := f.scheduler.ProbeNow(f.t.Context(), app)
	return err
}

// TestOwnTargets tells those without a token by their address.
func TestOwnTargets(t *testing.T) {
	const owner, neighbour, elsewhere, here, far = "10.1.0.1:5", "10.1.0.2:5", "192.168.1.1:5", "127.0.0.1:5", "192.0.2.7:5"
	const again = `{"app": "nas", "url": "http://10.0.0.9:8080/base/", "email": "me@example.org", "timeout": 2}`
	const other = `{"app": "nas", "url": "http://10.0.0.66:8080/base/", "timeout": 2}`
	admin := []string{"Authorization", "Bearer secret-admin"}
	writer := []string{"Authorization", "Bearer secret-w"}
	for _, test := range []struct {
		who                                         string
		header                                      []string
		pause, probe, change, repeat, renew, remove int
	}{
		{owner, nil, 200, 200, 200, 200, 200, 204},
		{neighbour, nil, 403, 403, 403, 200, 200, 204},
		{elsewhere, nil, 403, 403, 403, 403, 403, 403},
		{here, nil, 200, 200, 200, 200, 200, 204},
		{far, nil, 401, 401, 401, 401, 401, 401},
		{far, admin, 200, 200, 200, 200, 200, 204},
		{owner, writer, 403, 403, 403, 403, 403, 403},
	} {
		f := newFixture(t)
		lease := func(text string) string { return strings.TrimSuffix(text, "}") + `, "ttl": 60}` }
		for what, try := range map[string]struct {
			method, path, body string
			want               int
		}{
			"pause":  {"POST", "/api/v1/targets/nas/pause", "", test.pause},
			"resume": {"POST", "/api/v1/targets/nas/resume", "", test.pause},
			"probe":  {"POST", "/api/v1/targets/nas/probe", "", test.probe},
			"change": {"PUT", "/api/v1/targets/nas", lease(other), test.change},
			"repeat": {"POST", "/api/v1/targets", lease(again), test.repeat},
			"renew":  {"POST", "/api/v1/targets/nas/renew", "", test.renew},
			"remove": {"DELETE", "/api/v1/targets/nas", "", test.remove},
		} {
			f.from = here
			f.do("DELETE", "/api/v1/targets/nas", "")
			f.from = owner
			f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", lease(again)))
			f.apply()
			for errors.Is(f.probeNow("nas"), schedule.ErrBusy) { // the schedule has not begun
				time.Sleep(time.Millisecond)
			}
			f.from = test.who
			if w := f.do(try.method, try.path, try.body, test.header...); w.Code != try.want {
				t.Errorf("%s by %s %q: %d, want %d: %s", what, test.who, test.header, w.Code, try.want, w.Body)
			}
		}
	}
}

// TestOriginOfARegistration is shown, and does not change when another address renews it.
func TestOriginOfARegistration(t *testing.T) {
	f := newFixture(t)
	from := func() string {
		var got struct{ Owner, From string }
		if err := json.Unmarshal(f.do("GET", "/api/v1/targets/nas", "").Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		return got.Owner + " " + got.From
	}
	for _, step := range []struct {
		from   string
		header []string
		want   string
	}{
		{"10.1.0.1:5", nil, "anonymous 10.1.0.1"},
		{"10.1.0.2:5", nil, "anonymous 10.1.0.1"},
		{"[::ffff:10.1.0.1]:5", nil, "anonymous 10.1.0.1"},
		{"127.0.0.1:5", nil, "anonymous own host"},
		{"10.1.0.1:5", nil, "anonymous own host"},
		{"192.0.2.7:5", []string{"Authorization", "Bearer secret-admin"}, "token:admin 192.0.2.7"},
		{"127.0.0.1:5", []string{"Authorization", "Bearer secret-admin", "X-Forwarded-For", "10.1.0.1"}, "token:admin elsewhere"},
	} {
		f.from = step.from
		f.do("POST", "/api/v1/targets", nas, step.header...)
		if got := from(); got != step.want {
			t.Errorf("registered from %s with %q: %s, want %s", step.from, step.header, got, step.want)
		}
	}
}

// TestMovedTarget: who has another address of the same network by now, and registers again
// what stands at it, moves the target there. Nobody moves it elsewhere.
func TestMovedTarget(t *testing.T) {
	const old, other = "10.1.0.20", "10.1.0.66"
	url := func(host, more string) string {
		return `{"app": "nas", "url": "http://` + host + `:8080/health?x=1", "email": "me@example.org"` + more + `}`
	}
	address := func(at string) string { return `{"app": "nas", "module": "tcp_connect", "address": "` + at + `"}` }
	for name, test := range map[string]struct {
		first, again, who string
		want              int
		from              string
	}{
		"the new address":            {url(old, ""), url(other, ""), other, 200, other},
		"a lease":                    {url(old, `, "ttl": 60`), url(other, `, "ttl": 60`), other, 200, other},
		"nothing new":                {url(old, ""), url(old, ""), other, 200, old},
		"a name":                     {url("nas.lan", ""), url("nas.lan", ""), other, 200, old},
		"another's address":          {url(old, ""), url("10.1.0.7", ""), other, 403, old},
		"an address to a name":       {url(old, ""), url("nas.lan", ""), other, 403, old},
		"a name to an address":       {url("nas.lan", ""), url(other, ""), other, 403, old},
		"of another's address":       {url("10.1.0.7", ""), url(other, ""), other, 403, old},
		"something else is new":      {url(old, ""), url(other, `, "interval": 77`), other, 403, old},
		"another mail":               {url(old, ""), strings.Replace(url(other, ""), "me@", "you@", 1), other, 403, old},
		"another port":               {url(old, ""), strings.Replace(url(other, ""), "8080", "8081", 1), other, 403, old},
		"another path":               {url(old, ""), strings.Replace(url(other, ""), "/health", "/x", 1), other, 403, old},
		"another query":              {url(old, ""), strings.Replace(url(other, ""), "x=1", "x=2", 1), other, 403, old},
		"another scheme":             {url(old, ""), strings.Replace(url(other, ""), "http:", "https:", 1), other, 403, old},
		"from another network":       {url(old, ""), url("192.168.7.7", ""), "192.168.7.7", 403, old},
		"an address and port":        {address(old + ":22"), address(other + ":22"), other, 200, other},
		"an address, another port":   {address(old + ":22"), address(other + ":23"), other, 403, old},
		"a URL in an address' place": {address(old + ":8080"), url(other, ""), other, 403, old},
		"of IPv6":                    {url("[fd00::20]", ""), url("[fd00::66]", ""), "fd00::66", 200, "fd00::66"},
	} {
		for _, method := range []string{"POST", "PUT"} {
			f := newFixture(t)
			at := func(who string) string {
				if strings.Contains(who, ":") {
					return "[" + who + "]:5"
				}
				return who + ":5"
			}
			register := func(who, body string) int {
				f.from = at(who)
				path := "/api/v1/targets"
				if method == "PUT" {
					path, body = path+"/nas", strings.Replace(body, `"app": "nas", `, "", 1)
				}
				w := f.do(method, path, body)
				if w.Code >= 400 && w.Code != 403 {
					t.Errorf("%s: %s", name, w.Body)
				}
				return w.Code
			}
			first := old
			if name == "of IPv6" {
				first = "fd00::20"
			}
			if code := register(first, test.first); code != 201 {
				t.Fatalf("%s: %d", name, code)
			}
			if code := register(test.who, test.again); code != test.want {
				t.Errorf("%s, %s: %d, want %d", name, method, code, test.want)
			}
			var got struct{ From string }
			if err := json.Unmarshal(f.do("GET", "/api/v1/targets/nas", "").Body.Bytes(), &got); err != nil || got.From != test.from {
				t.Errorf("%s, %s: from %s, want %s (%v)", name, method, got.From, test.from, err)
			}
		}
	}
}
