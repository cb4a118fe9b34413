package mail

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"time"
)

// SendAll sends the mails over one connection, or more if the server ends one early,
// and returns a *SendError or nil for each. If a connection cannot be had, or breaks
// before it carried any, the mails that are left are not tried.
func (s *SMTP) SendAll(ctx context.Context, mails []*Message) []error {
	errs := make([]error, len(mails))
	if err := s.Check(); err != nil {
		for i := range errs {
			errs[i] = &SendError{Temporary: true, Reason: ReasonConnect, Text: oneLine("options: "+err.Error(), lineCharacters)}
		}
		return errs
	}
	waiting := s.prepare(mails, errs)
	for len(waiting) > 0 {
		done, broken := s.carry(ctx, waiting, errs)
		waiting = waiting[done:]
		if done > 0 {
			continue
		}
		for _, m := range waiting {
			errs[m.index] = broken
		}
		return errs
	}
	return errs
}

// prepared is a mail that is ready to be sent.
type prepared struct {
	index   int // in what was handed in
	to      string
	content []byte
}

// prepare writes the mails; those that cannot be sent get their errors.
func (s *SMTP) prepare(mails []*Message, errs []error) []prepared {
	var ready []prepared
	for i, m := range mails {
		to, err := recipient(m.To)
		if err != nil {
			errs[i] = &SendError{Reason: ReasonRecipient, Text: oneLine(err.Error(), lineCharacters)}
			continue
		}
		var content bytes.Buffer
		if err := m.Write(&content, s.From); err != nil {
			errs[i] = &SendError{Reason: ReasonRejected, Text: oneLine(err.Error(), lineCharacters)}
			continue
		}
		ready = append(ready, prepared{index: i, to: to, content: content.Bytes()})
	}
	return ready
}

// carry sends mails over one connection. It returns how many of them are done with,
// sent or not, and why the connection can carry no more of them, if it cannot. A
// connection without any use has none done.
func (s *SMTP) carry(ctx context.Context, mails []prepared, errs []error) (int, *SendError) {
	d, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	defer d.close()
	for i, m := range mails {
		if i > 0 {
			d.until = time.Now().Add(s.total())
		}
		untouched, err := d.transfer(m)
		switch {
		case err == nil:
			continue
		case err.Code != 0 && err.Reason != ReasonConnect && err.Reason != ReasonAuth && err.Reason != ReasonProtocol:
			errs[m.index] = err
		case i == 0 || untouched && ctx.Err() == nil:
			return i, err
		default:
			errs[m.index] = err
			return i + 1, err
		}
	}
	d.quit()
	return len(mails), nil
}

func (s *SMTP) stepTimeout() time.Duration { return cmp.Or(s.stepLimit, defaultStepLimit) }
func (s *SMTP) total() time.Duration       { return cmp.Or(s.mailLimit, defaultMailLimit) }

// transfer sends one mail. If it fails, it reports whether the server had not heard of
// the mail yet: it may have ended the connection because that has carried enough.
func (d *dialogue) transfer(m prepared) (untouched bool, err *SendError) {
	if d.unfinished {
		if err := d.step(ReasonProtocol, d.client.Reset); err != nil {
			return true, err
		}
		d.unfinished = false
	}
	from, _ := d.smtp.sender() // checked
	if err := d.step(ReasonSender, func() error { return d.client.Mail("<" + from.Address + ">") }); err != nil {
		d.unfinished = true
		return true, err
	}
	d.unfinished = true
	if err := d.step(ReasonRecipient, func() error { return d.client.Rcpt("<" + m.to + ">") }); err != nil {
		return false, err
	}
	if err := d.content(m.content); err != nil {
		return false, err
	}
	d.unfinished = false
	return false, nil
}

// content sends what the mail consists of, and waits until the server has taken it.
// Each piece is a step, so that a slow line is not a fault and a stuck server is one.
func (d *dialogue) content(content []byte) *SendError {
	var body io.WriteCloser
	err := d.step(ReasonRejected, func() (err error) {
		body, err = d.client.Data()
		return err
	})
	if err != nil {
		return err
	}
	const piece = 32 << 10
	for part := range slices.Chunk(content, piece) {
		if err := d.step(ReasonConnect, func() error { _, err := body.Write(part); return err }); err != nil {
			return err
		}
	}
	d.say("-- %d bytes of content sent", len(content))
	return d.within(d.until, ReasonRejected, body.Close)
}
