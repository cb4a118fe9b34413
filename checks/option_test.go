package checks_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
)

// TestOptionFaults: an option that cannot be is named with its value and what can,
// and Run refuses as Check does.
func TestOptionFaults(t *testing.T) {
	_, heartbeat := checks.NewHeartbeat(0, -1, time.Time{})
	tests := []struct {
		name  string
		check interface{ Check() error }
		want  []string
	}{
		{"disk", checks.Disk{MinFree: checks.Percent(101), WarnInodes: checks.Percent(-1)}, []string{`MinFree is "101%", must be 0% to 100%`, `WarnInodes is "-1%"`}},
		{"memory", checks.Memory{WarnFree: checks.Percent(200)}, []string{`WarnFree is "200%", must be 0% to 100%`}},
		{"load", checks.Load{Max: -1, Minutes: 2}, []string{"Max is -1, must be 0 for the default, or more", "Minutes is 2, must be 1, 5 or 15"}},
		{"pressure", checks.Pressure{Resource: "disk", Max: 101, Seconds: 5}, []string{`Resource is "disk", must be cpu, memory or io`, "Max is 101, must be 0 to 100", "Seconds is 5, must be 10, 60 or 300"}},
		{"clock", checks.Clock{MaxError: -1}, []string{"MaxError is -1ns, must be"}},
		{"ntp", checks.NTP{}, []string{"Servers is \"\", must be a list of one server at least"}},
		{"ntp server", checks.NTP{Servers: []string{"a", ""}, MaxOffset: -time.Second}, []string{"Servers[1] is \"\"", "MaxOffset is -1s"}},
		{"file", checks.File{Path: "", MaxAge: -1, MinSize: 5, MaxSize: 4}, []string{`Path is "", must be a path or a pattern`, "MaxAge is -1ns", "MaxSize is 4, must be 0 for no bound, or MinSize"}},
		{"process", checks.Process{}, []string{`Name is "", must be set, or Match, or PIDFile`}},
		{"process numbers", checks.Process{Name: "a/b", Min: 3, Max: 2}, []string{`Name is "a/b", must be a name without folder`, "Max is 2, must be 0 for no limit, or Min at least"}},
		{"exec", checks.Exec{Env: []string{"A=1", "secret"}, MaxOutput: -1}, []string{`Command is "", must be a program and its arguments`, `Env[1] is "secret", must be NAME=value`, "MaxOutput is -1"}},
		{"runtime", checks.Runtime{MaxGoroutines: -1, MaxPause: -1}, []string{"MaxGoroutines is -1", "MaxPause is -1ns"}},
		{"certificate", checks.CertificateFile{MinLeft: -1}, []string{`Path is "", must be a file`, "MinLeft is -1ns"}},
		{"heartbeat", faulty{heartbeat}, []string{"every is 0s, must be more than 0", "grace is -1ns, must be 0 or more"}},
		{"composite", checks.Composite{Need: 2, Parts: []checks.Part{{}}}, []string{"Need is 2, must be 0 to 1, the number of parts", `Parts[0].Name is "", must be set`, "Parts[0].Run"}},
		{"no parts", checks.All(), []string{"a list of one part at least"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.check.Check()
			if err == nil {
				t.Fatal("no fault was found")
			}
			if runs, ok := tt.check.(runner); ok {
				if got := runs.Run(t.Context()); got == nil || got.Error() != err.Error() {
					t.Errorf("Run says %v", got)
				}
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is missing in:\n%v", part, err)
				}
			}
			if lines := strings.Count(err.Error(), "\n") + 1; lines != len(tt.want) && tt.name != "composite" {
				t.Errorf("%d faults, want %d:\n%v", lines, len(tt.want), err)
			}
		})
	}
}

// TestNoFaults: zero values are valid where nothing is required.
func TestNoFaults(t *testing.T) {
	for _, c := range []interface{ Check() error }{
		checks.Disk{},
		checks.Memory{},
		checks.Load{},
		checks.Pressure{},
		checks.Clock{},
		checks.Runtime{},
		checks.NTP{Servers: []string{"::1"}},
		checks.File{Path: "x"},
		checks.Process{Match: regexp.MustCompile("x")},
		checks.Exec{Command: []string{"true"}},
		checks.CertificateFile{Path: "x"},
	} {
		if err := c.Check(); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
}

func TestAmount(t *testing.T) {
	tests := []struct {
		text string
		want checks.Amount
		back string
	}{
		{"10%", checks.Percent(10), "10%"},
		{" 0.5 % ", checks.Percent(0.5), "0.5%"},
		{"0", checks.Number(0), "0"},
		{"4096", checks.Number(4096), "4096"},
		{"1KB", checks.Number(1024), "1024"},
		{"1.5GiB", checks.Number(3 << 29), "1610612736"},
		{"2 m", checks.Number(2 << 20), "2097152"},
		{"1E", checks.Number(1 << 60), "1152921504606846976"},
	}
	for _, tt := range tests {
		var got checks.Amount
		if err := got.UnmarshalText([]byte(tt.text)); err != nil || got != tt.want || got.String() != tt.back {
			t.Errorf("%q: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "%", "-1", "-1%", "101%", "NaN", "NaN%", "Inf", "1e400", "16E", "10 bananas", "K", "B", "1KK"} {
		if got, err := checks.ParseAmount(text); err == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
	if text, err := (checks.Amount{}).MarshalText(); err != nil || string(text) != "" {
		t.Errorf("the zero Amount is %q, %v", text, err)
	}
}

func FuzzParseAmount(f *testing.F) {
	f.Add("10%")
	f.Add("1.5GiB")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := checks.ParseAmount(text)
		if err != nil {
			return
		}
		if b, err := checks.ParseAmount(a.String()); err != nil || a != b {
			t.Errorf("%q: %v is read as %v, %v", text, a, b, err)
		}
	})
}

type runner interface {
	Run(ctx context.Context) error
}

// faulty is a constructor's error in the shape of the others.
type faulty struct{ error }

func (f faulty) Check() error { return f.error }
