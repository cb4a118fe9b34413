package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func pass(context.Context) error { return nil }

func fail(context.Context) error { return errors.New("broken") }

// closing makes a Checker that is closed at the end of the test.
func closing(t testing.TB, c *Checker, checks ...Check) *Checker {
	t.Helper()
	if err := c.Add(checks...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestWrongChecks(t *testing.T) {
	for _, test := range []struct {
		name   string
		checks []Check
		want   []string
	}{
		{"no name", []Check{{Run: pass}}, []string{`check "": the name is empty`}},
		{"slash", []Check{{Name: "a/b", Run: pass}}, []string{"the name has a slash"}},
		{"control character", []Check{{Name: "a\nb", Run: pass}}, []string{"cannot be printed"}},
		{"long name", []Check{{Name: strings.Repeat("a", 129), Run: pass}}, []string{"more than 128"}},
		{"no function", []Check{{Name: "a"}}, []string{`check "a": there is no function Run`}},
		{"twice (S0.7)", []Check{{Name: "a", Run: pass}, {Name: "a", Run: pass}}, []string{`check "a": there is one of this name already`}},
		{"negative", []Check{{Name: "a", Run: pass, Timeout: -1, Interval: -1}}, []string{"Timeout is -1ns", "Interval is -1ns"}},
		{"group", []Check{{Name: "a", Run: pass, Groups: []string{"x/y"}}}, []string{`the group "x/y" has a slash`}},
		{"remote and live", []Check{{Name: "a", Run: pass, Remote: true, Groups: []string{Live}}}, []string{"must not be in group live"}},
		{"dependency", []Check{{Name: "a", Run: pass, DependsOn: []string{"b"}}}, []string{`check "a": depends on unknown check "b"`}},
		{"circle", []Check{
			{Name: "a", Run: pass, DependsOn: []string{"b"}},
			{Name: "b", Run: pass, DependsOn: []string{"c"}},
			{Name: "c", Run: pass, DependsOn: []string{"b"}},
		}, []string{"in a circle: b → c → b"}},
		{"itself", []Check{{Name: "a", Run: pass, DependsOn: []string{"a"}}}, []string{"in a circle: a → a"}},
		{"severity", []Check{{Name: "a", Run: pass, Severity: 9}}, []string{"severity 9"}},
		{"all at once", []Check{{Name: "a"}, {Name: "", Run: pass}}, []string{`check "a"`, `check ""`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := New(test.checks...)
			if err == nil || c != nil {
				t.Fatal("accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
		})
	}
}

func TestAddIsAllOrNothing(t *testing.T) {
	c := closing(t, &Checker{}, Check{Name: "first", Run: pass})
	if err := c.Add(Check{Name: "good", Run: pass}, Check{Name: "bad"}); err == nil {
		t.Fatal("accepted")
	}
	if got := c.Names(); !slices.Equal(got, []string{"first"}) {
		t.Errorf("checks %q", got)
	}
	if err := c.Add(Check{Name: "second", Run: pass, DependsOn: []string{"first"}}); err != nil {
		t.Error(err)
	}
}

func TestRemoteInLiveIfForced(t *testing.T) {
	closing(t, &Checker{}, Check{Name: "a", Run: pass, Remote: true, LiveAnyway: true, Groups: []string{Live}})
}

func TestNoChecks(t *testing.T) {
	var c Checker
	if list := c.Check(t.Context(), ""); len(list) != 0 || Whole(list, "") != Pass {
		t.Errorf("%v", list)
	}
	if len(c.Snapshot()) != 0 || c.HasGroup(Ready) {
		t.Error("there is something")
	}
	c.Refresh()
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Add(Check{Name: "late", Run: pass}); err == nil {
		t.Error("a closed Checker takes checks")
	}
}

func TestOrderOfRegistration(t *testing.T) { // S0.6
	c := closing(t, &Checker{})
	var want []string
	for i := range 20 {
		name := fmt.Sprint("check", (i*7)%20)
		want = append(want, name)
		if err := c.Add(Check{Name: name, Run: pass}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, s := range c.Check(t.Context(), "") {
		got = append(got, s.Check.Name)
	}
	if !slices.Equal(got, want) || !slices.Equal(c.Names(), want) {
		t.Errorf("order %q", got)
	}
}

func TestWhole(t *testing.T) { // R12
	one := func(severity Severity, outcome Outcome, groups ...string) *Status {
		check := Check{Severity: severity, Groups: groups}.complete()
		return &Status{Check: &check, Result: Result{Outcome: outcome}}
	}
	for _, test := range []struct {
		name  string
		list  []*Status
		group string
		want  Outcome
	}{
		{"nothing", nil, "", Pass},
		{"pass", []*Status{one(Critical, Pass)}, "", Pass},
		{"warn", []*Status{one(Critical, Pass), one(Critical, Warn)}, "", Warn},
		{"fail", []*Status{one(Critical, Warn), one(Critical, Fail), one(Critical, Pass)}, "", Fail},
		{"unknown is not green", []*Status{one(Critical, Reset)}, "", Fail},
		{"a warning only", []*Status{one(WarningOnly, Fail)}, "", Warn},
		{"an unknown warning", []*Status{one(WarningOnly, Reset)}, "", Warn},
		{"information", []*Status{one(Info, Fail), one(Info, Reset)}, "", Pass},
		{"another group", []*Status{one(Critical, Fail, Live), one(Critical, Pass, Ready)}, Ready, Pass},
		{"this group", []*Status{one(Critical, Fail, Live, Ready)}, Ready, Fail},
	} {
		if got := Whole(test.list, test.group); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestSeverityWords(t *testing.T) {
	for _, s := range []Severity{Critical, WarningOnly, Info} {
		text, _ := s.MarshalText()
		var back Severity
		if err := back.UnmarshalText([]byte(strings.ToUpper(string(text)))); err != nil || back != s {
			t.Errorf("%s became %v, %v", text, back, err)
		}
	}
	if err := new(Severity).UnmarshalText([]byte("fatal")); err == nil {
		t.Error("fatal is accepted")
	}
}

func TestAge(t *testing.T) {
	now := time.Now()
	if got := age(now.Add(-time.Minute), now); got != time.Minute {
		t.Error(got)
	}
	// The wall clock was set back by an hour: only the monotonic one knows the age.
	wall := now.Round(0)
	if got := age(wall.Add(-2*time.Hour), wall); got != 2*time.Hour {
		t.Error(got)
	}
	if got := age(now.Add(time.Hour), now); got > 0 {
		t.Error("a result of the future has an age of", got)
	}
}
