package checks

import "fmt"

// OptionError is a fault in one option of a check.
type OptionError struct {
	// Field is the option's name, Value what was given.
	Field string
	Value any
	// Allowed says what may be given.
	Allowed string
}

// Error names the option, its value and what is allowed.
func (e *OptionError) Error() string {
	if text, ok := e.Value.(string); ok {
		return fmt.Sprintf("%s is %q, must be %s", e.Field, text, e.Allowed)
	}
	return fmt.Sprintf("%s is %v, must be %s", e.Field, e.Value, e.Allowed)
}

// require is a fault of the option unless ok.
func require(ok bool, field string, value any, allowed string) error {
	if ok {
		return nil
	}
	return &OptionError{field, value, allowed}
}
