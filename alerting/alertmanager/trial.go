package alertmanager

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Try pushes an alert that ends by itself after a minute to one of the Alertmanagers,
// by the request that Run makes.
func (a *Pusher) Try(ctx context.Context, url string) error {
	if err := a.Check(); err != nil {
		return fmt.Errorf("pushing to Alertmanager: %w", err)
	}
	client := a.client(url)
	defer client.CloseIdleConnections()
	now := plainTime(time.Now())
	test := story{alerts: []Alert{{
		Labels:      map[string]string{"alertname": "HealthExporterTest", "job": job, "instance": a.Instance, "severity": "info"},
		Annotations: map[string]string{"summary": "This is a test of health_exporter"},
		StartsAt:    now,
	}}}
	i := newInstance(a, url, client, slog.New(slog.DiscardHandler))
	if err := i.post(ctx, payload([]story{test}, now.Add(time.Minute))); err != nil {
		return err
	}
	return nil
}
