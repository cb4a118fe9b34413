package envinfo

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxDepth is how deep a value is looked into; what lies deeper is hidden.
const maxDepth = 16

// RedactValue is a value as JSON knows it (maps, slices, texts, numbers, true,
// false and nil), without the secrets in it: values under names that RedactName
// knows are masked, whatever they are, and texts go through Redact. What is no
// JSON becomes the text that fmt prints. The value itself is left alone.
func RedactValue(value any) any { return redactValue(value, maxDepth) }

func redactValue(value any, depth int) any {
	if depth == 0 {
		return Mask
	}
	switch v := value.(type) {
	case nil, bool, int, int64, uint64, json.Number:
		return value
	case string:
		return Redact(v)
	case error:
		return Redact(printed(v))
	case map[string]any:
		return redactMap(v, depth)
	case []any:
		copied := make([]any, len(v))
		for i, each := range v {
			copied[i] = redactValue(each, depth-1)
		}
		return copied
	case []string:
		copied := make([]any, len(v))
		for i, each := range v {
			copied[i] = Redact(each)
		}
		return copied
	}
	plain, ok := plainJSON(value)
	if !ok {
		return Redact(printed(value))
	}
	return redactValue(plain, depth-1)
}

func redactMap(m map[string]any, depth int) map[string]any {
	copied := make(map[string]any, len(m))
	named := nameOfPair(m)
	for key, each := range m {
		if RedactName(key) || key == named {
			copied[Redact(key)] = hide(each)
		} else {
			copied[Redact(key)] = redactValue(each, depth-1)
		}
	}
	return copied
}

// nameOfPair is "value" for a map such as {"name": "API_KEY", "value": "…"}.
func nameOfPair(m map[string]any) string {
	for _, key := range []string{"name", "Name"} {
		if name, ok := m[key].(string); ok && RedactName(name) {
			return map[string]string{"name": "value", "Name": "Value"}[key]
		}
	}
	return ""
}

// hide masks a value, unless it only says that there is one or none.
func hide(value any) any {
	switch value.(type) {
	case nil, bool:
		return value
	}
	return Mask
}

// plainJSON is a value after a journey through JSON: nothing that is not in the
// answer can be in the value, and nothing in it is left unseen.
func plainJSON(value any) (plain any, ok bool) {
	defer func() {
		if recover() != nil { // a MarshalJSON of somebody
			plain, ok = nil, false
		}
	}()
	text, err := json.Marshal(value)
	if err != nil {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // or large integers lose their last digits
	return plain, decoder.Decode(&plain) == nil
}

// printed is what fmt makes of a value; fmt itself survives panics of String and
// Error, but not of everything.
func printed(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T that cannot be printed", value)
		}
	}()
	return fmt.Sprintf("%+v", value)
}
