package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/config"
)

// tryTimeout bounds the test of one channel.
const tryTimeout = time.Minute

// TryNotify sends a test notification through each channel of the configuration and
// tells on out what came of it, with the dialogue of those that failed. It is true if
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
			dialogue, err := tryMail(ctx, e, to)
			report(fmt.Sprintf("e-mail to %s through %s:%d", to, e.Host, e.Port), dialogue, err)
		}
	}
	for _, at := range cfg.Alerting.Alertmanagers {
		report("alert to "+at, "", tryAlert(ctx, at))
	}
	if at := cfg.Alerting.HeartbeatURL; at != "" {
		report("heartbeat to "+redact.Text(at), "", ask(ctx, &http.Client{Timeout: tryTimeout}, at))
	}
	if tried == 0 {
		fmt.Fprintln(out, "The configuration has no channel: see alerting.email and alerting.alertmanagers.")
	}
	return ok && tried > 0
}

// tryMail sends a mail and gives the dialogue with the server.
func tryMail(ctx context.Context, e *config.Email, to string) (dialogue string, err error) {
	server, err := mailServer(e)
	if err != nil {
		return "", err
	}
	if _, err := mail.LoadTemplates(e.Templates); err != nil {
		return "", err
	}
	var said bytes.Buffer
	server.Debug = &said
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	host, _ := os.Hostname() // empty if there is none
	err = server.SendAll(ctx, []*mail.Message{{
		To: to, Subject: "Test of health_exporter", Date: time.Now(),
		Text: "This is a test: mails of the health_exporter on " + host + " arrive here.\n",
	}})[0]
	return said.String(), err
}

// tryAlert posts an alert that ends by itself after a minute.
func tryAlert(ctx context.Context, at string) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	now := time.Now()
	body, err := json.Marshal([]map[string]any{{
		"labels":      map[string]string{"alertname": "HealthExporterTest", "severity": "info", "job": "health_exporter"},
		"annotations": map[string]string{"summary": "This is a test of health_exporter"},
		"startsAt":    now.Format(time.RFC3339), "endsAt": now.Add(time.Minute).Format(time.RFC3339),
	}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return fmt.Errorf("the answer was %s: %s", resp.Status, strings.TrimSpace(string(text)))
	}
	return nil
}
