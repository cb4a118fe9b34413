package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/health"
)

// Process fails if there are too few or too many processes of a kind. Zombies do
// not count. It works on Linux; a PIDFile alone on all Unix systems.
type Process struct {
	// Name is the name of the program, without folder and arguments.
	Name string `yaml:"process"`
	// Match must match the whole command line, its words joined by blanks.
	Match *regexp.Regexp `yaml:"match"`
	// PIDFile is a file that has the number of the process.
	PIDFile string `yaml:"pid_file"`
	// Min and Max are how many processes there may be; defaults 1 and no limit.
	Min int `yaml:"min"`
	Max int `yaml:"max"`
	// Root is where /proc is found; default "/".
	Root string `yaml:"-"`
}

// Check reports what is wrong with the options.
func (p Process) Check() error {
	return errors.Join(
		require(p.Name != "" || p.Match != nil || p.PIDFile != "", "Name", p.Name, "set, or Match, or PIDFile"),
		require(!strings.Contains(p.Name, "/"), "Name", p.Name, "a name without folder"),
		require(p.Min >= 0, "Min", p.Min, "0 for the default, or more"),
		require(p.Max == 0 || p.Max >= cmp.Or(p.Min, 1), "Max", p.Max, "0 for no limit, or Min at least"))
}

// Run looks once.
func (p Process) Run(ctx context.Context) error {
	if err := p.Check(); err != nil {
		return err
	}
	count, err := p.count(ctx)
	if err != nil {
		return err
	}
	health.Observe(ctx, "processes", count, "processes")
	text := fmt.Sprintf("%d processes of %s", count, p.what())
	switch {
	case count == 0:
		return fmt.Errorf("%s is not running", p.what())
	case count < p.Min:
		return fmt.Errorf("%s, less than %d", text, p.Min)
	case p.Max > 0 && count > p.Max:
		return fmt.Errorf("%s, more than %d", text, p.Max)
	}
	health.Say(ctx, p.what()+" is running")
	return nil
}

func (p Process) what() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Match != nil:
		return p.Match.String()
	}
	return "the process of " + p.PIDFile
}

func (p Process) count(ctx context.Context) (int, error) {
	if p.PIDFile != "" {
		return p.ofFile()
	}
	entries, err := os.ReadDir(root(p.Root).path("proc"))
	if err != nil {
		return 0, fmt.Errorf("listing processes: %w", err)
	}
	count, seen := 0, 0
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		is, there := p.is(pid)
		if there {
			seen++
		}
		if is {
			count++
		}
	}
	if seen == 0 {
		return 0, errors.New("listing processes: none is visible in /proc")
	}
	return count, nil
}

// ofFile is 1 if the process of the file runs, and is the one it should be.
func (p Process) ofFile() (int, error) {
	text, err := os.ReadFile(p.PIDFile)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0, fmt.Errorf("%s has no number of a process: %.20q", p.PIDFile, text)
	}
	if is, there := p.is(pid); there {
		if is {
			return 1, nil
		}
		return 0, nil
	}
	if p.Name == "" && p.Match == nil && alive(pid) {
		return 1, nil
	}
	return 0, nil
}

// is reports whether a process is one of those looked for, and whether /proc knows
// it.
func (p Process) is(pid int) (is, there bool) {
	folder := path.Join("proc", strconv.Itoa(pid))
	stat, err := root(p.Root).read(path.Join(folder, "stat"))
	if err != nil {
		return false, false
	}
	// "12 (a name (even with brackets)) S 1 …"
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open || end+2 >= len(stat) {
		return false, false
	}
	if state := stat[end+2]; state == 'Z' || state == 'X' {
		return false, true
	}
	words, _ := root(p.Root).read(path.Join(folder, "cmdline")) // it is empty for the kernel's own
	return p.named(stat[open+1:end], strings.TrimRight(words, "\x00")), true
}

// named compares names. The kernel's own is cut to 15 bytes and can be changed by
// the process, as can its first argument: either will do.
func (p Process) named(comm, cmdline string) bool {
	const longest = 15
	if p.Match != nil && !p.Match.MatchString(strings.ReplaceAll(cmdline, "\x00", " ")) {
		return false
	}
	if p.Name == "" || comm == p.Name {
		return true
	}
	program, _, _ := strings.Cut(cmdline, "\x00")
	// Servers that write their state over their arguments: "nginx: master process …".
	program, _, _ = strings.Cut(program, ": ")
	return path.Base(program) == p.Name || cmdline == "" && len(p.Name) > longest && comm == p.Name[:longest]
}
