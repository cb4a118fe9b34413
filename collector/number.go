package collector

import (
	"math"
	"strconv"
	"time"
)

// number is the value of a sample: the decimal n/10^scale. Unlike a float it is
// exact for times, and printing it takes a tenth of the time. A scale of
// floating means the float whose bits n has.
type number struct {
	n     int64
	scale uint8
}

const floating = 255

var powers = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

func integer[T ~int | ~int64 | ~uint32 | ~uint64](n T) number { return number{n: int64(n)} }

func float(f float64) number { return number{n: int64(math.Float64bits(f)), scale: floating} }

func truth(b bool) number {
	if b {
		return number{n: 1}
	}
	return number{}
}

// seconds is a duration, to the microsecond.
func seconds(d time.Duration) number { return number{n: d.Microseconds(), scale: 6} }

// timestamp is a moment, to the millisecond; a zero time is none.
func timestamp(t time.Time) (number, bool) {
	return number{n: t.UnixMilli(), scale: 3}, !t.IsZero()
}

func (v number) float() float64 {
	if v.scale == floating {
		return math.Float64frombits(uint64(v.n))
	}
	return float64(v.n) / float64(powers[v.scale])
}

// appendTo appends the number in digits, the fewest that give it back.
func (v number) appendTo(b []byte) []byte {
	if v.scale == floating {
		return strconv.AppendFloat(b, v.float(), 'g', -1, 64)
	}
	n := uint64(v.n)
	if v.n < 0 {
		b = append(b, '-')
		n = -n
	}
	var text [21]byte // the digits of 64 bits, and a point
	at := len(text)
	for range v.scale {
		digit := byte(n % 10)
		if n /= 10; digit != 0 || at < len(text) { // without the zeros at the end
			at--
			text[at] = '0' + digit
		}
	}
	if at < len(text) {
		at--
		text[at] = '.'
	}
	for ; n >= 100; n /= 100 {
		at -= 2
		text[at], text[at+1] = '0'+byte(n%100/10), '0'+byte(n%10)
	}
	if n >= 10 {
		at--
		text[at] = '0' + byte(n%10)
		n /= 10
	}
	at--
	text[at] = '0' + byte(n)
	return append(b, text[at:]...)
}
