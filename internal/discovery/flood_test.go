package discovery

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/file"

	"github.com/health-exporter/health_exporter/prober"
)

// TestLogAmongTheFiles: the log stands in the directory that is watched, so that every line
// has all files read again. What is wrong with several of them, or in several ways with
// one, is still said once.
func TestLogAmongTheFiles(t *testing.T) {
	dir := t.TempDir()
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer logFile.Close()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logged := func(text string) int {
		all, err := os.ReadFile(logFile.Name())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(all), text)
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: not logged", what)
			}
		}
	}
	put("sd1.yml", "- targets: [a:1]\n")
	c := &file.SDConfig{Files: []string{filepath.Join(dir, "sd*.yml")}, RefreshInterval: model.Duration(time.Second)}
	job := &Job{Name: "j", Mechanisms: []Mechanism{{Name: "file_sd", Configs: []Config{{c, "files"}}}}, Defaults: defaults("tcp_connect")}
	p := &published{last: map[prober.Source]string{}}
	d, stop := running(t, Options{Replace: p.replace, Log: slog.New(slog.NewTextHandler(logFile, nil))})
	defer stop()
	d.Sync([]*Job{job}, kinds)
	until("target", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.last["file_sd:j"] != "" })

	put("sd1.yml", "# nothing\n")
	until("emptied", func() bool { return logged("no targets any more") > 0 })
	put("sd1.yml", "- targets: [a:1]\n---\n- targets: [b:1]\n")
	until("second document", func() bool { return logged("second document") > 0 })
	for i := range 3 {
		put(fmt.Sprintf("sd%d.yml", 2+i), "oops: [")
	}
	until("no YAML", func() bool { return logged("sd4.yml") > 0 })
	before := d.Stats()[0].Failures
	until("more failures", func() bool { return d.Stats()[0].Failures > before+20 })
	if lines := logged("level=ERROR"); lines > 10 {
		t.Errorf("%d lines say what is wrong with four files", lines)
	}
	for text, most := range map[string]int{"no targets any more": 1, "second document": 1} {
		if n := logged(text); n > most {
			t.Errorf("%q is said %d times", text, n)
		}
	}
}

// TestNewsAreBounded: what is remembered of failures does not grow, and the one that was
// said longest ago is forgotten first.
func TestNewsAreBounded(t *testing.T) {
	f, begin := &failures{}, time.Now()
	for i := range 2 * maxRemembered {
		at := begin.Add(time.Duration(i))
		if text := fmt.Sprint(i); !f.news(text, at) || f.news(text, at) || i > 0 && f.news(fmt.Sprint(i-1), at) {
			t.Fatalf("%s is not said once", text)
		}
	}
	if len(f.said) != maxRemembered {
		t.Errorf("%d failures are remembered", len(f.said))
	}
	if last := fmt.Sprint(2*maxRemembered - 1); !f.news(last, begin.Add(2*repeatAfter)) {
		t.Error("a failure is not repeated later")
	}
}
