package collector

// sample is the value of a series, if it is there.
type sample struct {
	number
	there bool
}

// ends are how lines end whose labels end alike: with the rest of the labels, and the
// value. Most values are 0 or 1, so those two are made beforehand.
type ends struct{ rest, zero, one string }

func endsOf(rest string) ends { return ends{rest, rest + "0\n", rest + "1\n"} }

// appendTo appends a line.
func (e *ends) appendTo(b []byte, name, head string, v number) []byte {
	b = append(b, name...)
	b = append(b, head...)
	if v.scale == 0 {
		switch v.n {
		case 0:
			return append(b, e.zero...)
		case 1:
			return append(b, e.one...)
		}
	}
	b = append(b, e.rest...)
	b = v.appendTo(b)
	return append(b, '\n')
}
