package history

import (
	"fmt"
	"runtime/debug"
)

// panicError is a panic of bbolt, which is how it answers damage.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// guard turns a panic into an error, and also a fault of the memory map, which
// otherwise ends the program: it happens when the file becomes shorter, or when the
// disk cannot read a block.
func guard(what func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	return what()
}
