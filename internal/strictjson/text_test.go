package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckText(t *testing.T) {
	for body, want := range map[string]string{
		`{"a": "é 𝄞"}`:                 "",
		`{"a": "\ud834\udd1e \u00e9"}`: "",
		`{"a": "\\ud834"}`:             "",
		`{"a": "\\\\ud834 �"}`:         "",
		`{"a": "\ufffd"}`:              "",
		`{"a": "\ud834"}`:              "half of a character",
		`{"a": "\udd1e\ud834"}`:        "half of a character",
		`{"a": "\ud834\ud834\udd1e"}`:  "half of a character",
		`{"a": "\\\ud834"}`:            "half of a character",
		`{"a": "\ud834 \udd1e"}`:       "half of a character",
		`{"\uDC00": 1}`:                "half of a character",
		"{\"a\": \"caf\xe9\"}":         "byte 11 (0xe9)",
		"{\"\xff\": 1}":                "byte 3 (0xff)",
		"{\"a\": \"\xed\xa0\x80\"}":    "byte 8 (0xed)",
		"{\"a\": \"\xc0\xaf\"}":        "byte 8 (0xc0)",
		`{"a": "\u`:                    "",
		`{"a": "\ud83`:                 "",
		`\`:                            "",
	} {
		err := CheckText([]byte(body))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
	var into struct {
		A string `json:"a"`
	}
	if _, err := Decode([]byte(`{"a": "\ud834"}`), &into, nil); err == nil || into.A != "" {
		t.Errorf("%q %v", into.A, err)
	}
}

// FuzzCheckText: what passes is decoded to what was sent.
func FuzzCheckText(f *testing.F) {
	f.Add(`\ud834\udd1e`)
	f.Add(`\\ud834`)
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, text string) {
		body := []byte(`"` + text + `"`)
		var got string
		if CheckText(body) != nil || json.Unmarshal(body, &got) != nil {
			return
		}
		sent := strings.Count(text, "\uFFFD") + strings.Count(strings.ToLower(text), `\ufffd`)
		if !utf8.ValidString(got) || strings.Count(got, "\uFFFD") > sent {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
