package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
)

// tryTimeout bounds the test of one channel.
const tryTimeout = time.Minute

// TryNotify sends a test notification through each channel of the configuration and
// writes the results to out, with the dialogue of those that failed. It is true if
// all went well, and false also if there is no channel.
func TryNotify(ctx context.Context, cfg *config.Config, out io.Writer) bool {
	ok, tried := true, 0
	report := func(channel string, dialogue string, err error) {
		tried++
		if err == nil {
			fmt.Fprintf(out, "%s: ok\n", channel)
			return
		}
		ok = false
		fmt.Fprintf(out, "%s: FAILED: %s\n", channel, redact.Text(err.Error()))
		for line := range strings.Lines(dialogue) {
			fmt.Fprintf(out, "    %s\n", strings.TrimRight(line, "\r\n"))
		}
	}
	if e := cfg.Alerting.Email; e != nil {
		for _, to := range e.To {
			dialogue, err := tryMail(ctx, cfg, to)
			report(fmt.Sprintf("e-mail to %s through %s:%d", to, e.Host, e.Port), dialogue, err)
		}
	}
	for i := range cfg.Alerting.Alertmanagers {
		at := cfg.Alerting.Alertmanagers[i].At()
		report("alert to "+at, "", tryAlert(ctx, cfg.Alerting, at))
	}
	if at := cfg.Alerting.HeartbeatURL; at != "" {
		report("heartbeat to "+hostOf(at), "", ask(ctx, heartbeatClient(cfg.Alerting.HeartbeatInterval), at))
	}
	if tried == 0 {
		fmt.Fprintln(out, "The configuration has no channel: see alerting.email and alerting.alertmanagers.")
	}
	return ok && tried > 0
}

// tryMail sends a mail as the outbox does, and returns the dialogue with the server.
func tryMail(ctx context.Context, cfg *config.Config, to string) (dialogue string, err error) {
	var said bytes.Buffer
	opts, err := mailOptions(cfg, &said)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	host, _ := os.Hostname() // empty if there is none
	now := time.Now()
	err = outbox.Try(ctx, opts, to, alerting.Notice{
		What: alerting.Test, Time: now, From: health.Healthy, To: health.Healthy,
		Subject: alerting.Subject{Kind: alerting.Check, Name: "health_exporter", State: health.Healthy, Since: now},
		Reason:  "This is a test: mails of the health_exporter on " + host + " arrive here.",
	})
	return said.String(), err
}

// tryAlert pushes an alert as the pusher does.
func tryAlert(ctx context.Context, cfg config.Alerting, at string) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	pusher, err := newPusher(cfg, nil)
	if err != nil {
		return err
	}
	return pusher.Try(ctx, at)
}
