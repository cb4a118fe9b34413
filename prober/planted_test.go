package prober

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// plantedPasswords have all that is spelled in another way somewhere. Each begins and ends
// with a word that is in no other text.
var plantedPasswords = []string{
	`planted0secret`, `planted1&"secret`, `planted2"secret`, `planted3<"sec`, `planted4>secret`, `planted5%secret`, `planted6%41%22secret`, `planted7\secret`,
	`planted8\"n&amp;secret`, `planted9\u0026secret`, `plantedÄ10öüßsecret`, `PlantedElevenSECRET`, `planted12a longsecret`, `planted13a  b+c "longsecret`, `planted14'secret`, "planted15\tlongsecret",
	`planted16&lt;secret\`, `planted17😀"secret`, `%planted18secret&`, `"planted19secret"`, `plantedplace/20?secretquery=#x`, `planted21` + strings.Repeat(`long&"`, 60) + `secret`,
}

// quotedIn is a text in the quotes of JSON, with or without the escapes for HTML.
func quotedIn(text string, forHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(forHTML)
	_ = encoder.Encode(text) // a text always can be
	return strings.TrimSuffix(strings.TrimSpace(b.String())[1:], `"`)
}

// plantedEchoes are ways to send a text back.
var plantedEchoes = map[string]func(string) string{
	"plain":             func(s string) string { return s },
	"JSON":              func(s string) string { return quotedIn(s, false) },
	"JSON for HTML":     func(s string) string { return quotedIn(s, true) },
	"JSON in JSON":      func(s string) string { return quotedIn(quotedIn(s, true), true) },
	"ASCII":             func(s string) string { q := strconv.QuoteToASCII(s); return q[1 : len(q)-1] },
	"Go":                func(s string) string { q := strconv.Quote(s); return q[1 : len(q)-1] },
	"HTML":              html.EscapeString,
	"HTML by name":      strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace,
	"HTML in hex":       strings.NewReplacer("&", "&#x26;", "<", "&#x3c;", ">", "&#x3E;", `"`, "&#X22;").Replace,
	"a query":           url.QueryEscape,
	"a path":            url.PathEscape,
	"small hex":         func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	"a query twice":     func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"HTML in JSON":      func(s string) string { return quotedIn(html.EscapeString(s), true) },
	"JSON in a query":   func(s string) string { return url.QueryEscape(quotedIn(s, true)) },
	"a query in HTML":   func(s string) string { return html.EscapeString(url.PathEscape(s)) },
	"only the quotes":   strings.NewReplacer(`"`, `\"`).Replace,
	"only the ampers":   strings.NewReplacer(`&`, `\u0026`).Replace,
	"a mix":             strings.NewReplacer(`"`, `&#34;`, `&`, `%26`, `<`, `\u003c`).Replace,
	"small letters":     strings.ToLower,
	"capitals":          strings.ToUpper,
	"base64":            func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 of URLs":    func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"a line":            oneLine,
	"the end of a line": func(s string) string { return oneLine(strings.Repeat("x ", 143) + s) },
	"words":             func(s string) string { return strings.Join(strings.Fields(s), "\n") },
}

// gives reports whether a text shows the ends of one of the passwords.
func gives(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "planted") || strings.Contains(text, "secret") || strings.Contains(text, "cgxhbnrlz") || strings.Contains(text, base64.RawStdEncoding.EncodeToString([]byte("planted"))[:8])
}

// TestPlantedSpellings: a secret is hidden in whatever way it is spelled, and nothing else is.
func TestPlantedSpellings(t *testing.T) {
	for _, password := range plantedPasswords {
		m := maskerOf([]string{password})
		for how, echo := range plantedEchoes {
			text := `{"a": "no: ` + echo(password) + `, they say"}`
			if how == "the end of a line" {
				text = echo(password)
			}
			got := m.Replace(text)
			if gives(got) || !strings.Contains(got, hidden) {
				t.Errorf("%q in %s: %s", password, how, got)
			}
			if how != "the end of a line" && (!strings.HasPrefix(got, `{"a": "no: `) || !strings.HasSuffix(got, `, they say"}`)) {
				t.Errorf("%q in %s takes more away: %s", password, how, got)
			}
			if again := m.Replace(got); again != got {
				t.Errorf("%q in %s changes again: %s", password, how, again)
			}
		}
	}
	for _, test := range [][3]string{
		{"abcd", "ABCD abcd", "ABCD ********"},
		{"abcdef", "ABCDEF abcdef", "******** ********"},
		{"abc", "abc", "abc"},
		{"a&amp;b", "a&b", "a&b"},
		{"swordfish", `nothing \u00`, `nothing \u00`},
		{"swordfish", "&;%%%\\", "&;%%%\\"},
		{"swordfish", `\ud83d\u sword…`, `\ud83d\u ********…`},
		{"swordfish", "a sw…", "a sw…"},
		{"swordfish", "sword", "sword"},
		{"swordfish", "swordfishswordfish", "****************"},
		{"swordfish", "", ""},
	} {
		if got := maskerOf([]string{test[0], "another"}).Replace(test[1]); got != test[2] {
			t.Errorf("%q in %q: %q, want %q", test[0], test[1], got, test[2])
		}
	}
}

