package registry

import (
	"encoding/json"
	"fmt"

	"github.com/health-exporter/health_exporter/prober"
)

// place is over what, besides its body, a record is sealed.
func place(bucket, name string) string { return bucket + "\x00" + name + "\x00" }

func encodeTarget(t *prober.Target) ([]byte, error) { return json.Marshal(t) }

func decodeTarget(k key, body []byte) (*prober.Target, error) {
	t := new(prober.Target)
	if err := json.Unmarshal(body, t); err != nil {
		return nil, err
	}
	if t.App != k.app || t.Source != k.source {
		return nil, fmt.Errorf("it is the record of %q of source %q", t.App, t.Source)
	}
	return t, nil
}

// pause is an operator's word as it is stored.
type pause struct {
	Paused bool `json:"paused"`
}

func encodePause(paused bool) []byte {
	if paused {
		return []byte(`{"paused":true}`)
	}
	return []byte(`{"paused":false}`)
}

func decodePause(body []byte) (bool, error) {
	var p pause
	err := json.Unmarshal(body, &p)
	return p.Paused, err
}
