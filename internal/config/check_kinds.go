package config

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// checkKinds is the table of all kinds of check.
var checkKinds = map[string]func() checkKind{
	"amqp":        func() checkKind { return &amqpCheck{} },
	"celery":      func() checkKind { return &celeryCheck{} },
	"certificate": func() checkKind { return &certificateCheck{} },
	"clock":       func() checkKind { return &clockCheck{} },
	"composite":   func() checkKind { return &compositeCheck{} },
	"disk":        func() checkKind { return &diskCheck{} },
	"exec":        func() checkKind { return &execCheck{} },
	"file":        func() checkKind { return &fileCheck{} },
	"heartbeat":   func() checkKind { return &heartbeatCheck{} },
	"load":        func() checkKind { return &loadCheck{} },
	"memory":      func() checkKind { return &memoryCheck{} },
	"migrations":  func() checkKind { return &migrationsCheck{} },
	"ntp":         func() checkKind { return &ntpCheck{} },
	"pressure":    func() checkKind { return &pressureCheck{} },
	"process":     func() checkKind { return &processCheck{} },
	"redis":       func() checkKind { return &redisCheck{} },
	"runtime":     func() checkKind { return &runtimeCheck{} },
	"sql":         func() checkKind { return &sqlCheck{} },
}

// runner is a check of package checks that needs no opening.
type runner interface {
	Check() error
	Run(context.Context) error
}

func opened(r runner) (OpenCheck, error) { return OpenCheck{Run: r.Run}, nil }

// local is a part of kinds that look at this host, far of those that do not.
type (
	local struct{}
	far   struct{}
)

func (local) remote() bool { return false }
func (far) remote() bool   { return true }

// diskCheck looks at a file system.
type diskCheck struct {
	local
	Path          string        `yaml:"path"`
	MinFree       checks.Amount `yaml:"min_free"`
	WarnFree      checks.Amount `yaml:"warn_free"`
	MinInodes     checks.Amount `yaml:"min_inodes"`
	WarnInodes    checks.Amount `yaml:"warn_inodes"`
	AllowReadOnly bool          `yaml:"allow_read_only"`
}

