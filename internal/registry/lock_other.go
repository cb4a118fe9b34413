//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package registry

import "os"

// tryLock leaves it to bbolt's lock on registry.db, which every system has.
func tryLock(*os.File) error { return nil }
