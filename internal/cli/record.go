package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

// dumpFormat is what the first field of a dump says.
const dumpFormat = "health_exporter registry 1"

// dump is the file of registrations, for people and for migrations.
type dump struct {
	Format  string            `json:"format"`
	Targets []json.RawMessage `json:"targets"`
}

// record is one registration as it stands in a dump: in the API's words, with who
// registered it and when.
type record struct {
	App           string             `json:"app"`
	URL           string             `json:"url,omitempty"`
	Address       string             `json:"address,omitempty"`
	Module        string             `json:"module,omitempty"`
	Email         string             `json:"email,omitempty"`
	Group         string             `json:"group,omitempty"`
	Labels        map[string]string  `json:"labels,omitempty"`
	DependsOn     []string           `json:"depends_on,omitempty"`
	Interval      float64            `json:"interval,omitempty"`
	Timeout       float64            `json:"timeout,omitempty"`
	InitialDelay  *float64           `json:"initial_delay,omitempty"`
	Unhealthy     int                `json:"unhealthy,omitempty"`
	Healthy       int                `json:"healthy,omitempty"`
	DegradedAfter int                `json:"degraded_after,omitempty"`
	FastStart     bool               `json:"fast_start,omitempty"`
	StatusCodes   prober.StatusCodes `json:"valid_status_codes,omitempty"`
	TTL           float64            `json:"ttl,omitempty"`
	Paused        bool               `json:"paused,omitempty"`
	Owner         string             `json:"owner,omitempty"`
	From          string             `json:"from,omitempty"`
	RegisteredAt  *time.Time         `json:"registered_at,omitempty"`
}

func recordOf(t *prober.Target) record {
	r := record{
		App: t.App, URL: t.URL, Address: t.Address, Module: t.ModuleName(), Email: t.Email, Group: t.Group, Labels: t.Labels,
		DependsOn: t.DependsOn, Interval: t.Interval.Seconds(), Timeout: t.Timeout.Seconds(), Unhealthy: t.Unhealthy, Healthy: t.Healthy,
		DegradedAfter: t.DegradedAfter, FastStart: t.FastStart, StatusCodes: t.StatusCodes, TTL: t.TTL.Seconds(), Paused: t.Paused, Owner: t.Owner, From: t.From,
	}
	if t.InitialDelay != nil {
		r.InitialDelay = new(t.InitialDelay.Seconds())
	}
	if !t.RegisteredAt.IsZero() {
		r.RegisteredAt = new(t.RegisteredAt.UTC())
	}
	return r
}

// target has the defaults of a registration where the record says nothing.
func (r *record) target() prober.Target {
	t := prober.NewTarget()
	t.App, t.URL, t.Address, t.Module, t.Email, t.Group, t.Labels = r.App, r.URL, r.Address, r.Module, r.Email, r.Group, r.Labels
	t.DependsOn, t.DegradedAfter, t.FastStart, t.StatusCodes = r.DependsOn, r.DegradedAfter, r.FastStart, r.StatusCodes
	t.TTL, t.Paused, t.Owner, t.From, t.Source = inSeconds(r.TTL), r.Paused, r.Owner, r.From, "api"
	if r.Module == prober.DefaultModule {
		t.Module = "" // as who names none has it stored
	}
	if r.Interval != 0 {
		t.Interval = inSeconds(r.Interval)
	}
	if r.Timeout != 0 {
		t.Timeout = inSeconds(r.Timeout)
	}
	if r.Unhealthy != 0 {
		t.Unhealthy = r.Unhealthy
	}
	if r.Healthy != 0 {
		t.Healthy = r.Healthy
	}
	if r.InitialDelay != nil {
		t.InitialDelay = new(inSeconds(*r.InitialDelay))
	}
	if r.RegisteredAt != nil {
		t.RegisteredAt = r.RegisteredAt.UTC()
	}
	if t.Owner == "" {
		t.Owner = "anonymous"
	}
	return t
}

// registration is the record as the API takes it, which sets the rest itself.
func (r record) registration() record {
	r.Paused, r.Owner, r.From, r.RegisteredAt = false, "", "", nil
	return r
}

// maxDump bounds what is read; 100 000 registrations take a fifth of it.
const maxDump = 256 << 20

// readDump reads a dump. All faults come in one error; without one all records are
// valid, but for what only the exporter knows: kindOf tells the kind of a module,
// or of any.
func readDump(from io.Reader, kindOf func(module string) (prober.Kind, bool)) ([]record, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxDump+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDump {
		return nil, fmt.Errorf("it has more than %d bytes", maxDump)
	}
	var d dump
	if err := decodeStrictly(text, &d); err != nil {
		return nil, fmt.Errorf("it is no dump: %w", err)
	}
	if d.Format != dumpFormat {
		return nil, fmt.Errorf("it is no dump that this program knows: format is %.60q, must be %q", d.Format, dumpFormat)
	}
	var faults []error
	seen := map[string]int{}
	records := make([]record, 0, len(d.Targets))
	for i, raw := range d.Targets {
		var r record
		if err := decodeStrictly(raw, &r); err != nil {
			faults = append(faults, fmt.Errorf("targets[%d]: %w", i, err))
			continue
		}
		where := fmt.Sprintf("targets[%d] (%.60s)", i, printable(r.App))
		if first, twice := seen[r.App]; twice {
			faults = append(faults, fmt.Errorf("%s: app: is given twice, first as targets[%d]", where, first))
		} else {
			seen[r.App] = i
		}
		faults = append(faults, r.faults(where, kindOf)...)
		records = append(records, r)
	}
	return records, errors.Join(faults...)
}

// faults lists what is wrong with a record, and completes it as a registration is.
func (r *record) faults(where string, kindOf func(string) (prober.Kind, bool)) (faults []error) {
	t := r.target()
	for _, f := range t.Validate(prober.RegistrationLimits(), kindOf) {
		faults = append(faults, fmt.Errorf("%s: %s: %s", where, f.Path, f.Detail))
	}
	for _, d := range []struct {
		field   string
		seconds float64
	}{{"interval", r.Interval}, {"timeout", r.Timeout}} {
		if d.seconds != float64(int64(d.seconds)) {
			faults = append(faults, fmt.Errorf("%s: %s: must be a whole number of seconds", where, d.field))
		}
	}
	if r.InitialDelay != nil && *r.InitialDelay != float64(int64(*r.InitialDelay)) {
		faults = append(faults, fmt.Errorf("%s: initial_delay: must be a whole number of seconds", where))
	}
	if _, err := netip.ParseAddr(r.From); err != nil && r.From != "" && r.From != prober.FromOwnHost && r.From != prober.FromElsewhere {
		faults = append(faults, fmt.Errorf("%s: from: must be an address, %q or %q, not %.60q", where, prober.FromOwnHost, prober.FromElsewhere, r.From))
	}
	if owner, token := strings.CutPrefix(r.Owner, "token:"); r.Owner != "" && r.Owner != "anonymous" && (!token || owner == "") {
		faults = append(faults, fmt.Errorf(`%s: owner: must be "anonymous" or "token:" with the name of a token, not %q`, where, r.Owner))
	}
	r.URL, r.Email = t.URL, t.Email
	return faults
}

// decodeStrictly refuses unknown fields and anything after the value.
func decodeStrictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end")
	}
	return nil
}
