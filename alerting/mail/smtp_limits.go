package mail

import (
	"cmp"
	"time"
)

// limits are how long the steps of a dialogue may take, each as a whole, however the
// server dribbles.
type limits struct {
	connect time.Duration // and to encrypt
	command time.Duration // the greeting, and the answer to a command
	data    time.Duration // the answer to DATA
	piece   time.Duration // to send a piece of the content
	end     time.Duration // the answer to the content: who gives up here sends it once more
}

// limits are those of RFC 5321, section 4.5.3.2: servers look up names, ask others and
// scan the content before they answer, and some let unknown clients wait on purpose.
func (s *SMTP) limits() limits {
	return limits{
		connect: cmp.Or(s.stepLimit, 30*time.Second), command: cmp.Or(s.stepLimit, 5*time.Minute), data: cmp.Or(s.stepLimit, 2*time.Minute),
		piece: cmp.Or(s.stepLimit, 3*time.Minute), end: cmp.Or(s.endLimit, 10*time.Minute),
	}
}
