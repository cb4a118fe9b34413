package durable

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestDiskFull(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&fs.PathError{Op: "write", Path: "x.db", Err: syscall.ENOSPC}, true},
		{fmt.Errorf("wrapped: %w", &fs.PathError{Op: "write", Path: "x.db", Err: syscall.EDQUOT}), true},
		{fmt.Errorf("file resize error: %v", syscall.ENOSPC), true}, //nolint:errorlint // as bbolt says it
		{&fs.PathError{Op: "sync", Path: "x.db", Err: syscall.ENOSPC}, false},
		{&fs.PathError{Op: "write", Path: "x.db", Err: syscall.EIO}, false},
		{&fs.PathError{Op: "write", Path: "x.db", Err: syscall.EFBIG}, true},
		{nil, false},
	} {
		if got := DiskFull(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}
