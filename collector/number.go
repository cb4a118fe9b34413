package collector

import (
	"strconv"
	"time"
)

// number is the value of a sample: the decimal n/10^scale. Unlike a float it is
// exact for times, and printing it takes a tenth of the time. A scale of
// floating means f instead.
type number struct {
	n     int64
	f     float64
	scale uint8
}

const floating = 255

var powers = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

func integer[T ~int | ~int64 | ~uint32 | ~uint64](n T) number { return number{n: int64(n)} }

func float(f float64) number { return number{f: f, scale: floating} }

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
		return v.f
	}
	return float64(v.n) / float64(powers[v.scale])
}

// appendTo appends the number in digits, the shortest that give it back.
func (v number) appendTo(b []byte) []byte {
	switch v.scale {
	case 0:
		return strconv.AppendInt(b, v.n, 10)
	case floating:
		return strconv.AppendFloat(b, v.f, 'g', -1, 64)
	}
	if v.n < 0 {
		b = append(b, '-')
		v.n = -v.n
	}
	whole, rest := v.n/powers[v.scale], v.n%powers[v.scale]
	b = strconv.AppendInt(b, whole, 10)
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for digit := powers[v.scale] / 10; rest > 0; digit /= 10 {
		b = append(b, byte('0'+rest/digit))
		rest %= digit
	}
	return b
}
