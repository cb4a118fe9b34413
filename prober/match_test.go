package prober

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
)

// costly is an expression that needs minutes for some megabytes of a.
const costly = `(x+x+)+y|(a?){300}a{300}b|(.*)(.*)(.*)(.*)[^a"]$`

// Whatever matches, in every kind, the probe ends by its deadline and says what took so
// long.
func TestMatchingEndsByTheDeadline(t *testing.T) {
	long := strings.Repeat("a", 4<<20)
	lines := strings.Repeat(strings.Repeat("a", 60<<10)+"\n", 100)
	page := func(body string) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	}
	inJSON := page(`{"a":"` + long[:1<<20] + `","pattern":` + strconv.Quote(costly) + `}`)
	dialogue := listen(t, func(conn net.Conn) { _, _ = io.WriteString(conn, lines); silent(conn) })
	text := page(long)
	for _, test := range []struct {
		name, kind, target string
		set                func(s spec)
	}{
		{"body matches", "http", text, func(s spec) { s.(*httpProbe).FailIfBodyMatches = []Regexp{re(costly)} }},
		{"body not matches", "http", text, func(s spec) { s.(*httpProbe).FailIfBodyNotMatches = []Regexp{re(costly)} }},
		{"many expressions", "http", page(long[:16<<10]), func(s spec) {
			s.(*httpProbe).FailIfBodyMatches = slices.Repeat([]Regexp{re(`(a?){100}a{100}b`)}, 500)
		}},
		{"CEL", "http", inJSON, func(s spec) {
			s.(*httpProbe).FailIfBodyJSONMatches = expression(t, "body.a.matches("+strconv.Quote(costly)+")")
		}},
		{"CEL, pattern of the peer", "http", inJSON, func(s spec) {
			s.(*httpProbe).FailIfBodyJSONMatches = expression(t, "body.a.matches(body.pattern)")
		}},
		{"lines", "tcp", dialogue, func(s spec) { s.(*tcpProbe).QueryResponse = []QueryResponse{{Expect: re(costly)}} }},
		{"messages", "websocket", websocketSaying(t, long), func(s spec) { s.(*websocketProbe).QueryResponse = []QueryResponse{{Expect: re(costly)}} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := moduleOf(t, test.kind, test.set)
			const deadline = 500 * time.Millisecond
			res := probeWithin(t, m, deadline, Request{Target: test.target, Samples: true})
			if res.Reason != ReasonTimeout || res.Phase != PhaseCheck || !strings.Contains(res.Error, "took longer than the probe may") {
				t.Errorf("got %s in %q: %s", res.Reason, res.Phase, res.Error)
			}
			if res.Duration > deadline+500*time.Millisecond {
				t.Errorf("took %s", res.Duration)
			}
		})
	}
}

func websocketSaying(t *testing.T, message string) string {
	return "ws://" + strings.TrimPrefix(serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", acceptKey(r))
		_, _ = buf.Write([]byte{0x81, 127, 0, 0, 0, 0, byte(len(message) >> 24), byte(len(message) >> 16), byte(len(message) >> 8), byte(len(message))})
		_, _ = buf.WriteString(message)
		_ = buf.Flush()
		silent(conn)
	}), "http://")
}

// Records of DNS are small, but expressions may be many.
func TestMatchingRecordsEndsByTheDeadline(t *testing.T) {
	var records []dns.RR
	for range 40 {
		records = append(records, &dns.TXT{Hdr: dns.RR_Header{Name: "example.org.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{strings.Repeat("a", 250), strings.Repeat("a", 250)}})
	}
	var wrong dnsRegexp
	if err := wrong.UnmarshalText([]byte(costly)); err != nil {
		t.Fatal(err)
	}
	for name, conditions := range map[string]dnsRRConditions{
		"fail_if_matches_regexp":      {FailIfMatches: slices.Repeat([]dnsRegexp{wrong}, 2000)},
		"fail_if_none_matches_regexp": {FailIfNoneMatches: slices.Repeat([]dnsRegexp{wrong}, 2000)},
		"fail_if_all_matches_regexp":  {FailIfAllMatches: slices.Repeat([]dnsRegexp{wrong}, 2000)},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begin := time.Now()
		err := conditions.check(ctx, "answer", records)
		cancel()
		if took := time.Since(begin); err == nil || classify(because(ReasonBody, err)) != ReasonTimeout || took > time.Second {
			t.Errorf("%s: %v after %s", name, err, took)
		}
	}
}

// A body of which not all was read never passes or fails in silence.
func TestBodiesThatAreCut(t *testing.T) {
	const size = maxMatchedBody + 1
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		body := bytes.Repeat([]byte("x"), n)
		copy(body, "begin")
		copy(body[n-3:], "end")
		_, _ = w.Write(body)
	})
	whole := func(p *httpProbe) { p.BodySizeLimit = 64 << 20 }
	for _, test := range []struct {
		name       string
		n          int
		bad, wants string // expressions
		set        func(p *httpProbe)
		want       string
	}{
		{"nothing bad so far", size, "end", "", nil, `body is larger than 10MiB, and was not matched against "end" to its end: set body_size_limit`},
		{"bad already", size, "begin", "", nil, `body matches "begin"`},
		{"good already", size, "", "begin", nil, ""},
		{"nothing good so far", size, "", "end", nil, `body does not match "end" in its first 10MiB, and is larger: set body_size_limit`},
		{"just not cut", maxMatchedBody, "", "end", nil, ""},
		{"just not cut, bad", maxMatchedBody, "end", "", nil, `body matches "end"`},
		{"all of it", size, "", "end", whole, ""},
		{"all of it, bad", size, "end", "", whole, `body matches "end"`},
		{"limited", size, "end", "", func(p *httpProbe) { p.BodySizeLimit = 1 << 20 }, "body is larger than 1MiB"},
		{"no limit", size, "end", "", func(p *httpProbe) { p.BodySizeLimit = -1 }, `body is larger than 10MiB, and was not matched against "end" to its end: set body_size_limit`},
	} {
		for _, scheduled := range []bool{false, true} {
			m := httpModule(t, func(p *httpProbe) {
				if test.bad != "" {
					p.FailIfBodyMatches = []Regexp{re(test.bad)}
				}
				if test.wants != "" {
					p.FailIfBodyNotMatches = []Regexp{re(test.wants)}
				}
				if test.set != nil {
					test.set(p)
				}
			})
			res := probeWithin(t, m, 20*time.Second, Request{Target: target + "?n=" + strconv.Itoa(test.n), Samples: !scheduled})
			if res.Error != test.want || (res.Outcome == health.Pass) != (test.want == "") || test.want != "" && res.Reason != ReasonBody {
				t.Errorf("%s, scheduled %v: %s %q, want %q", test.name, scheduled, res.Reason, res.Error, test.want)
			}
		}
	}
}

// What a small body unfolds to is not read beyond the deadline either.
func TestUnfoldingEndsByTheDeadline(t *testing.T) {
	var piece bytes.Buffer
	z := gzip.NewWriter(&piece)
	_, _ = z.Write(make([]byte, 16<<20))
	z.Close()
	bomb := bytes.Repeat(piece.Bytes(), 512) // which is a gzip file too
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bomb) })
	m := httpModule(t, func(p *httpProbe) { p.Compression = "gzip" })
	res := probeWithin(t, m, 300*time.Millisecond, Request{Target: target, Samples: true})
	if res.Reason != ReasonTimeout || res.Duration > time.Second {
		t.Errorf("%d bytes: %+v", len(bomb), res)
	}
}