func (c *diskCheck) runner() runner {
	return checks.Disk{
		Path: c.Path, MinFree: c.MinFree, WarnFree: c.WarnFree, MinInodes: c.MinInodes, WarnInodes: c.WarnInodes,
		AllowReadOnly: c.AllowReadOnly,
	}
}
func (c *diskCheck) check() error                       { return c.runner().Check() }
func (c *diskCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// memoryCheck looks at the memory that is left.
type memoryCheck struct {
	local
	MinFree  checks.Amount `yaml:"min_free"`
	WarnFree checks.Amount `yaml:"warn_free"`
}

func (c *memoryCheck) runner() runner {
	return checks.Memory{MinFree: c.MinFree, WarnFree: c.WarnFree}
}
func (c *memoryCheck) check() error                       { return c.runner().Check() }
func (c *memoryCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// loadCheck looks at the load average.
type loadCheck struct {
	local
	Max     float64 `yaml:"max"`
	Warn    float64 `yaml:"warn"`
	Minutes int     `yaml:"minutes"`
}

func (c *loadCheck) runner() runner {
	return checks.Load{Max: c.Max, Warn: c.Warn, Minutes: c.Minutes}
}
func (c *loadCheck) check() error                       { return c.runner().Check() }
func (c *loadCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// pressureCheck looks at the time that tasks lose by waiting.
type pressureCheck struct {
	local
	Resource string  `yaml:"resource"`
	Max      float64 `yaml:"max"`
	Warn     float64 `yaml:"warn"`
	Full     bool    `yaml:"full"`
	Seconds  int     `yaml:"seconds"`
}

func (c *pressureCheck) runner() runner {
	return checks.Pressure{Resource: c.Resource, Max: c.Max, Warn: c.Warn, Full: c.Full, Seconds: c.Seconds}
}
func (c *pressureCheck) check() error                       { return c.runner().Check() }
func (c *pressureCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// clockCheck looks whether the clock is kept right.
type clockCheck struct {
	local
	MaxError time.Duration `yaml:"max_error"`
}

func (c *clockCheck) runner() runner                     { return checks.Clock{MaxError: c.MaxError} }
func (c *clockCheck) check() error                       { return c.runner().Check() }
func (c *clockCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// ntpCheck compares the clock with that of time servers.
type ntpCheck struct {
	far
	Servers   []string      `yaml:"servers"`
	MaxOffset time.Duration `yaml:"max_offset"`
}

func (c *ntpCheck) runner() runner {
	return checks.NTP{Servers: c.Servers, MaxOffset: c.MaxOffset}
}
func (c *ntpCheck) check() error                       { return c.runner().Check() }
func (c *ntpCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// fileCheck looks at the newest of some files.
type fileCheck struct {
	local
	Path    string         `yaml:"path"`
	MaxAge  time.Duration  `yaml:"max_age"`
	WarnAge time.Duration  `yaml:"warn_age"`
	MinSize int64          `yaml:"min_size"`
	MaxSize int64          `yaml:"max_size"`
	Match   *regexp.Regexp `yaml:"match"`
}

func (c *fileCheck) runner() runner {
	return checks.File{
		Path: c.Path, MaxAge: c.MaxAge, WarnAge: c.WarnAge,
		MinSize: c.MinSize, MaxSize: c.MaxSize, Match: c.Match,
	}
}
func (c *fileCheck) check() error                       { return c.runner().Check() }
func (c *fileCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// certificateCheck looks when certificates in a file expire.
type certificateCheck struct {
	local
	Path     string        `yaml:"path"`
	MinLeft  time.Duration `yaml:"min_left"`
	WarnLeft time.Duration `yaml:"warn_left"`
}

func (c *certificateCheck) runner() runner {
	return checks.CertificateFile{Path: c.Path, MinLeft: c.MinLeft, WarnLeft: c.WarnLeft}
}
func (c *certificateCheck) check() error                       { return c.runner().Check() }
func (c *certificateCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// processCheck looks whether a program runs.
type processCheck struct {
	local
	Process string         `yaml:"process"`
	Match   *regexp.Regexp `yaml:"match"`
	PIDFile string         `yaml:"pid_file"`
	Min     int            `yaml:"min"`
	Max     int            `yaml:"max"`
}

func (c *processCheck) runner() runner {
	return checks.Process{Name: c.Process, Match: c.Match, PIDFile: c.PIDFile, Min: c.Min, Max: c.Max}
}

// check calls the option Name by its key: name is that of the check itself.
func (c *processCheck) check() error                       { return renamed(c.runner().Check(), "Name", "Process") }
func (c *processCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// execCheck runs a program as Nagios does.
type execCheck struct {
	local
	Command   []string `yaml:"command"`
	Env       []string `yaml:"env"`
	Dir       string   `yaml:"dir"`
	MaxOutput int      `yaml:"max_output"`
}

func (c *execCheck) runner() runner {
	return checks.Exec{Command: c.Command, Env: c.Env, Dir: c.Dir, MaxOutput: c.MaxOutput}
}
func (c *execCheck) check() error                       { return c.runner().Check() }
func (c *execCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// runtimeCheck looks at the exporter's own process.
type runtimeCheck struct {
	local
	MaxGoroutines int           `yaml:"max_goroutines"`
	MaxHeap       uint64        `yaml:"max_heap"`
	MaxPause      time.Duration `yaml:"max_pause"`
	MinFiles      checks.Amount `yaml:"min_files"`
}

func (c *runtimeCheck) runner() runner {
	return checks.Runtime{
		MaxGoroutines: c.MaxGoroutines, MaxHeap: c.MaxHeap, MaxPause: c.MaxPause, MinFiles: c.MinFiles,
	}
}
func (c *runtimeCheck) check() error                       { return c.runner().Check() }
func (c *runtimeCheck) open(OtherCheck) (OpenCheck, error) { return opened(c.runner()) }

// heartbeatCheck waits for beats over HTTP.
type heartbeatCheck struct {
	local
	Every time.Duration `yaml:"every"`
	Grace time.Duration `yaml:"grace"`
}

func (c *heartbeatCheck) heartbeat() (*checks.Heartbeat, error) {
	return checks.NewHeartbeat(c.Every, c.Grace, time.Time{})
}

func (c *heartbeatCheck) check() error {
	_, err := c.heartbeat()
	return err
}

func (c *heartbeatCheck) open(OtherCheck) (OpenCheck, error) {
	h, err := c.heartbeat()
	if err != nil {
		return OpenCheck{}, err
	}
	return OpenCheck{Run: h.Run, Heartbeat: h}, nil
}

// compositeCheck puts other checks together.
type compositeCheck struct {
	local
	Of   []string `yaml:"of"`
	Need string   `yaml:"need"`
}

// needed is how many parts must pass.
func (c *compositeCheck) needed() (int, error) {
	switch c.Need {
	case "", "all":
		return len(c.Of), nil
	case "any":
		return 1, nil
	case "quorum":
		return len(c.Of)/2 + 1, nil
	}
	var n int
	if _, err := fmt.Sscanf(c.Need, "%d", &n); err != nil || fmt.Sprint(n) != c.Need || n < 1 || n > len(c.Of) {
		return 0, &checks.OptionError{Field: "Need", Value: c.Need, Allowed: fmt.Sprintf("all, any, quorum, or a number from 1 to %d", len(c.Of))}
	}
	return n, nil
}

func (c *compositeCheck) check() error {
	if len(c.Of) == 0 {
		return &checks.OptionError{Field: "Of", Value: c.Of, Allowed: "a list of the names of checks"}
	}
	_, err := c.needed()
	return err
}

func (c *compositeCheck) open(other OtherCheck) (OpenCheck, error) {
	need, err := c.needed()
	if err != nil {
		return OpenCheck{}, err
	}
	return OpenCheck{Run: func(ctx context.Context) error {
		var bad []string
		for _, name := range c.Of {
			s, ok := other(ctx, name)
			if !ok || s.Result.Outcome != health.Pass && s.Result.Outcome != health.Warn {
				bad = append(bad, name)
			}
		}
		health.Observe(ctx, "passing", len(c.Of)-len(bad), "checks")
		slices.Sort(bad)
		switch {
		case len(c.Of)-len(bad) < need:
			return fmt.Errorf("%d of %d pass, %d must: not %s", len(c.Of)-len(bad), len(c.Of), need, strings.Join(bad, ", "))
		case len(bad) > 0:
			health.Say(ctx, fmt.Sprintf("%d of %d pass: not %s", len(c.Of)-len(bad), len(c.Of), strings.Join(bad, ", ")))
		}
		return nil
	}}, nil
}
