package alerting

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

var verdicts = map[byte]health.Verdict{'?': health.Unknown, 'H': health.Healthy, 'D': health.Degraded, 'U': health.Unhealthy}

// told plays states of a subject, one a minute, and lists what is told: each state
// that differs from the one before is a change. A '.' lets a minute pass.
func told(states string, s Subject) (titles []string) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := Memory{Last: Change{Time: begin.Add(-time.Hour)}}
	s.State = health.Unknown
	note := func(n *Notice) {
		if n != nil {
			titles = append(titles, n.Title())
		}
	}
	since := begin // when the state changed, as a journal notices what is not probed
	for i, c := range []byte(states) {
		now := begin.Add(time.Duration(i) * time.Minute)
		if next, ok := verdicts[c]; ok && next != s.State {
			change := Change{Time: now, From: s.State, To: next, Reason: "because"}
			s.State, s.Since, since = next, now, now
			var n *Notice
			m, n = m.Take(&s, change)
			note(n)
		}
		if s.Stalled && now.Sub(since) >= StalledAfter {
			var n *Notice
			m, n = m.Stall(&s, now)
			note(n)
		}
		var n *Notice
		m, n = m.Tick(&s, now, 0)
		note(n)
	}
	return titles
}

func TestWhatIsTold(t *testing.T) {
	for _, test := range []struct{ name, states, want string }{
		{"a new target that is well", "???H", ""},
		{"a new target that is not", "D", "x health is degraded"},
		{"down and up", "HDUH", "x health is degraded, x is unhealthy, x is back to healthy"},
		{"by way of degraded", "HDUDH", "x health is degraded, x is unhealthy, x health is degraded, x is back to healthy"},
		{"unknown in between", "HDU?H", "x health is degraded, x is unhealthy, x is back to healthy"},
		{"unknown and down again", "HDU?DUH", "x health is degraded, x is unhealthy, x health is degraded, x is unhealthy, x is back to healthy"},
		{"two outages", "HDH...................HDH", "x health is degraded, x is back to healthy, x health is degraded, x is back to healthy"},
		{"flapping", "HDHDHDHDHDHDH", "x health is degraded, x is back to healthy, x health is degraded, x is back to healthy, x keeps changing its state"},
		{"flapping and calm", "HDHDHDHDH" + strings.Repeat(".", 20), "x health is degraded, x is back to healthy, x health is degraded, x is back to healthy, x keeps changing its state, x has calmed down: healthy"},
		{"flapping and down", "HDHDHDHDU" + strings.Repeat(".", 20) + "H", "x health is degraded, x is back to healthy, x health is degraded, x is back to healthy, x keeps changing its state, x has calmed down: unhealthy, x is back to healthy"},
	} {
		if got := strings.Join(told(test.states, Subject{Kind: Target, Name: "x"}), ", "); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestStalled(t *testing.T) {
	for _, test := range []struct {
		name   string
		states string
		s      Subject
		want   string
	}{
		{"not probed for long", "?........", Subject{Stalled: true}, "x health is unknown"},
		{"not probed for a while", "?....", Subject{Stalled: true}, ""},
		{"probed", "?........", Subject{}, ""},
		{"paused", "?........", Subject{Stalled: true, Paused: true}, ""},
		{"and well after all", "?........H", Subject{Stalled: true}, "x health is unknown, x is back to healthy"},
	} {
		test.s.Kind, test.s.Name = Target, "x"
		if got := strings.Join(told(test.states, test.s), ", "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// Who is told of a subject that is not probed may change, too.
func TestStalledAndHandedOver(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := Subject{Kind: Target, Name: "x", Email: "a@example.org", Stalled: true}
	m, n := Memory{}.Stall(&s, now)
	if n == nil || n.Title() != "x health is unknown" || !n.BadSince.Equal(now.Add(-StalledAfter)) || !m.Open() {
		t.Fatalf("%+v", n)
	}
	if again, n := m.Stall(&s, now.Add(time.Minute)); n != nil || !again.Stalled {
		t.Errorf("told again: %+v", n)
	}
	s.Email = "b@example.org"
	if m, n = m.Tick(&s, now.Add(time.Minute), 0); n == nil || n.Title() != "x health is unknown" || n.Subject.Email != s.Email {
		t.Errorf("%+v", n)
	}
	if _, n = m.Tick(&s, now.Add(2*time.Minute), 0); n != nil {
		t.Errorf("told again: %+v", n)
	}
}

// TestDue: time alone brings reminders, calm, and that there is nothing left to remember.
func TestDue(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := Subject{Kind: Target, Name: "x"}
	at := begin
	play := func(m Memory, states string) Memory {
		for _, c := range []byte(states) {
			change := Change{Time: at, From: s.State, To: verdicts[c]}
			s.State, s.Since = change.To, at
			m, _ = m.Take(&s, change)
			at = at.Add(time.Minute)
		}
		return m
	}
	for _, test := range []struct {
		name, states string
		reminder     time.Duration
		want         []time.Duration // after begin
		rest         bool            // is there something to remember in the end
	}{
		{"well", "H", time.Hour, nil, true},
		{"degraded, from the beginning", "D", time.Hour, []time.Duration{time.Hour}, true},
		{"an outage that goes on", "HU", 0, []time.Duration{15*time.Minute + 1, 16*time.Minute + 1}, true},
		{"an outage that is over", "HUH", 0, []time.Duration{15*time.Minute + 1, 16*time.Minute + 1, 17*time.Minute + 1}, false},
		{"reminded", "U", 20 * time.Minute, []time.Duration{20 * time.Minute, 40 * time.Minute}, true},
		{"unknown", "?", time.Hour, nil, false},
		{"flapping: no reminder before it is calm", "HDHDHDHD", time.Minute, []time.Duration{15*time.Minute + 1}, true},
	} {
		at, s.State = begin, health.Unknown
		m := play(Memory{}, test.states)
		for _, want := range test.want {
			due := m.Due(test.reminder)
			if due.Sub(begin) != want {
				t.Errorf("%s: due after %s, want %s", test.name, due.Sub(begin), want)
			}
			m, _ = m.Tick(&s, due, test.reminder)
		}
		if len(test.want) > 0 && m.Open() != test.rest {
			t.Errorf("%s: in the end open is %v: %+v", test.name, m.Open(), m)
		}
	}
}

// Whoever is told of a subject from now on hears of its outage, once.
func TestHandedOver(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		states string // told to the old address
		now    health.Verdict
		paused bool
		email  string
		want   string
	}{
		{"down", "HDU", health.Unhealthy, false, "b@example.org", "x is unhealthy"},
		{"degraded", "HD", health.Degraded, false, "b@example.org", "x health is degraded"},
		{"down, and nobody in particular any more", "HDU", health.Unhealthy, false, "", "x is unhealthy"},
		{"down, the same address", "HDU", health.Unhealthy, false, "a@example.org", ""},
		{"down, paused", "HDU", health.Unhealthy, true, "b@example.org", ""},
		{"well", "HDUH", health.Healthy, false, "b@example.org", ""},
		{"recovered, which is to be told yet", "HDU", health.Healthy, false, "b@example.org", ""},
		{"worse, which is to be told yet", "HD", health.Unhealthy, false, "b@example.org", ""},
		{"unknown after an outage", "HDU?", health.Unknown, false, "b@example.org", ""},
		{"flapping", "HDHDHDHD", health.Degraded, false, "b@example.org", "x keeps changing its state"},
		{"flapping, and well", "HDHDHDHDH", health.Healthy, false, "b@example.org", "x keeps changing its state"},
		{"new", "", health.Unknown, false, "b@example.org", ""},
	} {
		s := Subject{Kind: Target, Name: "x", Email: "a@example.org"}
		var m Memory
		for i, c := range []byte(test.states) {
			change := Change{Time: now.Add(time.Duration(i) * time.Second), From: s.State, To: verdicts[c]}
			s.State = change.To
			m, _ = m.Take(&s, change)
		}
		s.State, s.Paused, s.Email = test.now, test.paused, test.email
		var titles []string
		for i := range 2 {
			var n *Notice
			if m, n = m.Tick(&s, now.Add(time.Duration(i)*time.Minute), 0); n != nil {
				titles = append(titles, n.Title())
				if n.Subject.Email != test.email || !n.BadSince.Equal(m.BadSince) || n.To != test.now {
					t.Errorf("%s: %+v", test.name, n)
				}
			}
		}
		if got := strings.Join(titles, ", "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestReminders(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := Subject{Kind: Check, Name: "x", State: health.Unhealthy}
	m, n := Memory{}.Take(&s, Change{Time: begin, From: health.Healthy, To: health.Unhealthy})
	if n == nil {
		t.Fatal("nothing is told")
	}
	var at []string
	for minute := range 130 {
		now := begin.Add(time.Duration(minute) * time.Minute)
		if m, n = m.Tick(&s, now, time.Hour); n != nil {
			at = append(at, fmt.Sprint(minute, " ", n.Title(), " ", n.BadSince.Equal(begin)))
		}
	}
	if want := []string{"60 check x is still unhealthy true", "120 check x is still unhealthy true"}; !slices.Equal(at, want) {
		t.Errorf("%q", at)
	}
}

func TestGone(t *testing.T) {
	s := Subject{Kind: Target, Name: "x", Email: "me@example.org", State: health.Unhealthy}
	m, _ := Memory{}.Take(&s, Change{Time: time.Now(), To: health.Unhealthy})
	if n := m.Removed(&s, time.Now()); n == nil || n.Title() != "x is no longer monitored" || n.Subject.Email != "me@example.org" {
		t.Errorf("%+v", n)
	}
	s.Kind = Check
	m, _ = m.Tick(&s, time.Now(), 0)
	if n := m.Removed(&s, time.Now()); n != nil {
		t.Errorf("a check that is taken out of the configuration: %+v", n)
	}
}

// Whatever happens, good news come only after bad news, and never twice in a row.
func TestNewsAlternate(t *testing.T) {
	letters := "?HDU"
	for length := 1; length <= 7; length++ {
		for n := range 1 << (2 * length) {
			states := make([]byte, length)
			for i := range states {
				states[i] = letters[n>>(2*i)&3]
			}
			bad := false
			for _, title := range told(string(states), Subject{Kind: Target, Name: "x"}) {
				good := strings.HasSuffix(title, "back to healthy")
				if good && !bad {
					t.Fatalf("%s: %q without bad news before", states, title)
				}
				bad = !good
			}
		}
	}
}
