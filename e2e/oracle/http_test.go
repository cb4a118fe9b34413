package oracle

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/coder/websocket"
)

func (l *listeners) startHTTP(t *testing.T) {
	t.Helper()
	web := l.website()
	l.http = serveHTTP(t, "127.0.0.1:0", web, nil).URL
	l.http6 = "http://[::1]:1"
	if probe, err := net.Listen("tcp", "[::1]:0"); err == nil {
		probe.Close()
		l.http6 = serveHTTP(t, "[::1]:0", web, nil).URL
	}
	serveTLS := func(change func(*tls.Config)) string {
		config := &tls.Config{Certificates: []tls.Certificate{l.ca.server(t)}, NextProtos: []string{"h2", "http/1.1"}}
		change(config)
		return serveHTTP(t, "127.0.0.1:0", web, config).URL
	}
	l.https = serveTLS(func(*tls.Config) {})
	l.tls1only = serveTLS(func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} })
	l.tlsOld = serveTLS(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	l.tlsExpired = serveTLS(func(c *tls.Config) {
		c.Certificates = []tls.Certificate{l.ca.issue(t, time.Now().Add(-time.Minute), "127.0.0.1")}
	})
	l.tlsName = serveTLS(func(c *tls.Config) {
		c.Certificates = []tls.Certificate{l.ca.issue(t, time.Now().Add(time.Hour), "other.example.org")}
	})
	l.tlsWant = serveTLS(func(c *tls.Config) {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, l.ca.pool
	})
	l.proxy = strings.TrimPrefix(serveHTTP(t, "127.0.0.1:0", http.HandlerFunc(l.proxyRequest), nil).URL, "http://")
	l.raw = map[string]string{}
	for name, answer := range rawAnswers {
		l.raw[name] = listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
			readHeader(conn)
			io.WriteString(conn, answer)
		})
	}
}

// rawAnswers are what no sane server says.
var rawAnswers = map[string]string{
	"nothing":         "",
	"garbage":         "SSH-2.0-OpenSSH_9.2\r\n",
	"HTTP/1.0":        "HTTP/1.0 200 OK\r\n\r\nuntil the end",
	"no reason":       "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
	"truncated":       "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\nshort",
	"truncated chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nff\r\nmore",
	"truncated head":  "HTTP/1.1 200 OK\r\nContent-",
	"two lengths":     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
	"early hints":     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"upgrade":         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n",
	"status 999":      "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
	"bad location":    "HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
	"other scheme":    "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
	"bad date":        "HTTP/1.1 200 OK\r\nLast-Modified: yesterday\r\nContent-Length: 0\r\n\r\n",
	"modified":        "HTTP/1.1 200 OK\r\nLast-Modified: Monday, 02-Jan-06 15:04:05 GMT\r\nContent-Length: 0\r\n\r\n",
	"204":             "HTTP/1.1 204 No Content\r\n\r\n",
}

func serveHTTP(t *testing.T, address string, handler http.Handler, config *tls.Config) *httptest.Server {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are expected
	t.Cleanup(server.Close)
	if config == nil {
		server.Start()
		return server
	}
	server.TLS = config
	server.EnableHTTP2 = slices.Contains(config.NextProtos, "h2")
	server.StartTLS()
	return server
}

func readHeader(conn net.Conn) {
	buf, read := make([]byte, 4096), ""
	for !strings.Contains(read, "\r\n\r\n") {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		read += string(buf[:n])
	}
}

// website has a page for each thing that can happen.
func (l *listeners) website() http.Handler {
	web := http.NewServeMux()
	web.HandleFunc("/echo", l.echo)
	web.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(code)
	})
	web.HandleFunc("/to/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		if to := r.URL.Query().Get("at"); to != "" {
			w.Header().Set("Location", strings.ReplaceAll(to, "HOST", r.Host))
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: strconv.Itoa(code), Path: "/"})
		w.WriteHeader(code)
		io.WriteString(w, "moved")
	})
	web.HandleFunc("/hops/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		if n == 0 {
			l.echo(w, r)
			return
		}
		w.Header().Set("Location", fmt.Sprintf("/hops/%d", n-1))
		w.WriteHeader(http.StatusFound)
	})
	web.HandleFunc("/many", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Many"] = []string{"first", "second"}
		l.echo(w, r)
	})
	web.HandleFunc("/packed/{coding}", func(w http.ResponseWriter, r *http.Request) {
		packed := pack(r.PathValue("coding"))
		w.Header().Set("Content-Length", strconv.Itoa(len(packed)))
		w.Write(packed)
	})
	web.HandleFunc("/size/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Header().Set("Content-Length", strconv.Itoa(n))
		io.WriteString(w, strings.Repeat("x", n))
	})
	web.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			io.WriteString(w, "some text")
			http.NewResponseController(w).Flush()
		}
	})
	web.HandleFunc("/stuck", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a part")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	web.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	web.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "for %s", "token_type": "Bearer", "expires_in": 3600}`, r.FormValue("scope"))
	})
	web.HandleFunc("/json/{text}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, r.PathValue("text"))
	})
	web.HandleFunc("/socket", talkWebsocket)
	return web
}

// talkWebsocket repeats what it hears.
func talkWebsocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, text, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, append([]byte("you said: "), text...)) != nil {
			return
		}
	}
}

// echo answers with the request it got, without the names that the programs give
// themselves. Last-Modified is a checksum of it: it is among the metrics, so that
// the test can tell whether both programs have sent the same.
func (l *listeners) echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	lines := []string{r.Method + " " + r.RequestURI + " " + r.Proto, "Host: " + r.Host}
	for name, values := range r.Header {
		for _, value := range values {
			if name == "User-Agent" && ownName.MatchString(value) {
				continue
			}
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines[2:])
	if r.TLS != nil {
		lines = append(lines, "SNI: "+r.TLS.ServerName)
	}
	text := strings.Join(lines, "\n") + "\n\n" + string(body)
	sum := int64(crc32.ChecksumIEEE([]byte(text)))
	l.echoed.Store(float64(sum), text)
	w.Header().Set("Last-Modified", time.Unix(sum, 0).UTC().Format(http.TimeFormat))
	io.WriteString(w, text)
}

// ownName is how the two programs introduce themselves.
var ownName = regexp.MustCompile(`^(?i:blackbox.exporter|health_exporter)/`)

const packedText = "some text that is packed, some text that is packed, some text that is packed, some text that is packed, and more"

func pack(coding string) []byte {
	var packed bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&packed)
	case "br":
		w = brotli.NewWriter(&packed)
	case "deflate":
		w, _ = flate.NewWriter(&packed, flate.BestCompression) // the level is valid
	case "zlib":
		w = zlib.NewWriter(&packed)
	default:
		return []byte(packedText)
	}
	io.WriteString(w, packedText)
	w.Close()
	return packed.Bytes()
}

// proxyRequest is a proxy: what it was asked for is in its answer, or in the TLS name
// of a tunnel, which always ends at the TLS listener.
func (l *listeners) proxyRequest(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		l.echo(w, r)
		return
	}
	if host, _, _ := net.SplitHostPort(r.Host); host == "blocked.example.org" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	there, err := net.Dial("tcp", strings.TrimPrefix(l.https, "https://"))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(there, buffered)
		there.Close()
	}()
	io.Copy(here, there)
	here.Close()
	<-done
}
