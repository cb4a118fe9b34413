package cli

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// ValueFaults are all flags whose values are not allowed, each with where the value came
// from: the command line, or an environment variable. It sets the values, so the
// application must be one that is thrown away. What is wrong with the command line
// otherwise is left to its Parse.
func ValueFaults(k *kingpin.Application, args []string) error {
	context, err := k.ParseContext(args)
	if err != nil {
		return nil
	}
	var faults []error
	try := func(flag *kingpin.FlagModel, value, from string) {
		if err := SetValue(flag, value); err != nil {
			faults = append(faults, fmt.Errorf("--%s%s %w", flag.Name, from, err))
		}
	}
	given := map[string]bool{}
	for _, e := range context.Elements {
		if flag, ok := e.Clause.(*kingpin.FlagClause); ok && e.Value != nil {
			given[flag.Model().Name] = true
			try(flag.Model(), *e.Value, "")
		}
	}
	for _, flag := range flagsOf(k, context.SelectedCommand) {
		value := os.Getenv(flag.Envar)
		if flag.Envar == "" || value == "" || given[flag.Name] {
			continue
		}
		for each := range strings.SplitSeq(strings.TrimSuffix(value, "\n"), "\n") { // as kingpin has several
			try(flag, each, fmt.Sprintf(" (from the environment variable %s)", flag.Envar))
		}
	}
	return errors.Join(faults...)
}

// SetValue sets a flag. The error says what is allowed, and not the name of the flag.
func SetValue(flag *kingpin.FlagModel, value string) error {
	err := flag.Value.Set(value)
	if err == nil {
		return CheckValue(flag.Name, value)
	}
	words, isEnum := strings.CutPrefix(err.Error(), "enum value must be one of ") // as kingpin says it
	words, _, _ = strings.Cut(words, ", got ")
	switch {
	case flag.IsBoolFlag():
		return fmt.Errorf("must be true or false, not %q", value)
	case isEnum:
		return fmt.Errorf("must be one of %s, not %q", strings.ReplaceAll(words, ",", ", "), value)
	case !strings.HasPrefix(err.Error(), "must "):
		return fmt.Errorf("cannot be %q: %w", value, err)
	}
	return err
}

// CheckValue says what is wrong with a value of a flag that is not of a type of its own.
func CheckValue(flag, value string) error {
	switch flag {
	case "web.listen-address":
		return addressFault(value)
	case "web.route-prefix":
		if strings.ContainsAny(value, "?#% ") || strings.Contains(value, "://") {
			return fmt.Errorf("must be a path such as /health, not %q", value)
		}
	case "bind_addr":
		if _, err := netip.ParseAddr(value); err != nil && value != "" && !hostName.MatchString(value) {
			return fmt.Errorf("must be an address or a name of this host without a port, such as 127.0.0.1 or ::1, not %q", value)
		}
	}
	return nil
}

// hostName is what may be a name of this host; one that has but digits is a mistyped
// address.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*\.?$`)

func addressFault(address string) error {
	if strings.HasPrefix(address, "vsock://") {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if _, bad := strconv.ParseUint(port, 10, 16); err == nil && bad != nil {
		_, err = net.LookupPort("tcp", port) // it may be a name
	}
	if err != nil {
		return fmt.Errorf("must be host:port or :port, such as 127.0.0.1:10115, with a port from 0 to 65535, not %q", address)
	}
	return nil
}

// flagsOf are those of the program and of a command, nil for none.
func flagsOf(k *kingpin.Application, command *kingpin.CmdClause) []*kingpin.FlagModel {
	list := k.Model().Flags
	if command == nil {
		return list
	}
	group := k.Model().CmdGroupModel
	for word := range strings.FieldsSeq(command.FullCommand()) {
		for _, c := range group.Commands {
			if c.Name == word {
				list, group = append(list, c.Flags...), c.CmdGroupModel
				break
			}
		}
	}
	return list
}

// FlagNames are the names of the flags of the program and of a command, by its full name.
func FlagNames(k *kingpin.Application, args []string) []string {
	context, _ := k.ParseContext(args)
	var command *kingpin.CmdClause
	if context != nil {
		command = context.SelectedCommand
	}
	var names []string
	for _, flag := range flagsOf(k, command) {
		names = append(names, flag.Name)
	}
	return names
}

// OneOf is the value of a flag that takes one of some words.
type OneOf struct {
	kingpin.Value
	Words []string
}

// Set takes one of the words.
func (o OneOf) Set(text string) error {
	if o.Value.Set(text) != nil {
		return fmt.Errorf("must be one of %s, not %q", strings.Join(o.Words, ", "), text)
	}
	return nil
}
