package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
)

// Try tells one person of a notice at once, over the way that Run takes: with the same
// templates and the same Sender. Like Run it sends a mail of the shipped templates if
// those of the operator fail, but it returns their error.
func Try(ctx context.Context, opts Options, to string, n alerting.Notice) error {
	message, err := opts.Templates.Compose(to, []alerting.Notice{n}, time.Now())
	if message == nil {
		return composeError(err)
	}
	next := func() (m *mail.Message) {
		m, message = message, nil
		return m
	}
	opts.Sender.Carry(ctx, next, func(failed error) { err = errors.Join(err, failed) })
	return err
}
