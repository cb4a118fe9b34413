package checks

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is a part of something that can run out: a number (of bytes, say) or a
// percentage of the whole. The zero Amount means the default of whatever it is an
// option of; Number(0) is none at all.
type Amount struct {
	given   bool
	number  uint64
	percent float64
	isShare bool
}

// Number is an Amount of n bytes, or whatever is counted.
func Number(n uint64) Amount { return Amount{given: true, number: n} }

// Percent is an Amount relative to the whole, 0 to 100.
func Percent(p float64) Amount { return Amount{given: true, isShare: true, percent: p} }

// amountUnits are powers of 1024, with or without an i.
const amountUnits = "KMGTPE"

// ParseAmount reads a percentage (10%), or a number with or without a unit: 4096,
// 512MB, 1.5GiB. Units are powers of 1024.
func ParseAmount(text string) (Amount, error) {
	bad := fmt.Errorf("%q is not a percentage (10%%), nor a number with or without a unit (4096, 512MB, 1.5GiB)", text)
	t := strings.TrimSpace(text)
	if share, ok := strings.CutSuffix(t, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return Amount{}, bad
		}
		return Percent(p), nil
	}
	t = strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(t), "B"), "I")
	factor := 1.0
	if t != "" {
		if i := strings.IndexByte(amountUnits, t[len(t)-1]); i >= 0 {
			t, factor = t[:len(t)-1], math.Pow(1024, float64(i+1))
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(t), 64)
	if n *= factor; err != nil || !(n >= 0 && n < 1<<63) {
		return Amount{}, bad
	}
	return Number(uint64(n)), nil
}

// UnmarshalText reads what ParseAmount reads.
func (a *Amount) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

// MarshalText writes what ParseAmount reads; nothing for the zero Amount.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String is a percentage or a number; empty for the zero Amount.
func (a Amount) String() string {
	switch {
	case !a.given:
		return ""
	case a.isShare:
		return strconv.FormatFloat(a.percent, 'f', -1, 64) + "%"
	}
	return strconv.FormatUint(a.number, 10)
}

// or is the Amount, or the default if none was given.
func (a Amount) or(other Amount) Amount {
	if a.given {
		return a
	}
	return other
}

// undercut reports whether have is less than the Amount of total. It never is for an Amount
// that was not given.
func (a Amount) undercut(have, total uint64) bool {
	if a.isShare {
		return float64(have) < a.percent/100*float64(total)
	}
	return a.given && have < a.number
}

// fault reports what is wrong with the Amount as an option.
func (a Amount) fault(field string) error {
	return require(!a.isShare || a.percent >= 0 && a.percent <= 100, field, a.String(), "0% to 100%")
}

// size is a number of bytes for people.
func size(n uint64) string {
	value, unit := float64(n), -1
	for value >= 1023.95 && unit < len(amountUnits)-1 {
		value, unit = value/1024, unit+1
	}
	if unit < 0 {
		return strconv.FormatUint(n, 10) + " B"
	}
	return fmt.Sprintf("%.1f %ciB", value, amountUnits[unit])
}

// share is have as a percentage of total.
func share(have, total uint64) float64 {
	if total == 0 {
		return 0
	}
	return 100 * float64(have) / float64(total)
}