// TestPlantedPasswordsComeBack in all that a peer can say: the report, the answer that is
// kept, errors and the log have none of them.
func TestPlantedPasswordsComeBack(t *testing.T) {
	for _, password := range plantedPasswords {
		quoted, _ := json.Marshal(password)
		options := "basic_auth: {username: me, password: " + string(quoted) + "}"
		for way, answer := range map[string]func(w http.ResponseWriter){
			"a report": func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/health+json")
				w.WriteHeader(http.StatusServiceUnavailable)
				text, _ := json.Marshal(map[string]any{"status": "fail", "output": "no: " + password, "notes": []string{password, html.EscapeString(password)}, "version": password, "releaseId": url.QueryEscape(password)})
				_, _ = w.Write(text)
			},
			"no coding": func(w http.ResponseWriter) {
				w.Header().Set("Content-Encoding", strings.ReplaceAll(password, "\t", " "))
				w.Header().Set("Content-Type", "application/health+json")
				_, _ = io.WriteString(w, `{"status": "fail"}`)
			},
			"a redirect": func(w http.ResponseWriter) {
				w.Header().Set("Location", "http://127.0.0.1:1/?x="+password)
				w.WriteHeader(http.StatusFound)
			},
			"a redirect, escaped": func(w http.ResponseWriter) {
				w.Header().Set("Location", "http://127.0.0.1:1/"+url.PathEscape(password))
				w.WriteHeader(http.StatusFound)
			},
			"a host": func(w http.ResponseWriter) {
				w.Header().Set("Location", "http://"+password+"/")
				w.WriteHeader(http.StatusFound)
			},
			"a scheme": func(w http.ResponseWriter) {
				w.Header().Set("Location", password+"://x/")
				w.WriteHeader(http.StatusFound)
			},
			"a status":  func(w http.ResponseWriter) { hijacks(w, "HTTP/1.1 "+password+" x\r\n\r\n") },
			"a reason":  func(w http.ResponseWriter) { hijacks(w, "HTTP/1.1 500 "+password+"\r\n\r\n") },
			"a version": func(w http.ResponseWriter) { hijacks(w, password+" 200 OK\r\n\r\n") },
			"a header":  func(w http.ResponseWriter) { hijacks(w, "HTTP/1.1 200 OK\r\n"+password+"\r\n\r\n") },
			"a length":  func(w http.ResponseWriter) { hijacks(w, "HTTP/1.1 200 OK\r\nContent-Length: "+password+"\r\n\r\n") },
			"an encoding": func(w http.ResponseWriter) {
				hijacks(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "+password+"\r\n\r\n")
			},
			"a chunk": func(w http.ResponseWriter) {
				hijacks(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/health+json\r\n\r\n"+password+"\r\n")
			},
			"a type": func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", password)
				_, _ = io.WriteString(w, `{`)
			},
		} {
			peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
			for _, kind := range []string{"http", "health"} {
				var log bytes.Buffer
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				res := moduleFrom(t, kind, options).Probe(ctx, Request{Target: peer.URL, Samples: true, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
				cancel()
				for where, text := range map[string]string{"error": res.Error, "answer": string(res.Response), "log": log.String(), "report": fmt.Sprintf("%+v", res.Report), "samples": fmt.Sprint(res.Samples)} {
					if gives(text) {
						t.Errorf("%q as %s, kind %s: the %s shows it: %s", password, way, kind, where, text)
					}
				}
			}
			peer.Close()
		}
	}
}

// hijacks answers with what is no HTTP, maybe.
func hijacks(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text)
}

// TestPlantedInDialogues come back in lines, in bytes, and in labels of metrics.
func TestPlantedInDialogues(t *testing.T) {
	for _, password := range plantedPasswords {
		if strings.ContainsAny(password, " \t") {
			continue // which are words of a dialogue, each by itself
		}
		quoted, _ := json.Marshal("PASS " + password)
		for _, expect := range []string{`{expect: "^never"}`, `{expect: "^-(.*)$", labels: [{name: said, value: "${1}"}]}`, `{expect_bytes: "-xxxxxxxxxxxxxxxxxxxxxxxxxxx"}`} {
			target := listen(t, func(conn net.Conn) { defer conn.Close(); fmt.Fprintf(conn, "-%s\r\n", password) })
			var log bytes.Buffer
			res := probeWithin(t, moduleFrom(t, "tcp", "query_response: [{send: "+string(quoted)+"}, "+expect+"]"), 2*time.Second,
				Request{Target: target, Samples: true, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			if text := res.Error + log.String() + fmt.Sprint(res.Samples); gives(text) {
				t.Errorf("%q shows: %s", password, text)
			}
		}
	}
}
