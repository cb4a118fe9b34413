package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/prober"
)

// shownResponse is the last answer of a target, which is JSON, without what are secrets by
// their names and forms. What has none stays as it was sent.
func shownResponse(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	return escapeUnseen(withoutSecrets(raw))
}

// escapeUnseen writes what in JSON is not printable as an escape: it can only be in a text.
func escapeUnseen(text json.RawMessage) json.RawMessage {
	unseen := func(r rune) bool { return r > 0x7e && prober.NotPrintable(r) }
	if !bytes.ContainsFunc(text, unseen) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch high, low := utf16.EncodeRune(r); {
		case !unseen(r):
			b.WriteRune(r)
		case high != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

func withoutSecrets(raw []byte) json.RawMessage {
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
