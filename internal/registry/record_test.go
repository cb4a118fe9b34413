package registry

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func TestUnseal(t *testing.T) {
	good := durable.Seal(place("states", "a"), []byte("body"))
	flipped := append([]byte(nil), good...)
	flipped[5] ^= 1
	tests := []struct {
		name, bucket, key string
		value             []byte
		want              error
	}{
		{"good", "states", "a", good, nil},
		{"empty body", "states", "a", durable.Seal(place("states", "a"), nil), nil},
		{"bit flip", "states", "a", flipped, durable.ErrChecksum},
		{"other key", "states", "b", good, durable.ErrChecksum},
		{"other bucket", "targets", "a", good, durable.ErrChecksum},
		{"short", "states", "a", good[:3], durable.ErrChecksum},
		{"cut", "states", "a", good[:6], durable.ErrChecksum},
		{"missing", "states", "a", nil, durable.ErrMissing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := durable.Unseal(place(test.bucket, test.key), test.value); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestSavedRoundTrip(t *testing.T) {
	for name, s := range map[string]*schedule.Saved{
		"zero": {},
		"full": state(schedule.MaxTransitions),
		"edge": {
			State: health.State{Verdict: health.Degraded, Failures: 1<<32 - 1, Successes: 1<<32 - 1, Passes: 1},
			Since: time.Unix(0, 0).UTC(), LastHealthy: time.Unix(-1, 999999999).UTC(), Place: "ünï\x00\xff",
		},
		"beats":    withBeats(),
		"awaited":  {Awaited: time.Unix(7, 8).UTC()},
		"one beat": {Beat: time.Unix(7, 8).UTC()},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeSaved(encodeSaved(s))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if n := len(encodeSaved(state(schedule.MaxTransitions))); n > 1200 {
		t.Errorf("50 transitions take %d bytes", n)
	}
}

// withBeats has something in each field.
func withBeats() *schedule.Saved {
	s := state(3)
	s.Awaited, s.Beat = time.Unix(1700000000, 1).UTC(), time.Unix(1700000100, 2).UTC()
	return s
}

// TestSavedHasEveryField: a field that is added to what survives a restart must be in the
// example that makes the round trip.
func TestSavedHasEveryField(t *testing.T) {
	s := reflect.ValueOf(*withBeats())
	for i := range s.NumField() {
		if s.Field(i).IsZero() {
			t.Errorf("%s is zero in the example", s.Type().Field(i).Name)
		}
	}
}

func TestSavedRefusesEveryCut(t *testing.T) {
	body := encodeSaved(withBeats())
	for i := range body {
		if _, err := decodeSaved(body[:i]); err == nil {
			t.Errorf("%d of %d bytes are accepted", i, len(body))
		}
	}
	if _, err := decodeSaved(append(body, 0)); err == nil {
		t.Error("a byte too many is accepted")
	}
	body[0]++
	if _, err := decodeSaved(body); err == nil || err.Error() != "state of unknown version 3" {
		t.Errorf("error %v", err)
	}
}

func FuzzDecodeSaved(f *testing.F) {
	f.Add(encodeSaved(&schedule.Saved{}))
	f.Add(encodeSaved(state(3)))
	f.Add(encodeSaved(withBeats()))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := decodeSaved(body)
		if err != nil {
			return
		}
		again, err := decodeSaved(encodeSaved(s))
		if err != nil || !cmp.Equal(s, again) {
			t.Errorf("%v: %s", err, cmp.Diff(s, again))
		}
	})
}

func FuzzDecodeTarget(f *testing.F) {
	a := api("a")
	body, err := encodeTarget(&a)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(durable.Seal(place(bucketTargets, "api\x00a"), body))
	f.Add([]byte("1234{}"))
	f.Fuzz(func(t *testing.T, value []byte) {
		_, _ = durable.Unseal(place(bucketTargets, "api\x00a"), value)
		if len(value) < 4 {
			return
		}
		target, err := decodeTarget(key{prober.SourceAPI, "a"}, value[4:])
		if err != nil {
			return
		}
		body, err := encodeTarget(target)
		if err != nil {
			return // a year that JSON cannot have
		}
		again, err := decodeTarget(key{prober.SourceAPI, "a"}, body)
		if err != nil || !again.Equal(target) {
			t.Errorf("%v: %s", err, cmp.Diff(target, again))
		}
	})
}
