//go:build unix

package registry

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// childMode makes this test binary a process that writes, to be killed or starved.
const childMode = "REGISTRY_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "writer":
		writeUntilKilled()
	case "starved":
		writeUntilFull()
	case "nobody":
		openAsNobody()
	default:
		goleak.VerifyTestMain(m)
	}
}

func child(t *testing.T, mode, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childMode+"="+mode, "REGISTRY_TEST_DIR="+dir, "GORACE=atexit_sleep_ms=0")
	return cmd
}

func must(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// writeUntilKilled registers from 8 goroutines, tells of every acknowledgement,
// and meanwhile saves states and makes backups.
func writeUntilKilled() {
	r, err := Open(Options{Path: os.Getenv("REGISTRY_TEST_DIR"), BackupEvery: 5 * time.Millisecond})
	must(err)
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				app := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				_, err := r.Put(api(app))
				must(err)
				_, _ = os.Stdout.WriteString("put " + app + "\n")
				if i%5 == 4 {
					_, err := r.Remove(prober.SourceAPI, app)
					must(err)
					_, _ = os.Stdout.WriteString("removed " + app + "\n")
				}
			}
		}()
	}
	for i := 0; ; i++ {
		must(r.Save(map[string]*schedule.Saved{"x": state(i % 50)}))
	}
}

// TestKilled kills the writer at random moments, again and again on one
// directory: whatever was acknowledged must be there, without any repair.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{} // false: removed
	for range 8 {
		cmd := child(t, "writer", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var once sync.Once
		for lines.Scan() {
			once.Do(func() {
				time.AfterFunc(time.Duration(rand.IntN(200))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			})
			what, app, _ := strings.Cut(lines.Text(), " ")
			if what != "put" && what != "removed" {
				t.Fatal(lines.Text())
			}
			acknowledged[app] = what == "put"
		}
		_ = cmd.Wait()

		r := open(t, Options{Path: dir, OnCorruption: Fail})
		for app, there := range acknowledged {
			_, ok := r.Target(app)
			var pid, w, i int
			_, _ = fmt.Sscanf(app, "%d-%d-%d", &pid, &w, &i)
			if ok != there && (ok || i%5 != 4) {
				t.Errorf("%s: acknowledged %v, found %v", app, there, ok)
			}
			acknowledged[app] = ok
		}
		shut(t, r)
	}
	t.Logf("%d acknowledged", len(acknowledged))
	if len(acknowledged) == 0 {
		t.Error("nothing was ever acknowledged")
	}
}

// writeUntilFull is not allowed to make the file longer than 256 KB.
func writeUntilFull() {
	signal.Ignore(syscall.SIGXFSZ)
	r, err := Open(Options{Path: os.Getenv("REGISTRY_TEST_DIR")})
	must(err)
	limit := func(cur uint64) {
		var lim syscall.Rlimit
		must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &lim))
		lim.Cur = cur
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &lim))
	}
	limit(256 << 10)
	refused := 0
	for i := 0; refused < 20; i++ {
		app := fmt.Sprint("app-", i)
		switch _, err := r.Put(api(app)); {
		case err == nil:
			fmt.Println("put", app)
		case errors.Is(err, ErrStorage):
			if refused++; refused == 1 {
				fmt.Println("refused:", err)
			}
			if _, ok := r.Target(app); ok {
				fmt.Println("error: visible though refused")
			}
		default:
			must(err)
		}
	}
	if s := r.Stats(); !s.DiskFailed || s.Errors != 20 || s.Targets[prober.SourceAPI] == 0 {
		fmt.Printf("error: %+v\n", s)
	}
	states := map[string]*schedule.Saved{}
	for _, target := range r.Targets() { // more than fits
		states[target.App] = state(50)
	}
	if err := r.Save(states); !errors.Is(err, ErrStorage) {
		fmt.Println("error: Save:", err)
	}
	limit(1<<64 - 1)
	_, err = r.Put(api("space again"))
	must(err)
	fmt.Println("put space again")
	if r.Stats().DiskFailed {
		fmt.Println("error: DiskFailed although it is well")
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // without Close
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	out, _ := child(t, "starved", dir).CombinedOutput()
	r := open(t, Options{Path: dir, OnCorruption: Fail})
	puts := 0
	for line := range strings.Lines(string(out)) {
		if app, ok := strings.CutPrefix(strings.TrimSpace(line), "put "); ok {
			puts++
			if _, ok := r.Target(app); !ok {
				t.Errorf("%s was acknowledged and is lost", app)
			}
		}
	}
	if len(r.Targets()) != puts || puts < 50 {
		t.Errorf("%d targets, %d acknowledged", len(r.Targets()), puts)
	}
	if bytes.Contains(out, []byte("\nerror:")) || !bytes.Contains(out, []byte("refused: storage failed: writing ")) {
		t.Errorf("child says:\n%s", out)
	}
	if s := r.Saved("app-1"); s == nil || len(s.Transitions) != 50 {
		t.Error("a state that was refused was not written with the next change")
	}
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	put(t, r, api("a"))
	begin := time.Now()
	_, err := Open(Options{Path: dir, LockTimeout: 200 * time.Millisecond})
	want := fmt.Sprintf("opening storage: storage directory %s is in use by another process (pid %d): "+
		"stop it if it is another health_exporter, or choose another --storage.path", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
	if took := time.Since(begin); took < 200*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	// One that goes away in time is waited for.
	time.AfterFunc(100*time.Millisecond, func() { _ = r.Close() })
	r = open(t, Options{Path: dir})
	wantApps(t, r, "a")
}

func TestPathIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		_, err := Open(Options{Path: path})
		if err == nil || !strings.Contains(err.Error(), path+" is, or lies below, a file and not a directory: move the file away, or choose another --storage.path") {
			t.Errorf("error %v", err)
		}
	}
	if _, err := Open(Options{Path: t.TempDir(), OnCorruption: "ignore"}); err == nil {
		t.Error("any word for OnCorruption is accepted")
	}
}

// openAsNobody opens as a user who has no rights.
func openAsNobody() {
	if os.Getuid() == 0 {
		must(syscall.Setgid(65534))
		must(syscall.Setuid(65534))
	}
	_, err := Open(Options{Path: os.Getenv("REGISTRY_TEST_DIR")})
	fmt.Println(err)
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	for path, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o555} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		dir:                           " cannot be written: ",
		filepath.Join(dir, "missing"): "making the storage directory ",
	} {
		out, err := child(t, "nobody", path).CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		if text := string(out); !strings.Contains(text, want) || !strings.Contains(text, path) ||
			!strings.Contains(text, "that runs health_exporter, or choose another --storage.path") {
			t.Errorf("error %s", text)
		}
	}
}
