package mail

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parsed is a mail as its reader has it.
type parsed struct {
	header mail.Header
	bodies map[string]string // by media type
}

// parse reads a mail, and fails the test if a reader could misunderstand it.
func parse(t testing.TB, content string) parsed {
	t.Helper()
	for line := range strings.Lines(content) {
		if len(line) > 1000 || !strings.HasSuffix(line, "\r\n") || strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r == 0 }) {
			t.Fatalf("no line of a mail: %q", line)
		}
	}
	message, err := mail.ReadMessage(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed{header: message.Header, bodies: map[string]string{}}
	media, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	decode := func(r io.Reader) string {
		body, err := io.ReadAll(quotedprintable.NewReader(r))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	if media == "text/plain" {
		p.bodies[media] = decode(message.Body)
		return p
	}
	for r := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		p.bodies[part.Header.Get("Content-Type")] = decode(part)
	}
}

// decoded is a header in clear.
func (p parsed) decoded(t testing.TB, name string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(p.header.Get(name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// names are those of all headers.
func (p parsed) names() []string {
	var names []string
	for name, values := range p.header {
		for range values {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func written(t testing.TB, m *Message) parsed {
	t.Helper()
	var content bytes.Buffer
	if err := m.Write(&content, "Monitör <monitor@example.org>"); err != nil {
		t.Fatal(err)
	}
	return parse(t, content.String())
}

var mailHeaders = []string{
	"Auto-Submitted", "Content-Type", "Date", "From", "In-Reply-To", "Message-Id", "Mime-Version", "References", "Subject", "To",
}

func TestMail(t *testing.T) {
	p := written(t, &Message{
		To: "alice@example.net", Subject: "Küche is unhealthy", Text: "It is. ✓\n.\n", HTML: "<p>It is. ✓</p>\n",
		MessageID: "one", InReplyTo: "two@other.example", Date: time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("CET", 3600)),
	})
	if diff := cmp.Diff(mailHeaders, p.names()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"Auto-Submitted": "auto-generated", "Date": "Sat, 21 Nov 2026 10:00:00 +0100", "From": "Monitör <monitor@example.org>",
		"Message-Id": "<one@example.org>", "In-Reply-To": "<two@other.example>", "References": "<two@other.example>",
		"Subject": "Küche is unhealthy", "To": "<alice@example.net>",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = p.decoded(t, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	bodies := map[string]string{"text/plain; charset=UTF-8": "It is. ✓\n.\n", "text/html; charset=UTF-8": "<p>It is. ✓</p>\n"}
	if diff := cmp.Diff(bodies, p.bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestMailWithLess(t *testing.T) {
	m := &Message{To: "alice@example.net", Subject: "s", Text: "Text only.\n", Date: time.Unix(0, 0)}
	p, again := written(t, m), written(t, m)
	if diff := cmp.Diff(map[string]string{"text/plain": "Text only.\n"}, p.bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
	if p.header.Get("In-Reply-To") != "" || p.header.Get("References") != "" {
		t.Error("a thread of nothing")
	}
	if id := p.header.Get("Message-Id"); id == again.header.Get("Message-Id") || !strings.HasSuffix(id, "@example.org>") {
		t.Errorf("identifier %q", id)
	}
}

func TestInjection(t *testing.T) {
	for _, evil := range []string{
		"a\r\nBcc: eve@example.com\r\n\r\nbody", "a\nBcc: eve@example.com", "a\rBcc: eve@example.com", "a\x00b", "\r\n.\r\nMAIL FROM:<x@y>",
		strings.Repeat("long ", 4000), strings.Repeat("l", 20000), strings.Repeat("é", 20000), "\u202egpj.exe", "👩‍🚒 🔥",
		"=?utf-8?q?a=0D=0ABcc:_eve@example.com?=", "a> SIZE=1", "\xff\xfe", "", " ", "..", "@", "a@b@c",
	} {
		p := written(t, &Message{
			To: "alice@example.net", Subject: evil, Text: "x" + evil, HTML: evil + "y", MessageID: evil, InReplyTo: "t" + evil, Date: time.Unix(0, 0),
		})
		if diff := cmp.Diff(mailHeaders, p.names()); diff != "" {
			t.Errorf("%.40q: headers (-want +got):\n%s", evil, diff)
		}
		subject := p.decoded(t, "Subject")
		if strings.ContainsFunc(subject, hidden) || len([]rune(subject)) > subjectCharacters+10 {
			t.Errorf("%.40q: subject %q", evil, subject)
		}
		for _, name := range []string{"Message-Id", "In-Reply-To", "References"} {
			id := p.header.Get(name)
			if _, err := mail.ParseAddress(id); err != nil || len(id) > 250 {
				t.Errorf("%.40q: %s is %q: %v", evil, name, id, err)
			}
		}
		if len(p.bodies) != 2 {
			t.Errorf("%.40q: %d parts", evil, len(p.bodies))
		}
	}
}

func TestRecipient(t *testing.T) {
	for text, want := range map[string]string{
		"me@example.org": "me@example.org", "Me.Too+nas_1-2@Sub.Example.ORG": "Me.Too+nas_1-2@sub.example.org",
		strings.Repeat("l", 64) + "@example.org": strings.Repeat("l", 64) + "@example.org",
		strings.Repeat("l", 65) + "@example.org": "", strings.Repeat("a.", 126) + "a@b.c": "",
		"": "", "root": "", "root@localhost": "root@localhost", "o'brien@x.org": "o'brien@x.org", "a@x.org\r\nBcc: e@x.org": "", "a@x.org\x00": "", "a@x.org, b@x.org": "",
		"Me <a@x.org>": "", `"a> SIZE=1"@x.org`: "", "a@[127.0.0.1]": "", "grüße@bücher.test": "", "a%b@x.org": "a%b@x.org", "b!a@x.org": "b!a@x.org",
		"a@b@x.org": "", "-a@x.org": "-a@x.org", ".a@x.org": "", "a.@x.org": "", "a..b@x.org": "", "a@x.org.": "", "a@-x.org": "", "<a@x.org>": "", " a@x.org": "",
	} {
		got, err := recipient(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
		if want != "" {
			continue
		}
		m := &Message{To: text, Subject: "s", Text: "t", Date: time.Unix(0, 0)}
		if err := m.Write(io.Discard, "me@example.org"); err == nil {
			t.Errorf("%q: a mail was written", text)
		}
	}
	for _, from := range []string{"", "me", "a@x.org, b@x.org", "a@x.org\r\nBcc: e@x.org"} {
		if err := testMail("me@example.org", 1).Write(io.Discard, from); err == nil {
			t.Errorf("a mail was written from %q", from)
		}
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct{ text, got, want string }{
		{"oneLine", oneLine(" a\r\n\tb\x00c\u202ed  é\xff ", 100), "a b c d é\ufffd"},
		{"oneLine keeps joiners", oneLine("👩\u200d🚒", 10), "👩\u200d🚒"},
		{"cut", cut("ééééé", 5) + cut("éééééé", 5), "ééééé" + "éééé…"},
		{"lines", lines("a\r\nb\rc\x1b[0m\td\u2066"), "a\nbc[0m\td"},
		{"excerpt", excerpt([]byte("\n\n a \r\n\r\n\tb\x00\n")), " a\n b"},
		{"excerpt of many lines", excerpt([]byte(strings.Repeat("x\n", 100))), strings.Repeat("x\n", excerptLines) + "…"},
		{"indent", indent("> ", "a\nb"), "> a\n> b"},
		{
			"spell", fmt.Sprint(spell(0), ", ", spell(59*time.Second), ", ", spell(61*time.Second), ", ", spell(time.Hour), ", ", spell(26*time.Hour), ", ", spell(240*time.Hour)),
			"0 s, 59 s, 1 min 1 s, 1 h, 1 d 2 h, 10 d",
		},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.text, test.got, test.want)
		}
	}
	if got := []rune(excerpt(bytes.Repeat([]byte("é"), 1<<20))); len(got) != excerptCharacters {
		t.Errorf("excerpt of %d characters", len(got))
	}
}
