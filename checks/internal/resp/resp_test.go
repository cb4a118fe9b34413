package resp

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readText(text string) (any, error) {
	left := maxReply
	return read(bufio.NewReader(strings.NewReader(text)), &left, 0)
}

func TestRead(t *testing.T) {
	tests := []struct {
		name, text string
		want       any
	}{
		{"simple", "+PONG\r\n", "PONG"},
		{"error", "-ERR no\r\n", Error("ERR no")},
		{"number", ":-12\r\n", int64(-12)},
		{"bulk", "$6\r\na\r\nb\r\n\r\n", "a\r\nb\r\n"},
		{"empty", "$0\r\n\r\n", ""},
		{"nil", "$-1\r\n", nil},
		{"nil list", "*-1\r\n", nil},
		{"list", "*3\r\n+a\r\n*1\r\n:1\r\n-E x\r\n", []any{"a", []any{int64(1)}, Error("E x")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readText(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadRubbish(t *testing.T) {
	for text, want := range map[string]error{
		"":                             io.ErrUnexpectedEOF,
		"+PONG":                        io.ErrUnexpectedEOF,
		"$5\r\nabc":                    io.ErrUnexpectedEOF,
		"*2\r\n+a\r\n":                 io.ErrUnexpectedEOF,
		"+PONG\n":                      errNoRESP,
		"\r\n":                         errNoRESP,
		"HTTP/1.1 400 Bad Request\r\n": errNoRESP,
		"$-2\r\n":                      errNoRESP,
		"$1x\r\n":                      errNoRESP,
		"$1\r\nabc":                    errNoRESP,
		strings.Repeat("*1\r\n", 50):   errNoRESP,
		strings.Repeat("x", 10_000):    errNoRESP,
	} {
		if got, err := readText(text); !errors.Is(err, want) {
			t.Errorf("%.30q gives %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"$9999999999\r\n", "*9999999999\r\n", "*4000000\r\n" + strings.Repeat(":1\r\n", 2_000_000)} {
		if got, err := readText(text); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%.30q gives %v, %v", text, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("*3\r\n+a\r\n*1\r\n:1\r\n-E x\r\n")
	f.Add("$6\r\na\r\nb\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := readText(text); err == nil && text == "" {
			t.Error("nothing is a reply")
		}
	})
}
