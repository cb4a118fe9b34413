// Package probe has ready-made checks that ask over the network, as the exporter
// does: HTTP, health+json, TCP, gRPC and DNS, and by a Module whatever else package
// prober can. Each run is one probe; when to run is for package health to say. It is
// apart from package checks since it needs the libraries of these protocols.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Probe fails if a probe of its target does. HTTP, TCP, GRPC and DNS make one; any
// module will do.
type Probe struct {
	// Module says how to probe. Required.
	Module *prober.Module
	// Target is a URL or an address, as the module's kind reads it. Required.
	Target string
	// Network says where the probe may connect to. nil refuses only what is always
	// refused, such as link-local addresses.
	Network *prober.NetworkPolicy
}

// Check reports what is wrong with the options.
func (p Probe) Check() error {
	var faults []error
	if p.Module == nil {
		faults = append(faults, &checks.OptionError{Field: "Module", Value: "", Allowed: "set"})
	}
	if p.Target == "" {
		faults = append(faults, &checks.OptionError{Field: "Target", Value: "", Allowed: "a URL or an address"})
	}
	return errors.Join(faults...)
}

// Run probes once.
func (p Probe) Run(ctx context.Context) error {
	if err := p.Check(); err != nil {
		return err
	}
	result := p.Module.Probe(ctx, prober.Request{Target: p.Target, Network: p.Network})
	health.Observe(ctx, "responseTime", result.Duration.Seconds(), "seconds")
	if result.StatusCode != 0 {
		health.Observe(ctx, "statusCode", result.StatusCode, "")
	}
	if !result.CertExpiry.IsZero() {
		health.Observe(ctx, "daysLeft", time.Until(result.CertExpiry).Hours()/24, "days")
	}
	switch result.Outcome {
	case health.Pass:
		return nil
	case health.Warn:
		return health.Warning(errors.New(result.Error))
	}
	return fmt.Errorf("%s: %s", result.Reason, result.Error)
}

// newProbe makes a Probe of a kind with options by the names that the fields of the
// kind have.
func newProbe(kind, target string, options map[string]any) (Probe, error) {
	text, err := json.Marshal(options)
	if err != nil {
		return Probe{}, err
	}
	module, err := prober.NewModule(prober.ModuleSource{
		Kind: prober.Kind(kind),
		Text: text,
		Decode: func(into any) error {
			decoder := json.NewDecoder(strings.NewReader(string(text)))
			decoder.DisallowUnknownFields()
			return decoder.Decode(into)
		},
	})
	if err != nil {
		return Probe{}, fmt.Errorf("probe of kind %s: %w", kind, err)
	}
	p := Probe{Module: module, Target: target}
	return p, p.Check()
}
