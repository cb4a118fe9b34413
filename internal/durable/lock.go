package durable

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// InUseError says that another process has the file.
type InUseError struct {
	// Path is the file, and PID the process if it has left its number; 0 if it has not.
	Path string
	PID  int
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return e.Path + " is in use by another process"
	}
	return fmt.Sprintf("%s is in use by another process (pid %d)", e.Path, e.PID)
}

// errLocked is what tryLock says.
var errLocked = errors.New("locked")

// Lock makes the file, if need be, and keeps other processes from locking it until it is
// closed. For a directory this is better than bbolt's own lock, which goes with its file
// when that is replaced. If another process does not let go of it in time, the error is
// an *[InUseError].
func Lock(path string, timeout time.Duration) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking: %w", err)
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
		err = &InUseError{path, holder(f)}
	} else {
		err = fmt.Errorf("locking %s: %w", path, err)
	}
	_ = f.Close()
	return nil, err
}

// holder is the number of the process that holds the lock, if it has left it.
func holder(f *os.File) int {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 16))
	pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil {
		return 0
	}
	return pid
}
