package config

import (
	"fmt"
	"os"
	"strings"

	"github.com/health-exporter/health_exporter/checks"
)

// secret is a text that does not stand in the file: it is read from another one, or
// from an environment variable, when the check is opened and by each that reads anew.
type secret struct{ file, env string }

// given says what is wrong with where a secret comes from; field is what the two
// fields begin with.
func (s secret) given(field string, required bool) error {
	env := strings.ToLower(field) + "_env"
	switch {
	case s.file != "" && s.env != "":
		return &checks.OptionError{Field: field + "File", Value: s.file, Allowed: "empty when " + env + " is given"}
	case s.file == "" && s.env == "" && required:
		return &checks.OptionError{Field: field + "File", Value: "", Allowed: "a file, or " + env + " a variable, that has it"}
	}
	return nil
}

// read is empty if there is no secret.
func (s secret) read() (string, error) {
	if s.env != "" {
		value, ok := os.LookupEnv(s.env)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", s.env)
		}
		return value, nil
	}
	if s.file == "" {
		return "", nil
	}
	text, err := os.ReadFile(s.file)
	return strings.TrimSpace(string(text)), err
}
