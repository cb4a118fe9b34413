//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package durable

import "os"

// tryLock leaves it to bbolt's lock on the file of bbolt, which every system has.
func tryLock(*os.File) error { return nil }

// unlock leaves it to the closing of the file.
func unlock(*os.File) {}
