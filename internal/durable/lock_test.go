package durable

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder := child(t, "lock", path, "")
	out, err := holder.StdoutPipe()
	must(t, err, holder.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("%q %v", line, err)
	}
	begin := time.Now()
	_, err = Lock(path, 100*time.Millisecond)
	other, ok := errors.AsType[*InUseError](err)
	if !ok || other.PID != holder.Process.Pid || other.Path != path {
		t.Errorf("error %v", err)
	}
	if want := fmt.Sprintf("%s is in use by another process (pid %d)", path, holder.Process.Pid); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if took := time.Since(begin); took < 100*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	// A lock goes with its process, however that ends, and is waited for.
	time.AfterFunc(100*time.Millisecond, func() { _ = holder.Process.Kill() })
	lock, err := Lock(path, 10*time.Second)
	must(t, err)
	_ = holder.Wait()
	if _, err := Lock(path, 0); err == nil {
		t.Error("it is locked twice")
	}
	must(t, lock.Close())
	again, err := Lock(path, 0)
	must(t, err, again.Close())
}
