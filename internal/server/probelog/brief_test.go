package probelog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// A line of the log stays a line, whatever a target or a peer says.
func TestBrief(t *testing.T) {
	long := map[string]string{
		"plain": strings.Repeat("a", 1<<20), "runes": strings.Repeat("ü", 9000), "quotes": strings.Repeat("\"\n\x00", 9000), "half a rune": strings.Repeat("\xff", 9000),
	}
	for name, text := range long {
		for handler, make := range map[string]func(out *bytes.Buffer) slog.Handler{
			"text": func(out *bytes.Buffer) slog.Handler { return slog.NewTextHandler(out, nil) },
			"JSON": func(out *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(out, nil) },
		} {
			var out bytes.Buffer
			log := slog.New(Brief(make(&out))).With("target", text)
			log.Error(text, "err", errors.New(text), "location", text, slog.Group("group", "a", text), "n", 1)
			if out.Len() > 8000 || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("%s, %s: %d bytes", name, handler, out.Len())
			}
			if name == "plain" && !strings.Contains(out.String(), "… (1048576 bytes)") {
				t.Errorf("%s: %s", handler, out.String())
			}
		}
	}
	var out bytes.Buffer
	slog.New(Brief(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError}))).Warn("below")
	slog.New(Brief(slog.NewTextHandler(&out, nil))).Info("short", "a", "b", "n", 2)
	if !strings.Contains(out.String(), "a=b n=2") || strings.Contains(out.String(), "below") {
		t.Errorf("logged %q", out.String())
	}
	out.Reset()
	slog.New(Brief(slog.NewTextHandler(&out, nil))).Info("x", "target", "http://me:s3cret"+strings.Repeat("s3cret", 100)+"@a.example/")
	if strings.Contains(out.String(), "s3cret") {
		t.Errorf("logged %q", out.String())
	}
	if Brief(nil) != nil {
		t.Error("nobody became somebody")
	}
}
