package mail

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// Compose makes the mail that tells one person of the notices; its times are in the
// zone of now. The mail is the same, and has the same identifier, whenever it is made,
// but for its date. If templates of the operator fail, it returns their error and a
// mail of the shipped ones: it is not the news that is at fault.
func (t *Templates) Compose(to string, notices []alerting.Notice, now time.Time) (*Message, error) {
	to, err := recipient(to)
	if err != nil {
		return nil, err
	}
	if len(notices) == 0 {
		return nil, errors.New("composing mail: there is nothing to tell")
	}
	m := &Message{To: to, MessageID: idOf(to, notices), InReplyTo: threadOf(notices), Date: now}
	content := newContent(inZone(notices, now.Location()), now)
	err = t.execute(m, &content)
	if err != nil && t.shipped != nil {
		return m, errors.Join(fmt.Errorf("composing mail: %w", err), t.shipped.execute(m, &content))
	}
	return m, err
}

func (t *Templates) execute(m *Message, content *Content) error {
	var subject, text, html bytes.Buffer
	err := cmp.Or(t.subject.Execute(&subject, *content), t.text.Execute(&text, *content), t.html.Execute(&html, *content))
	m.Subject, m.Text, m.HTML = oneLine(subject.String(), subjectCharacters), text.String(), html.String()
	return err
}

// inZone has the times of the notices in the zone.
func inZone(notices []alerting.Notice, zone *time.Location) []alerting.Notice {
	notices = slices.Clone(notices)
	for i := range notices {
		n := &notices[i]
		for _, at := range []*time.Time{&n.Time, &n.BadSince, &n.Subject.Since, &n.Subject.LastHealthy} {
			if !at.IsZero() {
				*at = at.In(zone)
			}
		}
	}
	return notices
}

// idOf identifies a mail by what it tells and to whom. Numbers of notices alone
// would not do: those of another exporter begin at one, too.
func idOf(to string, notices []alerting.Notice) string {
	var parts []string
	for _, n := range notices {
		parts = append(parts, fmt.Sprintf("%020d %d %q %q %s", n.ID, n.Time.Unix(), n.Subject.Key(), n.What, n.To))
	}
	slices.Sort(parts)
	return identifier("mail", to, strings.Join(parts, "\n"))
}

// threadOf identifies the outage if all notices are about the same one. A digest of
// several begins no thread, or it would tie their threads together for good.
func threadOf(notices []alerting.Notice) string {
	thread := ""
	for _, n := range notices {
		if n.BadSince.IsZero() {
			return ""
		}
		id := identifier("outage", n.Subject.Key(), strconv.FormatInt(n.BadSince.Unix(), 10))
		if thread != "" && thread != id {
			return ""
		}
		thread = id
	}
	return thread
}

func identifier(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
