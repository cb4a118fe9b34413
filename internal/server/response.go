package server

import (
	"bytes"
	"encoding/json"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// shownResponse is the last answer of a target, which is JSON, without what are secrets by
// their names and forms. What has none stays as it was sent.
func shownResponse(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return jsonText(redact.Text(string(raw)))
	}
	before, err := json.Marshal(value)
	after, errAfter := json.Marshal(redact.Value(value))
	switch {
	case err != nil, errAfter != nil:
		return jsonText(redact.Mask)
	case bytes.Equal(before, after):
		return raw
	}
	return after
}

func jsonText(text string) json.RawMessage {
	out, _ := json.Marshal(text) // a text always can be
	return out
}
