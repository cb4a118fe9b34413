package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

var spaces = regexp.MustCompile(` +`)

// TestCommandLineOfThePage runs every command line of the page in its order with the
// built program, and compares what it prints with what the page says, but for the
// widths of columns.
func TestCommandLineOfThePage(t *testing.T) {
	w := startWatcher(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "health_exporter")
	if out, err := exec.Command("go", "build", "-o", program, root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ran := 0
	for _, block := range codeBlocks(t, "cli.md", "console") {
		for _, step := range strings.Split("\n"+block, "\n$ ")[1:] {
			line, said, _ := strings.Cut(step, "\n")
			cmd := w.command("bash", "-c", w.here(line))
			cmd.Dir = dir
			cmd.Env = append(cmd.Env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			got, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s\n%v\n%s", line, err, got)
			}
			if !looksLike(spaces.ReplaceAllString(string(got), " "), spaces.ReplaceAllString(w.here(said), " ")) {
				t.Fatalf("%s\nprints\n%s\nthe page says\n%s", line, got, said)
			}
			ran++
		}
	}
	if ran < 15 {
		t.Errorf("only %d command lines found", ran)
	}
}

// TestAccessOfThePage loads what the page shows.
func TestAccessOfThePage(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"prometheus", "shop", "admin"} {
		if err := os.WriteFile(filepath.Join(dir, name+".token"), []byte(strings.Repeat(string(rune('a'+i)), 16)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.ReplaceAll(codeBlocks(t, "access.md", "yaml")[0], "/etc/health_exporter", dir)
	cfg, err := config.Load(saved(t, "health_exporter.yml", text))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Access.Read != "token" || cfg.Access.Debug != "local" || !cfg.Registration.Has("shop", "write") || cfg.Registration.Has("prometheus", "write") {
		t.Errorf("%+v %+v", cfg.Access, cfg.Registration)
	}
	promtool := testneed.Program(t, "prometheus", "promtool")
	scrape := strings.ReplaceAll(codeBlocks(t, "access.md", "yaml prometheus")[0], "/etc/prometheus/health_exporter.token", filepath.Join(dir, "shop.token"))
	if out, err := exec.Command(promtool, "check", "config", saved(t, "prometheus.yml", scrape)).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
