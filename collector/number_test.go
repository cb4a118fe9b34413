package collector

import (
	"math"
	"strconv"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	for _, test := range []struct {
		give number
		want string
	}{
		{number{}, "0"},
		{integer(-5), "-5"},
		{integer(uint64(math.MaxInt64)), "9223372036854775807"},
		{truth(true), "1"},
		{float(0.1), "0.1"},
		{float(math.NaN()), "NaN"},
		{float(math.Inf(-1)), "-Inf"},
		{float(math.Inf(1)), "+Inf"},
		{seconds(1500 * time.Millisecond), "1.5"},
		{seconds(10 * time.Second), "10"},
		{seconds(time.Microsecond), "0.000001"},
		{seconds(999 * time.Nanosecond), "0"},
		{number{n: -1, scale: 3}, "-0.001"},
		{number{n: -1050, scale: 3}, "-1.05"},
		{number{n: 1764252345120, scale: 3}, "1764252345.12"},
	} {
		got := string(test.give.appendTo(nil))
		if got != test.want {
			t.Errorf("%+v: got %s, want %s", test.give, got, test.want)
		}
		read, err := strconv.ParseFloat(got, 64)
		if f := test.give.float(); err != nil || read != f && f == f {
			t.Errorf("%s reads as %v, but is %v to const metrics", got, read, f)
		}
	}
}

func TestTimestamp(t *testing.T) {
	if _, ok := timestamp(time.Time{}); ok {
		t.Error("the zero time has a timestamp")
	}
	v, ok := timestamp(time.Unix(253402300800, 0)) // the year 10000, as some certificates have it
	if got := string(v.appendTo(nil)); !ok || got != "253402300800" {
		t.Errorf("got %s", got)
	}
}

func FuzzNumber(f *testing.F) {
	f.Add(int64(1764252345123), uint8(3))
	f.Add(int64(-1), uint8(9))
	f.Fuzz(func(t *testing.T, n int64, scale uint8) {
		v := number{n: max(n, -math.MaxInt64), scale: scale % uint8(len(powers))}
		read, err := strconv.ParseFloat(string(v.appendTo(nil)), 64)
		// Beyond 2^53 the division rounds twice; no time is that large.
		if err != nil || read != v.float() && max(v.n, -v.n) < 1<<53 {
			t.Errorf("%+v prints as %s, but is %v", v, v.appendTo(nil), v.float())
		}
	})
}
