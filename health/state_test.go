package health

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func feed(t Thresholds, outcomes string) []Verdict {
	var s State
	var verdicts []Verdict
	for letter := range strings.FieldsSeq(outcomes) {
		s = s.Next(map[string]Outcome{"S": Pass, "W": Warn, "F": Fail, "X": Reset}[letter], t)
		verdicts = append(verdicts, s.Verdict)
	}
	return verdicts
}

func TestTraces(t *testing.T) {
	for _, test := range []struct {
		name, outcomes, want string
		thresholds           Thresholds
	}{
		{"T1", "S S F F S S", "UNK HEA DEG UNH UNH HEA", Thresholds{Unhealthy: 2, Healthy: 2}},
		{"T2", "F F", "DEG UNH", Thresholds{Unhealthy: 2, Healthy: 2}},
		{"T3", "S S F F F S S", "UNK HEA DEG DEG UNH UNH HEA", Thresholds{Unhealthy: 3, Healthy: 2}},
		{"T4", "F F S F S F S S", "DEG UNH UNH UNH UNH UNH UNH HEA", Thresholds{Unhealthy: 2, Healthy: 2}},
		{
			"T5", "S S F S F S F S F S S S", "UNK UNK DEG DEG DEG DEG DEG DEG DEG DEG DEG HEA",
			Thresholds{Unhealthy: 3, Healthy: 3},
		},
		{"T6", "S S W S S", "UNK HEA DEG DEG HEA", Thresholds{Unhealthy: 2, Healthy: 2}},
		{"T7", "F F W W S S", "DEG UNH UNH DEG DEG HEA", Thresholds{Unhealthy: 2, Healthy: 2}},
		{
			"T8: the defaults", "S S S S S S S S S S",
			"UNK UNK UNK UNK UNK UNK UNK UNK UNK HEA",
			Thresholds{},
		},
		{
			"T9", "S S F F F F S S", "UNK HEA HEA DEG DEG UNH UNH HEA",
			Thresholds{Unhealthy: 4, Healthy: 2, DegradedAfter: 2},
		},
		{"reset", "S S X F", "UNK HEA UNK DEG", Thresholds{Unhealthy: 2, Healthy: 2}},
		{"fast start", "S F S S", "HEA DEG DEG HEA", Thresholds{Unhealthy: 2, Healthy: 2, FastStart: true}},
		{"one failure suffices", "S F S", "HEA UNH HEA", Thresholds{Unhealthy: 1, Healthy: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, v := range feed(test.thresholds, test.outcomes) {
				got = append(got, strings.ToUpper(v.String())[:3])
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s\n got %s\nwant %s", test.outcomes, strings.Join(got, " "), test.want)
			}
		})
	}
}

// TestInvariants walks every sequence of outcomes up to length 8.
func TestInvariants(t *testing.T) {
	for u := 2; u <= 3; u++ {
		for h := 2; h <= 3; h++ {
			for d := 1; d < u; d++ {
				walk(t, State{}, Thresholds{Unhealthy: u, Healthy: h, DegradedAfter: d}, nil, 8)
			}
		}
	}
}

func walk(t *testing.T, s State, th Thresholds, past []Outcome, depth int) {
	if depth == 0 {
		return
	}
	for _, o := range []Outcome{Pass, Warn, Fail} {
		past := append(slices.Clip(past), o)
		next := s.Next(o, th)
		if fault := violated(s, next, th, past); fault != "" {
			t.Fatalf("%+v: after %v, %s → %s: %s", th, past, s.Verdict, next.Verdict, fault)
		}
		walk(t, next, th, past, depth-1)
	}
}

// violated checks what is promised of every step, from the sequence alone.
func violated(before, after State, th Thresholds, past []Outcome) string {
	fails, passes := trailing(past, Fail), trailing(past, Pass)
	switch {
	case (fails >= th.Unhealthy) && after.Verdict != Unhealthy:
		return "enough failures in a row, but not UNHEALTHY"
	case after.Verdict == Unhealthy && before.Verdict != Unhealthy && fails < th.Unhealthy:
		return "UNHEALTHY without enough failures in a row"
	case passes >= th.Healthy && after.Verdict != Healthy:
		return "enough passes in a row, but not HEALTHY"
	case after.Verdict == Healthy && before.Verdict != Healthy && passes < th.Healthy:
		return "HEALTHY without enough passes in a row"
	case after.Verdict == Unhealthy && (before.Verdict == Healthy || before.Verdict == Unknown):
		return "UNHEALTHY without having been DEGRADED"
	case after.Verdict == Unknown && before.Verdict != Unknown:
		return "back to UNKNOWN by a result"
	case int(after.Failures) != fails || int(after.Passes) != passes:
		return fmt.Sprintf("counters %+v do not tell of the last outcomes", after)
	}
	return ""
}

func trailing(past []Outcome, o Outcome) int {
	n := 0
	for i := len(past) - 1; i >= 0 && past[i] == o; i-- {
		n++
	}
	return n
}

func TestNames(t *testing.T) {
	for _, v := range Verdicts() {
		text, err := v.MarshalText()
		var back Verdict
		if err != nil || string(text) != strings.ToUpper(v.String()) || back.UnmarshalText(text) != nil || back != v {
			t.Errorf("%v: %s, %v, back %v", v, text, err, back)
		}
	}
	for o := Reset; o <= Fail; o++ {
		text, _ := o.MarshalText()
		var back Outcome
		if err := back.UnmarshalText(text); err != nil || back != o {
			t.Errorf("%v: %s, back %v, %v", o, text, back, err)
		}
	}
	var v Verdict
	if err := v.UnmarshalText([]byte("fine")); err == nil {
		t.Error("an unknown state was accepted")
	}
}

func TestCountersStopAtTheTop(t *testing.T) {
	s := State{Verdict: Unhealthy, Failures: 1<<32 - 1}
	if next := s.Next(Fail, Thresholds{}); next != s {
		t.Errorf("got %+v, want %+v", next, s)
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte{1, 1, 3, 3, 2, 0}, uint8(2), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, outcomes []byte, u, h, d uint8) {
		th := Thresholds{Unhealthy: 2 + int(u%9), Healthy: 2 + int(h%9)}
		th.DegradedAfter = 1 + int(d)%(th.Unhealthy-1)
		var s State
		var past []Outcome
		for _, b := range outcomes {
			o := Outcome(b % 4)
			next := s.Next(o, th)
			if o == Reset {
				if next != (State{}) {
					t.Fatalf("reset left %+v", next)
				}
				past = nil
			} else {
				past = append(past, o)
				if fault := violated(s, next, th, past); fault != "" {
					t.Fatalf("%+v: after %v, %s → %s: %s", th, past, s.Verdict, next.Verdict, fault)
				}
			}
			s = next
		}
	})
}
