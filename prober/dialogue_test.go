package prober

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/health"
)

// peer is the other side of a dialogue, as a test scripts it.
type peer struct {
	net.Conn
	lines *bufio.Reader
}

// scripted listens and plays the script to each connection.
func scripted(t testing.TB, script func(p *peer)) string {
	t.Helper()
	return listen(t, func(conn net.Conn) { script(newPeer(conn)) })
}

func newPeer(conn net.Conn) *peer { return &peer{conn, bufio.NewReader(conn)} }

func (p *peer) say(text string) { _, _ = io.WriteString(p.Conn, text) }

// hear is the next line as it came, or empty if there is none.
func (p *peer) hear() string {
	line, _ := p.lines.ReadString('\n')
	return line
}

// hearEnd waits until the other side hangs up.
func (p *peer) hearEnd() { _, _ = io.Copy(io.Discard, p.lines) }

// says is a peer that only talks, and then hangs up or waits until we do.
func says(text string, hangUp bool) func(p *peer) {
	return func(p *peer) {
		p.say(text)
		if !hangUp {
			p.hearEnd()
		}
	}
}

func TestDialogue(t *testing.T) {
	pass := Result{Outcome: health.Pass}
	fail := func(reason Reason, phase Phase, text string) Result {
		return Result{Outcome: health.Fail, Reason: reason, Phase: phase, Error: text}
	}
	closed := func(want string) Result {
		return fail(ReasonBody, PhaseCheck, fmt.Sprintf("connection closed before a line that matches %q", want))
	}
	long := strings.Repeat("x", maxLine-1)
	type steps = []QueryResponse
	for _, test := range []struct {
		name         string
		serve        func(p *peer)
		steps        steps
		want         Result
		regex, bytes float64
	}{
		{name: "first line", serve: says("hello\n", false), steps: steps{{Expect: re("^hello$")}}, want: pass},
		{name: "not anchored", serve: says("say hello you\n", false), steps: steps{{Expect: re("hello")}}, want: pass},
		{name: "third line", serve: says("a\nb\nc\n", false), steps: steps{{Expect: re("^c$")}}, want: pass},
		{name: "CR LF", serve: says("hello\r\n", false), steps: steps{{Expect: re("^hello$")}}, want: pass},
		{name: "only one CR is of the end", serve: says("hello\r\r\n", false), steps: steps{{Expect: re("^hello\r$")}}, want: pass},
		{name: "empty line", serve: says("\r\n", false), steps: steps{{Expect: re("^$")}}, want: pass},
		{name: "last line without an end", serve: says("a\nhello", true), steps: steps{{Expect: re("^hello$")}}, want: pass},
		{name: "last line with half an end", serve: says("hello\r", true), steps: steps{{Expect: re("^hello$")}}, want: pass},
		{name: "two expects, one segment", serve: says("a\nb\nc\n", false), steps: steps{{Expect: re("^a$")}, {Expect: re("^c$")}}, want: pass},
		{name: "what is skipped is gone", serve: says("a\nb\n", true), steps: steps{{Expect: re("b")}, {Expect: re("a")}}, want: closed("a"), regex: 1},
		{name: "no match", serve: says("a\nb\n", true), steps: steps{{Expect: re("^x$")}}, want: closed("^x$"), regex: 1},
		{name: "nothing", serve: says("", true), steps: steps{{Expect: re("x")}}, want: closed("x"), regex: 1},
		{name: "matched, then closed", serve: says("a\n", true), steps: steps{{Expect: re("a")}, {Expect: re("x")}}, want: closed("x"), regex: 1},
		{name: "reset", serve: func(p *peer) {
			p.hear()
			_ = p.Conn.(*net.TCPConn).SetLinger(0)
		}, steps: steps{{Send: "x"}, {Expect: re("x")}}, want: fail(ReasonConnect, PhaseRequest, "connection reset by peer")},
		{name: "longest line", serve: says(long+"\n", false), steps: steps{{Expect: re("^x+$")}}, want: pass},
		{
			name: "line too long", serve: says(long+"x\n", false), steps: steps{{Expect: re("x")}},
			want: fail(ReasonBody, PhaseTransfer, "answer with a line of more than 64 KiB"),
		},
		{
			name: "line too long before the one", serve: says(long+long+"\nhello\n", false), steps: steps{{Expect: re("hello")}},
			want: fail(ReasonBody, PhaseTransfer, "answer with a line of more than 64 KiB"),
		},
		{name: "bytes", serve: says("\x00\xff\r\nab", false), steps: steps{{ExpectBytes: "\x00\xff\r\na"}}, want: pass},
		{name: "bytes in segments", serve: func(p *peer) {
			for _, c := range "hello" {
				p.say(string(c))
				time.Sleep(5 * time.Millisecond)
			}
		}, steps: steps{{ExpectBytes: "hello"}}, want: pass},
		{name: "many bytes", serve: says(long+long, false), steps: steps{{ExpectBytes: long + long}}, want: pass},
		{
			name: "other bytes", serve: says("hellO", false), steps: steps{{ExpectBytes: "hello"}},
			want: fail(ReasonBody, PhaseCheck, "answer is not the 5 bytes expected"), bytes: 1,
		},
		{
			name: "other bytes in the first segment", serve: says("x", false), steps: steps{{ExpectBytes: "hello"}},
			want: fail(ReasonBody, PhaseCheck, "answer is not the 5 bytes expected"), bytes: 1,
		},
		{
			name: "too few bytes", serve: says("hell", true), steps: steps{{ExpectBytes: "hello"}},
			want: fail(ReasonBody, PhaseCheck, "connection closed after 4 of 5 bytes expected"),
		},
		{name: "bytes after a line", serve: says("a\nbcd\n", false), steps: steps{{Expect: re("a")}, {ExpectBytes: "bc"}, {Expect: re("^d$")}}, want: pass},
		{name: "bytes after bytes", serve: says("abcd", false), steps: steps{{ExpectBytes: "ab"}, {ExpectBytes: "cd"}}, want: pass},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, talking(t, test.steps...), 5*time.Second, Request{Target: scripted(t, test.serve), Samples: true})
			checkResult(t, res, test.want)
			checkValues(t, res, map[string]float64{"probe_failed_due_to_regex": test.regex, "probe_failed_due_to_bytes": test.bytes})
			if got := namesOf(res.Samples); got != connectedNames {
				t.Errorf("metrics %s", got)
			}
		})
	}
}

