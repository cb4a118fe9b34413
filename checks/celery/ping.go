package celery

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// ping is one question to all workers, and who has answered.
type ping struct {
	exchange string        // the app's name for it, such as celery
	wait     time.Duration // for answers
	names    []string      // who must answer
	ticket   string        // tells our answers from others
	answered map[string]bool
}

// newID makes an identifier that looks as Celery's own do.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// question is what workers are sent. Answers go to an exchange under a key.
func (p *ping) question(exchange, key string) []byte {
	text, _ := json.Marshal(map[string]any{ // of strings only, which cannot fail
		"method": "ping", "arguments": map[string]any{}, "destination": nil, "pattern": nil, "matcher": nil,
		"ticket": p.ticket, "reply_to": map[string]string{"exchange": exchange, "routing_key": key},
	})
	return text
}

// headers go with the question. Workers that are late need not answer.
func (p *ping) headers() map[string]any {
	return map[string]any{"clock": 1, "expires": float64(time.Now().Add(p.wait).UnixMilli()) / 1000}
}

// note takes an answer, {"celery@host": {"ok": "pong"}}, if it is one to us.
func (p *ping) note(ticket any, body []byte) {
	if ticket != nil && ticket != p.ticket {
		return
	}
	var answer map[string]struct {
		OK string `json:"ok"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return // whoever wrote it is not a worker of ours
	}
	for name, said := range answer {
		if said.OK == "pong" && name != "" {
			p.answered[name] = true
		}
	}
}

// complete reports whether all have answered who must, if that is known.
func (p *ping) complete() bool {
	for _, name := range p.names {
		if !p.answered[name] {
			return false
		}
	}
	return len(p.names) > 0
}

// envelope is how kombu puts a message into Redis.
type envelope struct {
	Body        string         `json:"body"`
	Encoding    string         `json:"content-encoding"`
	ContentType string         `json:"content-type"`
	Headers     map[string]any `json:"headers"`
	Properties  properties     `json:"properties"`
}

type properties struct {
	BodyEncoding string            `json:"body_encoding"`
	DeliveryInfo map[string]string `json:"delivery_info"`
	DeliveryMode int               `json:"delivery_mode"`
	DeliveryTag  string            `json:"delivery_tag"`
	Priority     int               `json:"priority"`
}

// seal puts a question into an envelope.
func (p *ping) seal(question []byte) ([]byte, error) {
	return json.Marshal(envelope{
		Body: base64.StdEncoding.EncodeToString(question), Encoding: "utf-8", ContentType: "application/json",
		Headers: p.headers(),
		Properties: properties{
			BodyEncoding: "base64", DeliveryMode: 1, DeliveryTag: newID(),
			DeliveryInfo: map[string]string{"exchange": p.exchange + ".pidbox", "routing_key": ""},
		},
	})
}

// open takes an answer out of its envelope.
func (p *ping) open(text string) {
	var e envelope
	if json.Unmarshal([]byte(text), &e) != nil {
		return
	}
	body := []byte(e.Body)
	if e.Properties.BodyEncoding == "base64" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return
		}
	}
	p.note(e.Headers["ticket"], body)
}
