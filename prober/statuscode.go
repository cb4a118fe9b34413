package prober

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// StatusCodes is a set of HTTP status codes, as a list of inclusive ranges.
type StatusCodes []StatusRange

// StatusRange is an inclusive range of status codes, 100 to 999: some
// servers invent codes beyond 599.
type StatusRange struct{ First, Last int }

// ParseStatusRange reads a code ("204"), a class ("2xx") or a range ("200-399").
func ParseStatusRange(text string) (StatusRange, error) {
	bad := fmt.Errorf("%q is not a status code (200), class (2xx) or range (200-399) within 100 to 999", text)
	t := strings.ToLower(strings.TrimSpace(text))
	if class, ok := strings.CutSuffix(t, "xx"); ok {
		n, err := strconv.Atoi(class)
		if err != nil || n < 1 || n > 5 || len(class) != 1 {
			return StatusRange{}, bad
		}
		return StatusRange{n * 100, n*100 + 99}, nil
	}
	from, to, isRange := strings.Cut(t, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || first < 100 || last > 999 || first > last {
		return StatusRange{}, bad
	}
	return StatusRange{first, last}, nil
}

// UnmarshalText reads what ParseStatusRange reads.
func (r *StatusRange) UnmarshalText(text []byte) (err error) {
	*r, err = ParseStatusRange(string(text))
	return err
}

// UnmarshalYAML reads any whole number, as blackbox_exporter does, though there may be no
// such code, and what ParseStatusRange reads.
func (r *StatusRange) UnmarshalYAML(unmarshal func(any) error) error {
	var value any
	if err := unmarshal(&value); err != nil {
		return err
	}
	switch n := value.(type) {
	case int:
		*r = StatusRange{n, n}
		return nil
	case float64: // 200.0
		if code := int(n); float64(code) == n && math.Abs(n) < 1<<53 {
			*r = StatusRange{code, code}
			return nil
		}
	}
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	return r.UnmarshalText([]byte(text))
}

// odd reports whether it has codes that no answer can have.
func (r StatusRange) odd() bool { return r.First < 100 || r.Last > 999 }

// warnings are those of codes that no answer can have.
func (s StatusCodes) warnings() (list []error) {
	for i, r := range s {
		if r.odd() {
			list = append(list, &FieldError{fmt.Sprintf("valid_status_codes[%d]", i), fmt.Sprintf("%s is not a status code: no answer has it", r)})
		}
	}
	return list
}

// MarshalText writes the shortest form: a code, or a range.
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String is a code, or a range such as 200-399.
func (r StatusRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// Contain reports whether the code is in the set.
func (s StatusCodes) Contain(code int) bool {
	for _, r := range s {
		if r.First <= code && code <= r.Last {
			return true
		}
	}
	return false
}

// String lists the ranges.
func (s StatusCodes) String() string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = r.String()
	}
	return strings.Join(parts, ", ")
}

// wrongStatus says that a status is none of those that an answer may have.
func wrongStatus(code int, codes StatusCodes) string {
	return fmt.Sprintf("status %d, want %s", code, codes)
}
