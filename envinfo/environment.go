package envinfo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// Environment is what a program says about itself and what it runs on, in named
// sections. The zero value describes the operating system, Go, the process and its
// limits, and of the configuration if Config is set. Set the fields before the
// first use. Its methods are safe for concurrent use.
type Environment struct {
	// Without… leave out the built-in section of that name.
	WithoutOS      bool
	WithoutGo      bool
	WithoutProcess bool
	WithoutConfig  bool
	WithoutLimits  bool

	// Config is asked for the settings in force, each time the section config is
	// shown. Without it there is no such section.
	Config func() []Setting

	// ShowValues names the environment variables whose values are shown, besides some that
	// are harmless everywhere (PATH, LANG, TZ, GOMAXPROCS …). Of all others only the names
	// are shown. A name may end in * and then stands for all that begin so, except for
	// those with a secret's name. Values are redacted in any case.
	ShowValues []string

	mu    sync.Mutex
	added []*section // guarded by mu, in the order they were added
	own   []*section // guarded by mu; the built-in ones, made at the first dump
}

// Setting is one setting of a configuration.
type Setting struct {
	Key    string // with dots, such as web.listen-address
	Value  any
	Origin string // where it comes from: flag, env, file or default
}

// AddSection adds a section whose function is called each time it is shown. Its result goes
// through redact.Value; an error or a panic is shown in place of the content. It has two
// seconds, and is not called again before it has returned. The name must be free; those of
// built-in sections that are omitted are.
func (e *Environment) AddSection(name string, content func(context.Context) (any, error)) error {
	if content == nil {
		return errors.New("a section needs a function")
	}
	return e.add(&section{name: name, content: func(ctx context.Context) (any, error) {
		value, err := content(ctx)
		return redact.Value(value), err
	}})
}

// AddValue adds a section whose content never changes.
func (e *Environment) AddValue(name string, value any) error {
	value = redact.Value(value)
	return e.add(&section{name: name, content: func(context.Context) (any, error) { return value, nil }})
}

func (e *Environment) add(s *section) error {
	if s.name == "" {
		return errors.New("a section needs a name")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if slices.ContainsFunc(e.sectionsLocked(), func(other *section) bool { return other.name == s.name }) {
		return fmt.Errorf("the name %q is already taken", s.name)
	}
	e.added = append(e.added, s)
	return nil
}

// Dump is the content of the sections with these names, of all without names. It
// holds nothing that cannot be JSON. A section that fails, hangs or does not
// exist is {"error": reason}.
func (e *Environment) Dump(ctx context.Context, names ...string) map[string]any {
	e.mu.Lock()
	sections := e.sectionsLocked()
	e.mu.Unlock()

	dump := make(map[string]any, len(sections))
	if len(names) > 0 {
		sections = slices.DeleteFunc(sections, func(s *section) bool { return !slices.Contains(names, s.name) })
		for _, name := range names {
			dump[redact.Text(name)] = failure(errors.New("there is no such section"))
		}
	}
	contents := make([]any, len(sections))
	var asked sync.WaitGroup
	for i, s := range sections {
		asked.Go(func() { contents[i] = s.ask(ctx, sectionTime) })
	}
	asked.Wait()
	for i, s := range sections {
		delete(dump, redact.Text(s.name))
		dump[s.name] = contents[i]
	}
	return dump
}

// sectionTime is how long one section may take; all are asked at the same time.
const sectionTime = 2 * time.Second

// sectionsLocked are a copy of all sections that are on.
func (e *Environment) sectionsLocked() []*section {
	if e.own == nil {
		e.own = []*section{
			{name: "os", content: func(context.Context) (any, error) { return osSection(), nil }},
			{name: "go", content: func(context.Context) (any, error) { return goSection(), nil }},
			{name: "process", content: e.processSection},
			{name: "config", content: func(context.Context) (any, error) { return configSection(e.Config()), nil }},
			{name: "limits", content: func(context.Context) (any, error) { return limitsSection(), nil }},
		}
	}
	off := map[string]bool{
		"os": e.WithoutOS, "go": e.WithoutGo, "process": e.WithoutProcess, "limits": e.WithoutLimits,
		"config": e.WithoutConfig || e.Config == nil,
	}
	on := make([]*section, 0, len(e.own)+len(e.added))
	for _, s := range e.own {
		if !off[s.name] {
			on = append(on, s)
		}
	}
	return append(on, e.added...)
}

// configSection shows each setting with its origin; names of secrets are shown,
// their values are not.
func configSection(settings []Setting) map[string]any {
	shown := make(map[string]any, len(settings))
	for _, s := range settings {
		value := redact.Named(s.Key, s.Value)
		shown[redact.Text(s.Key)] = map[string]any{"value": value, "origin": redact.Text(s.Origin)}
	}
	return shown
}

// failure is what is shown of a section that has nothing to show.
func failure(err error) map[string]any {
	return map[string]any{"error": redact.Printed(err)}
}
