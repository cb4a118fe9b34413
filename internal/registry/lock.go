package registry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var errLocked = errors.New("locked")

// lockDir keeps other processes from the directory until the file is closed.
// bbolt's own lock is not enough: it goes with the file when that is replaced.
func lockDir(dir string, timeout time.Duration) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, fileLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	deadline := time.Now().Add(timeout)
	for {
		err = tryLock(f)
		if !errors.Is(err, errLocked) || !time.Now().Before(deadline) {
			break
		}
		time.Sleep(min(25*time.Millisecond, time.Until(deadline)))
	}
	if err == nil {
		// A courtesy to whoever wonders who holds it; a full disk may refuse it.
		_ = f.Truncate(0)
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		return f, nil
	}
	if errors.Is(err, errLocked) {
		err = inUse(dir, holder(f))
	} else {
		err = fmt.Errorf("locking %s: %w", dir, err)
	}
	return nil, errors.Join(err, f.Close())
}

func inUse(dir, who string) error {
	return fmt.Errorf("storage directory %s is in use by another process%s: stop it if it is another health_exporter, or choose another --storage.path", dir, who)
}

// holder is " (pid 123)" if the holder of the lock has left its number.
func holder(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 16))
	pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}
