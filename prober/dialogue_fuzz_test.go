package prober

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/health"
)

// pieces hands out its bytes a few at a time, as a network may.
type pieces struct {
	data []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.data)
	p.data = p.data[n:]
	return n, nil
}

// FuzzLineReader: lines are those that a plain split finds, however the bytes come.
func FuzzLineReader(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nc"), byte(1))
	f.Add([]byte(strings.Repeat("x", 40)+"\n\r\r\n\r"), byte(20))
	f.Add([]byte("\x00\xff\n"), byte(3))
	r := newLineReader() // used again and again, as those of a module are
	r.buf = bufio.NewReaderSize(&r.meter, 16)
	f.Fuzz(func(t *testing.T, data []byte, size byte) {
		var want []string
		tooLong := false
		for _, line := range strings.SplitAfter(string(data), "\n") {
			if tooLong = len(line) > maxLine; tooLong {
				break
			}
			if line != "" {
				want = append(want, strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"))
			}
		}
		r.open(&pieces{data, 1 + int(size)})
		for i := 0; ; i++ {
			line, err := r.line()
			if err != nil {
				if i != len(want) || errors.Is(err, io.EOF) == tooLong {
					t.Errorf("%v after %d of %d lines", err, i, len(want))
				}
				break
			}
			if i >= len(want) || string(line) != want[i] {
				t.Fatalf("line %d is %q", i, line)
			}
		}
		if cap(r.long) > 2*maxLine {
			t.Errorf("keeps %d bytes", cap(r.long))
		}
		// The same bytes, not as lines.
		r.open(&pieces{data, 1 + int(size)})
		var got []byte
		for {
			some, err := r.some(7)
			if err != nil {
				break
			}
			if len(some) == 0 || len(some) > 7 {
				t.Fatalf("%d bytes at once", len(some))
			}
			got = append(got, some...)
		}
		if !bytes.Equal(got, data) {
			t.Errorf("read %q of %q", got, data)
		}
	})
}

// FuzzDialogue: whatever a peer says, the probe ends with a result that can be shown.
func FuzzDialogue(f *testing.F) {
	f.Add([]byte("SSH-2.0-x\r\nab"))
	f.Add([]byte("220 \xff\xfe\n\x16\x03\x01\x00\x05hello"))
	f.Add([]byte(strings.Repeat("220 x\n", 1000)))
	m := talking(f,
		QueryResponse{Expect: re(`^(\S*)[ -](.*)$`), Send: "${2} $1 $3", Labels: []ExpectLabel{{Name: "a", Value: "${1}"}, {Name: "b-c", Value: "$0$2"}}},
		QueryResponse{ExpectBytes: "ab"},
		QueryResponse{Expect: re(`.`), Labels: []ExpectLabel{{Name: "a", Value: "${0}"}}, StartTLS: true},
	)
	p := m.spec.(*tcpProbe)
	p.TLSConfig.InsecureSkipVerify = true
	p.certificates = newTLSSource(p.TLSConfig, false)
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = io.Copy(io.Discard, theirs) })
			_, _ = theirs.Write(data)
			theirs.Close()
			wg.Wait()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		d := &dialogueRun{Dialogue: &p.Dialogue, req: &Request{Samples: true, Log: textLog(io.Discard)}, config: func() (*tls.Config, error) { return p.certificates.config("") }}
		res := d.result(ctx, time.Second, d.run(ctx, ours), nil)
		<-done
		if res.Outcome == health.Pass || res.Reason == ReasonNone || res.Reason == ReasonTimeout || res.Phase == PhaseNone {
			t.Errorf("got %+v", res)
		}
		if !utf8.ValidString(res.Error) || strings.ContainsAny(res.Error, "\r\n") || len(res.Error) > 1200 {
			t.Errorf("error %q", res.Error)
		}
		for _, s := range res.Samples {
			for _, l := range s.Labels {
				if !labelName.MatchString(l.Name) || !utf8.ValidString(l.Value) || utf8.RuneCountInString(l.Value) > maxPeerLabel {
					t.Errorf("label %s=%q", l.Name, l.Value)
				}
			}
		}
	})
}

func FuzzLabelName(f *testing.F) {
	for _, name := range []string{"", "_", "__a", "9", "0 ", "a-b", "ü", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean := cleanLabelName(name)
		if !labelName.MatchString(clean) || strings.HasPrefix(clean, "__") {
			t.Errorf("%q became %q", name, clean)
		}
		if again := cleanLabelName(clean); again != clean {
			t.Errorf("%q became %q, and then %q", name, clean, again)
		}
	})
}