// What is sent has a line feed at its end, and what was matched where it is named.
func TestDialogueSend(t *testing.T) {
	const banner = "PING 1234 abc\n"
	for _, test := range []struct {
		name string
		step QueryResponse
		want string
	}{
		{"plain", QueryResponse{Send: "hello"}, "hello\n"},
		{"CR LF by a CR", QueryResponse{Send: "hello\r"}, "hello\r\n"},
		{"no expansion without expect", QueryResponse{Send: "a ${1} $$ $x"}, "a ${1} $$ $x\n"},
		{"no expansion after expect_bytes", QueryResponse{ExpectBytes: banner, Send: "${1}"}, "${1}\n"},
		{"group", QueryResponse{Expect: re(`PING (\d+)`), Send: "PONG ${1}"}, "PONG 1234\n"},
		{"all of it", QueryResponse{Expect: re(`P.NG`), Send: "${0}!"}, "PING!\n"},
		{"named", QueryResponse{Expect: re(`(?P<id>\d+) (?P<rest>.*)`), Send: "$rest $id"}, "abc 1234\n"},
		{"no such group", QueryResponse{Expect: re(`PING`), Send: "<${7}${none}>"}, "<>\n"},
		{"dollar", QueryResponse{Expect: re(`PING`), Send: "$$1"}, "$1\n"},
		{"bytes that are no text", QueryResponse{Send: "\x00\xff"}, "\x00\xff\n"},
		{"nothing left to send", QueryResponse{Expect: re(`PING`), Send: "${7}"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			heard := make(chan string, 1)
			target := scripted(t, func(p *peer) {
				p.say(banner)
				heard <- p.hear()
			})
			if res := probeWithin(t, talking(t, test.step), 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
				t.Fatal(res.Error)
			}
			if got := <-heard; got != test.want {
				t.Errorf("peer heard %q, want %q", got, test.want)
			}
		})
	}
}