// zeros is a body that never ends, and never waits.
type zeros struct{ left int64 }

func (e *zeros) Read(p []byte) (int, error) {
	if e.left -= int64(len(p)); e.left < 0 {
		return 0, io.EOF
	}
	return len(p), nil
}

func TestCountingEndsByTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	body := &tally{ctx: ctx, from: &zeros{1 << 50}}
	if _, err := io.Copy(io.Discard, body); !isTimeout(err) {
		t.Errorf("got %v after %d bytes", err, body.n)
	}
}

// Matching piece by piece finds what matching in one go finds.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{`^a+b$`, "aab"}, {`(?i)É\b.`, "xé y"}, {`(a|ab)(c|bcd)(d*)`, "abcd"}, {`(?m)^x$`, "a\nx\n"}, {`\xff`, "\xff\xfe"}, {`.`, "\xe2\x82"}, {`(?s).*\z`, "a\nb"}, {``, ""}} {
		f.Add(seed[0], seed[1])
	}
	never := func() bool { return false }
	f.Fuzz(func(t *testing.T, pattern, text string) {
		var r Regexp
		if len(pattern) > 100 || len(text) > 1000 || r.UnmarshalText([]byte(pattern)) != nil {
			return
		}
		if got, want := r.MatchReader(&stoppable{stop: never, text: []byte(text)}), r.MatchString(text); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
		got, want := r.FindReaderSubmatchIndex(&stoppable{stop: never, text: []byte(text)}), r.FindSubmatchIndex([]byte(text))
		if !slices.Equal(got, want) {
			t.Errorf("%q in %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func TestProgramSize(t *testing.T) {
	for expression, least := range map[string]int{"a": 1, "a{1000}": 1000, "(a?){300}": 600, `(?i)x`: 2} {
		if got := programSize(expression); got < least {
			t.Errorf("%q has %d instructions", expression, got)
		}
	}
}

// What is to be compressed and is not, fails, and is not taken for a broken connection.
func TestBodiesThatAreNotCompressed(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "deflate"} {
		body := coded(t, strings.Replace(coding, "deflate", "raw deflate", 1), strings.Repeat("hello ", 100))
		for _, test := range []struct {
			name, answer string
			want         string
			reason       Reason
		}{
			{"empty", "", "body is empty, not compressed with " + coding, ReasonBody},
			{"plain", "\xff\xff\xff\xff hello, world, hello, world", "body is not compressed with " + coding, ReasonBody},
			{"cut", body[:len(body)/2], "body ends in the middle of what is compressed with " + coding, ReasonBody},
			{"whole", body, "", ReasonNone},
			{"connection cut", "", "connection closed in the middle of the answer", ReasonConnect},
		} {
			target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.name != "connection cut" {
					_, _ = io.WriteString(w, test.answer)
					return
				}
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, body[:len(body)/2])
			})
			for _, matched := range []bool{false, true} {
				m := httpModule(t, func(p *httpProbe) {
					p.Compression = coding
					if matched {
						p.FailIfBodyNotMatches = []Regexp{re("hello")}
					}
				})
				res := probeWithin(t, m, 5*time.Second, Request{Target: target})
				if res.Reason != test.reason || res.Error != test.want {
					t.Errorf("%s, %s, matched %v: %s %q, want %q", coding, test.name, matched, res.Reason, res.Error, test.want)
				}
			}
		}
	}
}
