package prober

import (
	"fmt"
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
