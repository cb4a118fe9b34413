package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// Fault is one thing wrong with a configuration file.
type Fault struct {
	// Line is where, from 1; 0 if it is not a line's fault.
	Line int
	// Path is the key, such as targets[3].interval; may be empty.
	Path string
	// Detail is what is wrong: the value and what is allowed.
	Detail string
}

// String is the fault with where it is.
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	return b.String() + f.Detail
}

// Faults are all the things wrong with one file.
type Faults struct {
	File string
	List []Fault
}

// Error lists the faults by line, one on each.
func (f *Faults) Error() string {
	lines := make([]string, len(f.List))
	for i, fault := range f.List {
		lines[i] = "  " + fault.String()
	}
	count := "1 fault"
	if len(lines) != 1 {
		count = fmt.Sprintf("%d faults", len(lines))
	}
	return fmt.Sprintf("%s in configuration file %s:\n%s", count, f.File, strings.Join(lines, "\n"))
}

// Add adds a fault. What is wrong with a value is said with the value, but not with a secret
// that can be recognised in it.
func (f *Faults) Add(line int, path, format string, args ...any) {
	f.List = append(f.List, Fault{line, path, redact.Text(fmt.Sprintf(format, args...))})
}

// Adopt takes over the faults of another file, which a line of this one names.
func (f *Faults) Adopt(other *Faults, line int) {
	for _, fault := range other.List {
		f.Add(line, fault.Path, "%s line %d: %s", other.File, fault.Line, fault.Detail)
	}
}

// Has reports whether one of the faults after the first n is of the path.
func (f *Faults) Has(path string, n int) bool {
	return slices.ContainsFunc(f.List[n:], func(fault Fault) bool { return fault.Path == path })
}

// Near reports whether a fault after the first n is that of a path, of something in it, or
// of what it stands in: whatever else seems wrong there may come of that.
func (f *Faults) Near(path string, n int) bool {
	return slices.ContainsFunc(f.List[n:], func(fault Fault) bool {
		return fault.Path == path || within(fault.Path, path) || within(path, fault.Path) && fault.wrongType()
	})
}

// wrongType reports whether nothing below the path could be read.
func (f Fault) wrongType() bool { return strings.HasPrefix(f.Detail, "must be a ") }

// within reports whether a path leads below another one.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "["))
}

// Err is nil if there is no fault.
func (f *Faults) Err() error {
	if len(f.List) == 0 {
		return nil
	}
	slices.SortStableFunc(f.List, func(a, b Fault) int {
		return cmp.Or(a.Line-b.Line, cmp.Compare(a.Path, b.Path))
	})
	return f
}