// All that a step names is done, in the order expect, expect_bytes, send.
func TestDialogueOrder(t *testing.T) {
	heard := make(chan string, 2)
	target := scripted(t, func(p *peer) {
		p.say("first\n")
		heard <- p.hear()
		p.say("second")
		heard <- p.hear()
	})
	m := talking(t, QueryResponse{Expect: re("(first)"), Send: "1 ${1}"}, QueryResponse{ExpectBytes: "second", Send: "2"})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	if got := <-heard + <-heard; got != "1 first\n2\n" {
		t.Errorf("peer heard %q", got)
	}
}

func TestExpectInfo(t *testing.T) {
	const banner = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
	ssh := QueryResponse{Expect: re("^SSH-([0-9.]+)-([^ ]+)(?: (.*))?$"), Labels: []ExpectLabel{
		{Name: "ssh_version", Value: "${1}"}, {Name: "software", Value: "<$2>"}, {Name: "comments", Value: "${3}"}, {Name: "fixed", Value: "x"},
	}}
	sshInfo := "probe_expect_info{ssh_version=2.0,software=<OpenSSH_9.2p1>,comments=Debian-2,fixed=x}"
	next := QueryResponse{Expect: re("^next (.*)$"), Labels: []ExpectLabel{{Name: "word", Value: "$1"}}}
	labelled := func(names ...string) QueryResponse {
		step := QueryResponse{Expect: re("SSH")}
		for i, name := range names {
			step.Labels = append(step.Labels, ExpectLabel{name, fmt.Sprint(i), ""})
		}
		return step
	}
	for _, test := range []struct {
		name, says string
		steps      []QueryResponse
		want       []string // all series of the family
	}{
		{"banner", banner, []QueryResponse{ssh}, []string{sshInfo}},
		{"labels twice", banner + "next one\n", []QueryResponse{ssh, next}, []string{sshInfo, "probe_expect_info{word=one}"}},
		{
			"the same labels twice", banner + "next one\nnext two\n",
			[]QueryResponse{next, next},
			[]string{"probe_expect_info{word=one}", "probe_expect_info{word=two}"},
		},
		{"the same series twice", "next one\nnext one\n", []QueryResponse{next, next}, []string{"probe_expect_info{word=one}"}},
		{"kept although a later step fails", banner, []QueryResponse{ssh, next}, []string{sshInfo}},
		{"no match", "220 ftp\n", []QueryResponse{ssh}, nil},
		{"no labels", banner, []QueryResponse{{Expect: re("SSH"), Labels: []ExpectLabel{}}}, []string{"probe_expect_info"}},
		{
			"names", banner,
			[]QueryResponse{labelled("a-b", "9a", "__x", "ü", "a b")},
			[]string{"probe_expect_info{a_b=0,_a=1,_x=2,_=3}"},
		}, // of two a_b the first counts
		{"no text", "next \xffa\xfe\xfd\n", []QueryResponse{next}, []string{"probe_expect_info{word=\uFFFDa\uFFFD}"}},
		{"much text", "next " + strings.Repeat("ä", 500) + "\n", []QueryResponse{next}, []string{"probe_expect_info{word=" + strings.Repeat("ä", 128) + "}"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := scripted(t, says(test.says, true))
			res := probeWithin(t, talking(t, test.steps...), 5*time.Second, Request{Target: target, Samples: true})
			found := 0
			for _, sample := range res.Samples {
				if sample.Name == "probe_expect_info" {
					found++
				}
			}
			if found != len(test.want) {
				t.Errorf("%d series: %v", found, valuesOf(res.Samples))
			}
			for _, series := range test.want {
				checkValues(t, res, map[string]float64{series: 1})
			}
		})
	}
}

