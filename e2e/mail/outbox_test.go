package mail

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/health"
)

// TestNobodyWaitsForAnother: a full mailbox, and an address over which the server takes
// 15 s, delay nobody else; and Postfix takes the same addresses as we do.
func TestNobodyWaitsForAnother(t *testing.T) {
	server := startPostfix(t)
	templates, err := mail.LoadTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	others := []string{"a@example.org", "root@localhost", "o'brien@example.org", "!#$%&*+-/=?^_`{|}~@example.org", "z@example.org"}
	var subjects []alerting.Subject // they do not change, only events say so
	for _, to := range append([]string{"full@example.org", "slow@example.org"}, others...) {
		subjects = append(subjects, alerting.Subject{Kind: alerting.Target, Name: "of " + to, Email: to})
	}
	o, err := outbox.Open(outbox.Options{
		Subject: among(subjects), Path: t.TempDir(), Templates: templates, To: []string{"ops@example.org"}, Interval: -1, Wait: -1, Log: slog.New(slog.DiscardHandler),
		Sender: &mail.SMTP{Host: "127.0.0.1", Port: server.port, TLS: mail.NoTLS, From: "monitor@example.org"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { o.Run(ctx); close(ended) }()
	defer func() {
		stop()
		<-ended
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := o.Begin(slices.Values([]*alerting.Subject{}), 0); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var events []alerting.Event
	for i := range subjects {
		e := alerting.Event{Seq: uint64(i) + 1, Kind: alerting.Target, Name: subjects[i].Name, What: alerting.StateChanged}
		e.Change = alerting.Change{Time: began, From: health.Healthy, To: health.Unhealthy, Reason: "it is unhealthy"}
		events = append(events, e)
	}
	if err := o.Take(events); err != nil {
		t.Fatal(err)
	}
	for _, to := range others {
		for len(server.taken(t, to)) == 0 {
			if time.Since(began) > 15*time.Second {
				t.Fatalf("%s was not told within 15 s: %+v", to, o.Stats())
			}
			time.Sleep(50 * time.Millisecond)
		}
		if text := server.taken(t, to)[0]; !strings.Contains(text, "To: <"+to+">") || !strings.Contains(text, "is unhealthy") {
			t.Errorf("%s was told\n%s", to, text)
		}
	}
	t.Logf("others were told after %s", time.Since(began))
	for len(server.taken(t, "slow@example.org")) == 0 {
		if time.Since(began) > 40*time.Second {
			t.Fatalf("slow@ was not told: %+v", o.Stats())
		}
		time.Sleep(50 * time.Millisecond)
	}
	s := o.Stats()
	if s.Queued != 1 || s.Failed["recipient"] == 0 || !strings.Contains(s.Problem, "452 4.2.2 <full@example.org>: Recipient address rejected: mailbox full") {
		t.Errorf("of the full mailbox: %+v", s)
	}
	if got := len(server.taken(t, "full@example.org")); got != 0 {
		t.Errorf("%d mails are in a full mailbox", got)
	}
}

// among finds one of the subjects by its name.
func among(subjects []alerting.Subject) func(alerting.Kind, string) *alerting.Subject {
	return func(_ alerting.Kind, name string) *alerting.Subject {
		for i := range subjects {
			if subjects[i].Name == name {
				return &subjects[i]
			}
		}
		return nil
	}
}
