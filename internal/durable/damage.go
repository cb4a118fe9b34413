package durable

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// DamageError says that a file is not what was written.
type DamageError struct {
	What  string
	cause error // fs.ErrNotExist if there is no such file
}

func (e *DamageError) Error() string { return e.What }

func (e *DamageError) Unwrap() error { return e.cause }

func damagef(format string, args ...any) error {
	return &DamageError{What: fmt.Sprintf(format, args...)}
}

// panicError is a panic of bbolt, which is how it answers damage.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// Panicked reports whether bbolt has panicked: what is in the file is worth a look.
func Panicked(err error) bool {
	_, ok := errors.AsType[*panicError](err)
	return ok
}

// guard turns a panic into an error, and also a fault of the memory map, which
// otherwise ends the program: it happens when the file becomes shorter, or when
// the disk cannot read a block.
func guard(what func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	return what()
}