// A peer that talks without end is cut short, in time and memory.
func TestDialogueFlood(t *testing.T) {
	for _, test := range []struct {
		name, piece string
		step        QueryResponse
		want        Result
	}{
		{
			"lines", strings.Repeat(strings.Repeat("x", 255)+"\n", 1<<7),
			QueryResponse{Expect: re("y")},
			Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: "answer of more than 10 MiB"},
		},
		{
			"empty lines", strings.Repeat("\n", 1<<15),
			QueryResponse{Expect: re("y")},
			Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: "answer of more than 100000 lines"},
		},
		{
			"one line", strings.Repeat("x", 1<<15),
			QueryResponse{Expect: re("y")},
			Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: "answer with a line of more than 64 KiB"},
		},
		{
			"zeros", strings.Repeat("\x00", 1<<15),
			QueryResponse{Expect: re("y")},
			Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: "answer with a line of more than 64 KiB"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := scripted(t, func(p *peer) { dribble(p, test.piece, 0) })
			m := talking(t, test.step)
			var log bytes.Buffer
			res := probeWithin(t, m, 10*time.Second, Request{Target: target, Samples: true, Log: textLog(&log)})
			checkResult(t, res, test.want)
			checkValues(t, res, map[string]float64{"probe_failed_due_to_regex": 0})
			if lines := strings.Count(log.String(), "\n"); lines > maxLoggedReads+10 {
				t.Errorf("logged %d lines", lines)
			}
		})
	}
}

// endless is a peer that repeats itself.
type endless string

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e[i%len(e)]
	}
	return len(p), nil
}

// However much a peer writes, a reader holds one line.
func TestLineReaderMemory(t *testing.T) {
	for name, peer := range map[string]endless{"lines": "hello\n", "one line": "x", "long lines": endless(strings.Repeat("x", maxLine/2) + "\n")} {
		r := newLineReader()
		r.open(peer)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var err error
		for err == nil {
			_, err = r.line()
		}
		runtime.ReadMemStats(&after)
		if kb := (after.TotalAlloc - before.TotalAlloc) >> 10; kb > 512 {
			t.Errorf("%s: allocated %d KiB", name, kb)
		}
		if read := r.meter.read; read > maxDialogueBytes {
			t.Errorf("%s: read %d bytes", name, read)
		}
	}
}

// What a peer writes reaches the log as one line of valid text.
func TestDialogueLog(t *testing.T) {
	var log bytes.Buffer
	raw := "\x00\x01" + strings.Repeat("r", 5000)
	target := scripted(t, says("evil\x1b[31m \xff\r\nnext "+strings.Repeat("e", 5000)+"\n"+raw, false))
	m := talking(t, QueryResponse{Expect: re("next")}, QueryResponse{ExpectBytes: raw}, QueryResponse{Send: "QUIT"})
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target, Log: textLog(&log)}); res.Outcome != health.Pass {
		t.Fatal(res.Error)
	}
	text := log.String()
	for _, want := range []string{`msg="read line"`, "matches=true", `msg="read bytes"`, `msg="sending line" line=QUIT`, "connected", "processing query_response"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\x00") || len(text) > 4000 {
		t.Errorf("log of %d bytes:\n%s", len(text), text)
	}
}

// Readers are used again: nothing of one dialogue may reach another.
func TestDialogueKeepsNothing(t *testing.T) {
	m := talking(t, QueryResponse{Expect: re("^first$")})
	chatty := scripted(t, says("first\n"+strings.Repeat("second\n", 100), false))
	mute := scripted(t, says("", true))
	for range 20 {
		if res := probeWithin(t, m, 5*time.Second, Request{Target: chatty}); res.Outcome != health.Pass {
			t.Fatal(res.Error)
		}
		m.spec.(*tcpProbe).QueryResponse[0].Expect = re(".")
		if res := probeWithin(t, m, 5*time.Second, Request{Target: mute}); res.Outcome != health.Fail {
			t.Fatal("the rest of another dialogue was read")
		}
	}
}
