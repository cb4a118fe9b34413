package config

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// compositeCheck puts other checks together.
type compositeCheck struct {
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
