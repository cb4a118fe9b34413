package scale

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// exporter is the program, with so many targets of a file.
type exporter struct {
	*harness.Process
	t               *testing.T
	dir, url        string
	answered, ready time.Duration // from the start until it answers, and until it is ready
}

func startExporter(t *testing.T, f *farm, n int, interval time.Duration) *exporter {
	t.Helper()
	e := &exporter{t: t, dir: t.TempDir()}
	var text strings.Builder
	text.WriteString("registration: {max_targets: 1000000, max_targets_per_owner: 1000000}\ntargets:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {app: t%06d, url: '%s', interval: %s}\n", i, f.url(i), interval)
	}
	file := filepath.Join(e.dir, "a.yml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	address := testport.Reserve(t)
	e.url = "http://" + address
	began := time.Now()
	e.Process = harness.Start(t, "health_exporter", exec.Command(harness.Program(), "--config.file="+file, "--no-zeroconf",
		"--storage.path="+e.storage(), "--web.listen-address="+address, "--log.level=warn"))
	for e.ready == 0 {
		resp, err := http.Get(e.url + "/-/ready")
		if err == nil {
			resp.Body.Close()
			if e.answered == 0 {
				e.answered = time.Since(began)
			}
			if resp.StatusCode == http.StatusOK {
				e.ready = time.Since(began)
			}
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("not ready after %v: %v", time.Since(began), err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return e
}

func (e *exporter) storage() string { return filepath.Join(e.dir, "data") }

// cpu is what the program has used.
func (e *exporter) cpu() time.Duration {
	e.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.Cmd.Process.Pid))
	if err != nil {
		e.t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // the kernel's USER_HZ is 100
}

// rss is the memory that it has, in MB.
func (e *exporter) rss() float64 {
	e.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.Cmd.Process.Pid))
	if err != nil {
		e.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		e.t.Fatal(err)
	}
	return float64(kb) / 1000
}

// lateness is the histogram of how late probes were begun: upper bounds, and how many
// were within each.
func (e *exporter) lateness() (bounds, counts []float64) {
	e.t.Helper()
	resp, err := http.Get(e.url + "/metrics")
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		rest, found := strings.CutPrefix(lines.Text(), `health_scheduler_lateness_seconds_bucket{le="`)
		if !found {
			continue
		}
		bound, count, _ := strings.Cut(rest, `"} `)
		le, err := strconv.ParseFloat(bound, 64)
		n, err2 := strconv.ParseFloat(count, 64)
		if err != nil || err2 != nil {
			e.t.Fatalf("%q", lines.Text())
		}
		bounds, counts = append(bounds, le), append(counts, n)
	}
	if err := lines.Err(); err != nil || len(bounds) == 0 {
		e.t.Fatalf("no lateness on /metrics: %v", err)
	}
	return bounds, counts
}

// scrape reads the page, and gives its size.
func (e *exporter) scrape() int64 {
	e.t.Helper()
	resp, err := http.Get(e.url + "/metrics")
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	size, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return size
}

// register registers one more target.
func (e *exporter) register(ctx context.Context, client *http.Client, i int, url string) error {
	body := fmt.Sprintf(`{"app": "r%06d", "url": %q, "initial_delay": 300}`, i, url)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/api/v1/targets", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return nil
}

// disk is how much there is in the storage directory, in bytes, without backups, which
// are three times the same.
func (e *exporter) disk() (size int64) {
	e.t.Helper()
	err := filepath.WalkDir(e.storage(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, ".backup-") {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return size
}
