package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/registration"
	"github.com/health-exporter/health_exporter/internal/registry"
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
	api.Registration
	Paused       bool       `json:"paused,omitempty"`
	Owner        string     `json:"owner,omitempty"`
	From         string     `json:"from,omitempty"`
	RegisteredAt *time.Time `json:"registered_at,omitempty"`
}

func recordOf(t *prober.Target) record {
	r := record{Registration: registration.Of(t), Paused: t.Paused, Owner: t.Owner, From: t.From}
	r.Module = t.ModuleName()
	if !t.RegisteredAt.IsZero() {
		r.RegisteredAt = new(t.RegisteredAt.UTC())
	}
	return r
}

// target has the defaults of a registration where the record says nothing.
func (r *record) target() (prober.Target, []*prober.FieldError) {
	t, faults := registration.Target(&r.Registration)
	t.Paused, t.Owner, t.From, t.Source = r.Paused, cmp.Or(r.Owner, registry.Anonymous), r.From, prober.SourceAPI
	if t.Module == prober.DefaultModule {
		t.Module = "" // as who names none has it stored
	}
	if r.RegisteredAt != nil {
		t.RegisteredAt = r.RegisteredAt.UTC()
	}
	return t, faults
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
	if err := registration.CheckText(text); err != nil {
		return nil, fmt.Errorf("it is not a dump: %w", err)
	}
	var d dump
	if err := decodeStrictly(text, &d); err != nil {
		return nil, fmt.Errorf("it is not a dump: %w", err)
	}
	if d.Format != dumpFormat {
		return nil, fmt.Errorf("it is not a dump that this program knows: format is %.60q, must be %q", d.Format, dumpFormat)
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
	t, wrong := r.target()
	said := map[string]bool{}
	for _, f := range append(wrong, t.Validate(prober.RegistrationLimits(), kindOf)...) {
		if !said[f.Path] { // what is not a whole number is not out of range as well
			faults = append(faults, fmt.Errorf("%s: %s: %s", where, f.Path, f.Detail))
		}
		said[f.Path] = true
	}
	if _, err := netip.ParseAddr(r.From); err != nil && r.From != "" && r.From != prober.FromOwnHost && r.From != prober.FromElsewhere {
		faults = append(faults, fmt.Errorf("%s: from: must be an address, %q or %q, not %.60q", where, prober.FromOwnHost, prober.FromElsewhere, r.From))
	}
	if owner, token := strings.CutPrefix(r.Owner, "token:"); r.Owner != "" && r.Owner != "anonymous" && (!token || owner == "") {
		faults = append(faults, fmt.Errorf(`%s: owner: must be "anonymous" or "token:" with the name of a token, not %q`, where, r.Owner))
	}
	r.URL = t.URL
	if r.Email != nil {
		r.Email = &t.Email
	}
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
		return errors.New("there is data after the end")
	}
	return nil
}
