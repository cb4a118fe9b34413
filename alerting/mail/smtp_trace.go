package mail

import (
	"fmt"
	"strings"

	"github.com/wneessen/go-mail/log"
)

// dialogueLog writes what is said for a person to read. The library has credentials
// replaced already; the mask is for a server that repeats them.
type dialogueLog struct{ dialogue *dialogue }

// Debugf writes what one side has said.
func (l dialogueLog) Debugf(entry log.Log) {
	side := "S: "
	if entry.Direction == log.DirClientToServer {
		side = "C: "
	}
	for line := range strings.Lines(fmt.Sprintf(entry.Format, entry.Messages...)) {
		l.dialogue.say("%s%s", side, oneLine(line, 500))
	}
}

// Infof does what Debugf does; the library uses none but that.
func (l dialogueLog) Infof(entry log.Log) { l.Debugf(entry) }

// Warnf does what Debugf does.
func (l dialogueLog) Warnf(entry log.Log) { l.Debugf(entry) }

// Errorf does what Debugf does.
func (l dialogueLog) Errorf(entry log.Log) { l.Debugf(entry) }

// say writes a line to Debug. What becomes of it is of no matter to the mail.
func (d *dialogue) say(format string, args ...any) {
	if d.smtp.Debug != nil {
		_, _ = fmt.Fprintln(d.smtp.Debug, d.mask.Replace(fmt.Sprintf(format, args...)))
	}
}

// failed writes the error of a step to Debug and returns it.
func (d *dialogue) failed(err *SendError) *SendError {
	if err.Code != 0 {
		d.say("S: %d %s", err.Code, err.Text)
	}
	d.say("!! %s", err.Error())
	return err
}
