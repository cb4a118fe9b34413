package registry

import (
	"fmt"
	"runtime/debug"
)

// damageError says that a file is not what was written.
type damageError struct{ what string }

func (e *damageError) Error() string { return e.what }

func damagef(format string, args ...any) error {
	return &damageError{fmt.Sprintf(format, args...)}
}

// panicError is a panic of bbolt, which is how it answers damage.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

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
