package durable

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// DiskFull reports whether a write was refused for want of space before anything was
// touched that counts: bbolt has rolled back, and the file is as good as before. An error
// of fsync is none of these, whatever its number.
func DiskFull(err error) bool {
	if err == nil {
		return false
	}
	if strings.HasPrefix(err.Error(), "file resize error: ") { // bbolt hides what it was
		return true
	}
	at, ok := errors.AsType[*fs.PathError](err)
	return ok && at.Op == "write" &&
		(errors.Is(at.Err, syscall.ENOSPC) || errors.Is(at.Err, syscall.EDQUOT) || errors.Is(at.Err, syscall.EFBIG))
}
