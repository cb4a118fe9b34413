package prober

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// spec is the configuration of one kind, decoded and validated, and the probe
// itself. It is immutable once its module exists, and safe for concurrent use.
type spec interface {
	// validate checks and completes the decoded configuration. It returns all
	// faults at once, joined, each a *FieldError with a path below the kind's block.
	validate() error
	// probe makes one attempt within ctx's deadline.
	probe(ctx context.Context, req Request) Result
}

// Module says how to probe: a kind and its options. Outside this package the
// only usable modules are those that NewModule has validated; the zero Module
// fails every probe.
type Module struct {
	kind        Kind
	timeout     time.Duration
	spec        spec
	fingerprint string
	allow       []NetworkRule       // none for any place
	held        []string            // the options that hold credentials
	secrets     *secrets            // which nobody gets to see; nil if there are none
	observe     func(time.Duration) // nil for nobody
}

// ModuleSource is an undecoded module.
type ModuleSource struct {
	// Kind is one of Kinds.
	Kind Kind
	// Timeout bounds each probe; 0 leaves that to the caller's context.
	Timeout time.Duration
	// Allow, if any, are the only places that the module may be used for: who has put
	// credentials into it says who may see them.
	Allow []NetworkRule
	// Text identifies the options for comparison: modules made of the same Kind,
	// Timeout, Allow and Text are alike.
	Text []byte
	// Decode fills the kind's own struct, strictly; nil keeps all defaults.
	Decode func(into any) error
	// UserAgent is the User-Agent of requests; health_exporter and its version if empty. A
	// module's own header takes precedence.
	UserAgent string
}

// NewModule decodes and validates a module. The error joins all faults that
// could be found, each a *FieldError unless Decode returned something else.
func NewModule(src ModuleSource) (*Module, error) {
	kind, ok := kinds[src.Kind]
	if !ok {
		return nil, &FieldError{"prober", fmt.Sprintf("unknown prober %q, must be one of %s",
			src.Kind, strings.Join(Kinds(), ", "))}
	}
	s := kind.new()
	if src.Decode != nil {
		if err := src.Decode(s); err != nil {
			return nil, err
		}
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if who, ok := s.(identified); ok && src.UserAgent != "" {
		who.identify(src.UserAgent)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %v %s", src.Kind, src.Timeout, src.Allow, src.Text))
	return &Module{
		kind: src.Kind, timeout: src.Timeout, spec: s, fingerprint: hex.EncodeToString(sum[:8]),
		allow: src.Allow, held: heldBy(s), secrets: secretsOf(s),
	}, nil
}

// Kind names the kind of probe.
func (m *Module) Kind() Kind { return m.kind }

// Timeout is the module's own bound on one probe; 0 means none.
func (m *Module) Timeout() time.Duration { return m.timeout }

// Fingerprint is equal for modules that probe alike. It is made when a module
// is decoded, because modules hold functions and cannot be compared themselves.
func (m *Module) Fingerprint() string {
	if m == nil {
		return ""
	}
	return m.fingerprint
}

// Observed is the same module, which in addition tells how long each probe took.
func (m *Module) Observed(observe func(took time.Duration)) *Module {
	observed := *m
	observed.observe = observe
	return &observed
}

// Warnings are what is most likely wrong with the module although it can probe,
// each with a path below the kind's block. They are found when asked for, since
// files come and go.
func (m *Module) Warnings() []*FieldError {
	if m == nil {
		return nil
	}
	s, ok := m.spec.(interface{ warnings() []error })
	if !ok {
		return nil
	}
	var list []*FieldError
	for _, err := range s.warnings() {
		field, ok := errors.AsType[*FieldError](err)
		if !ok {
			field = &FieldError{Path: string(m.kind), Detail: err.Error()}
		}
		list = append(list, field)
	}
	return list
}

// FieldError is a fault in one field of a configuration or registration.
type FieldError struct {
	// Path is the field's name, or a path such as tls_config.min_version.
	Path string
	// Detail says what is wrong: the value and what is allowed.
	Detail string
}

// Error names the field and the fault.
func (e *FieldError) Error() string { return e.Path + ": " + e.Detail }
