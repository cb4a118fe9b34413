package durable

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childMode makes this test binary a process that is killed, or locks, or has no rights.
const childMode = "DURABLE_TEST_CHILD"

func TestMain(m *testing.M) {
	path, detail := os.Getenv("DURABLE_TEST_PATH"), os.Getenv("DURABLE_TEST_DETAIL")
	switch os.Getenv(childMode) {
	case "write":
		killedAt(path, detail)
	case "rebuild":
		rebuildForEver(path)
	case "lock":
		lockForEver(path)
	case "nobody":
		writeAsNobody(path)
	default:
		os.Exit(m.Run())
	}
}

func child(t *testing.T, mode, path, detail string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childMode+"="+mode, "DURABLE_TEST_PATH="+path, "DURABLE_TEST_DETAIL="+detail)
	return cmd
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// names are those in a directory but for the ones given.
func names(t *testing.T, dir string, but ...string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if !slices.Contains(but, e.Name()) {
			list = append(list, e.Name())
		}
	}
	return list
}

// killSelf ends the process as kill -9 does.
func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	time.Sleep(time.Minute)
}

func lockForEver(path string) {
	if _, err := Lock(path, 0); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString("locked\n")
	time.Sleep(time.Minute)
}

// writeAsNobody tries all that writes as a user without rights.
func writeAsNobody(path string) {
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
			panic(err)
		}
	}
	_, _, rebuilding := Rebuild(path, Options{}, 0, nothing)
	_, locking := Lock(path+".lock", 0)
	_, keeping := KeepDamaged(path, 1)
	for _, err := range []error{WriteFile(path, []byte("new"), 0o600), rebuilding, locking, keeping} {
		if !errors.Is(err, os.ErrPermission) {
			panic(err)
		}
	}
	_, _ = os.Stdout.WriteString("refused\n")
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	must(t, os.WriteFile(path, []byte("old"), 0o644), os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o555))
	if out, err := child(t, "nobody", path, "").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "refused\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if got := content(t, path); got != "old" {
		t.Errorf("it has become %q", got)
	}
	if left := names(t, dir, "file"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
