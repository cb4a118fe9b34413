package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Seconds is a duration in JSON. Registrations have whole seconds only; answers may have
// fractions.
type Seconds float64

// NewSeconds is a duration as an optional field.
func NewSeconds(d time.Duration) *Seconds {
	s := Seconds(d.Seconds())
	return &s
}

// Duration is the duration; that of nil is 0. What no duration can hold is cut to years.
func (s *Seconds) Duration() time.Duration {
	if s == nil {
		return 0
	}
	const most = 1 << 30
	return time.Duration(max(-most, min(*s, most)) * Seconds(time.Second))
}

// UnmarshalJSON reads a number without an exponent.
func (s *Seconds) UnmarshalJSON(raw []byte) error {
	if bytes.ContainsAny(raw, "eE") {
		return fmt.Errorf("%s must be %s", raw, s.Wanted())
	}
	return json.Unmarshal(raw, (*float64)(s))
}

// Wanted says what is allowed, for whoever finds something else.
func (Seconds) Wanted() string { return "a whole number of seconds" }

// StatusCodes are codes ("204"), classes ("2xx") and ranges ("200-399"). In JSON a code
// may be a number, too.
type StatusCodes []string

// MaxStatusCodes is how many StatusCodes may have.
const MaxStatusCodes = 64

// UnmarshalJSON reads texts and numbers.
func (c *StatusCodes) UnmarshalJSON(raw []byte) error {
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list) > MaxStatusCodes {
		return fmt.Errorf("there are %d, at most %d are allowed", len(list), MaxStatusCodes)
	}
	*c = nil
	for _, each := range list {
		switch v := each.(type) {
		case string:
			*c = append(*c, v)
		case float64:
			*c = append(*c, strconv.FormatFloat(v, 'f', -1, 64))
		default:
			return fmt.Errorf("%v is neither a number nor a text", v)
		}
	}
	return nil
}

// Wanted says what is allowed, for whoever finds something else.
func (StatusCodes) Wanted() string {
	return fmt.Sprintf(`a list of at most %d codes (200), classes ("2xx") and ranges ("200-399")`, MaxStatusCodes)
}
