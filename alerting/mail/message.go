package mail

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/health-exporter/health_exporter/internal/mailaddress"
)

// Message is one e-mail to one person. Whatever its fields hold, nothing but what they
// are named after comes of them.
type Message struct {
	// To is exactly one bare address.
	To string
	// Subject is brought into one line, and cut.
	Subject string
	Text    string
	// HTML says the same as Text; empty for none.
	HTML string
	// MessageID identifies the mail, without angle brackets. One without a domain
	// gets that of the sender; an empty one is chosen at random.
	MessageID string
	// InReplyTo identifies the thread that the mail belongs to, likewise; empty for none.
	InReplyTo string
	Date      time.Time
}

// subjectCharacters is how long a subject gets. Names have up to 128 characters.
const subjectCharacters = 250

// recipient accepts exactly one bare address and returns it with its domain in lower
// case. Registrations were checked already; this is the last door, and the address may
// have come from elsewhere.
func recipient(text string) (string, error) {
	address, err := mailaddress.Parse(text)
	if err != nil {
		return "", fmt.Errorf("to: %w", err)
	}
	return address, nil
}

// Write writes the mail as it goes over the wire.
func (m *Message) Write(w io.Writer, from string) error {
	sender, err := (&SMTP{From: from}).sender()
	if err != nil {
		return fmt.Errorf("from: %w", err)
	}
	msg, err := m.message(sender)
	if err != nil {
		return err
	}
	if _, err := msg.WriteTo(w); err != nil {
		return fmt.Errorf("writing mail: %w", err)
	}
	return nil
}

func (m *Message) message(from *mail.Address) (*gomail.Msg, error) {
	to, err := recipient(m.To)
	if err != nil {
		return nil, err
	}
	if m.Text == "" {
		return nil, errors.New("text: a mail without one is not allowed")
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8))
	msg.FromMailAddress(from)
	msg.ToMailAddress(&mail.Address{Address: to})
	msg.Subject(headerText(m.Subject))
	msg.SetDateWithValue(m.Date)
	msg.SetMessageIDWithValue(messageID(m.MessageID, domain))
	if m.InReplyTo != "" {
		thread := "<" + messageID(m.InReplyTo, domain) + ">"
		msg.SetGenHeader(gomail.HeaderInReplyTo, thread)
		msg.SetGenHeader(gomail.HeaderReferences, thread)
	}
	// Nobody's holiday reply shall answer this.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, lines(m.Text))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, lines(m.HTML))
	}
	return msg, nil
}

// headerText is the text for a header. What already looks encoded would be decoded by
// whoever reads the mail, to something that was never looked at here.
func headerText(text string) string {
	return strings.ReplaceAll(oneLine(text, subjectCharacters), "=?", "= ?")
}

// messageID completes an identifier with the domain if it has none, and takes away
// what no identifier may have.
func messageID(id, domain string) string {
	plain := func(text string) string {
		text = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_+", r) {
				return r
			}
			return -1
		}, text)
		return strings.Trim(text[:min(len(text), 100)], ".")
	}
	left, right, _ := strings.Cut(id, "@")
	if left = plain(left); left == "" {
		left = rand.Text()
	}
	if right = plain(right); right == "" {
		right = domain
	}
	return left + "@" + right
}
