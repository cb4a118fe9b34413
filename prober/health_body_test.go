package prober

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/health-exporter/health_exporter/health"
)

// coded compresses a body in one of the ways that servers have.
func coded(t testing.TB, coding, body string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip", "x-gzip", "GZip":
		w = gzip.NewWriter(&out)
	case "deflate":
		w = zlib.NewWriter(&out)
	case "raw deflate":
		w, err = flate.NewWriter(&out, 6)
	case "br":
		w = brotli.NewWriter(&out)
	case "zstd":
		w, err = zstd.NewWriter(&out)
	case "gzip, br":
		return coded(t, "br", coded(t, "gzip", body))
	default:
		return body
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, body)
	w.Close()
	return out.String()
}

// What a service says counts, however it is wrapped: it is read, or the probe fails.
func TestHealthBodiesInCodingsNobodyAskedFor(t *testing.T) {
	const says = `{"status":"fail","output":"no disk"}`
	big := `{"status":"fail","x":"` + strings.Repeat("x", 70<<10) + `"}`
	for _, keepAlive := range []bool{false, true} {
		for _, coding := range []string{"", "identity", "gzip", "x-gzip", "GZip", "deflate", "raw deflate", "br", "zstd", "gzip, br"} {
			header := strings.TrimPrefix(coding, "raw ")
			for _, test := range []struct {
				name, body string
				want       health.Outcome
				text       string
			}{
				{"fails", coded(t, coding, says), health.Fail, "no disk"},
				{"fails after a byte order mark", coded(t, coding, "\xef\xbb\xbf"+says), health.Fail, "no disk"},
				{"passes", coded(t, coding, `{"status":"pass"}`), health.Pass, ""},
				{"too large", coded(t, coding, big), health.Warn, "larger than 64 KiB"},
				{"empty", "", health.Pass, ""},
				{"plain", says, health.Fail, ""},
				{"cut", strings.TrimSuffix(coded(t, coding, says), coded(t, coding, says)[10:]), health.Fail, ""},
			} {
				if test.name == "cut" && (coding == "" || coding == "identity") {
					continue
				}
				base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", health.MediaType)
					if header != "" {
						w.Header().Set("Content-Encoding", header)
					}
					_, _ = io.WriteString(w, test.body)
				})
				m := healthModule(t, func(p *healthProbe) { p.KeepAlive = keepAlive })
				res := probeWithin(t, m, 5*time.Second, Request{Target: base})
				if res.Outcome != test.want || !strings.Contains(res.Error, test.text) {
					t.Errorf("%s, %s: got %s: %s, want %s", coding, test.name, res.Outcome, res.Error, test.want)
				}
			}
		}
	}
}

func TestHealthCodingsThatNobodyKnows(t *testing.T) {
	for _, test := range []struct {
		coding string
		set    func(p *healthProbe)
		code   int
		want   Reason
	}{
		{"compress", nil, 200, ReasonBody},
		{"aes128gcm", nil, 200, ReasonBody},
		{"gzip, gzip, gzip, gzip", nil, 200, ReasonBody},
		{"compress", nil, 503, ReasonStatus},
		{"compress", func(p *healthProbe) { p.IgnoreBody = true }, 200, ReasonNone},
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", test.coding)
			w.WriteHeader(test.code)
			_, _ = io.WriteString(w, `{"status":"pass"}`)
		})
		if res := probeWithin(t, healthModule(t, test.set), 5*time.Second, Request{Target: base}); res.Reason != test.want {
			t.Errorf("%q: %+v", test.coding, res)
		}
	}
}

// A small answer that unfolds to gigabytes costs no more than a large one.
func TestHealthBombs(t *testing.T) {
	bomb := `{"status":"pass","x":"` + strings.Repeat("x", 64<<20) + `"}`
	for _, coding := range []string{"gzip", "br", "zstd", "deflate"} {
		body := coded(t, coding, bomb)
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", health.MediaType)
			w.Header().Set("Content-Encoding", coding)
			_, _ = io.WriteString(w, body)
		})
		res := probeWithin(t, healthModule(t, nil), 5*time.Second, Request{Target: base})
		if res.Outcome != health.Warn || !res.BodyError {
			t.Errorf("%s (%d bytes): %+v", coding, len(body), res)
		}
	}
}

func FuzzDecodeBody(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "br", "zstd", "gzip, br"} {
		f.Add(coding, []byte(coded(f, coding, `{"status":"pass"}`)), false)
	}
	f.Fuzz(func(t *testing.T, coding string, body []byte, cut bool) {
		if len(body) > health.MaxReportSize+1 {
			return
		}
		if got, _, err := decodeBody(coding, body, cut); err == nil && len(got) > health.MaxReportSize+1 {
			t.Errorf("%q: %d bytes", coding, len(got))
		}
	})
}
