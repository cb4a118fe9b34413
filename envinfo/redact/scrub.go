package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxDepth is how deep a value is looked into; what lies deeper is hidden.
const maxDepth = 16

// Value is a value as JSON knows it (maps, slices, texts, numbers, true,
// false and nil), without the secrets in it: values under names that Name
// knows are masked, whatever they are, and texts go through Text. What is no
// JSON becomes the text that fmt prints. The value itself is left alone.
func Value(value any) any { return redactValue(value, maxDepth) }

func redactValue(value any, depth int) any {
	if depth == 0 {
		return Mask
	}
	switch v := value.(type) {
	case nil, bool, int, int64, uint64, json.Number:
		return value
	case string:
		return Text(v)
	case error:
		return Printed(v)
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
			copied[i] = Text(each)
		}
		return copied
	}
	plain, ok := plainJSON(value)
	if !ok {
		return Printed(value)
	}
	return redactValue(plain, depth-1)
}

func redactMap(m map[string]any, depth int) map[string]any {
	copied := make(map[string]any, len(m))
	named := nameOfPair(m)
	for key, each := range m {
		if Name(key) || key == named {
			copied[Text(key)] = hide(each)
		} else {
			copied[Text(key)] = redactValue(each, depth-1)
		}
	}
	return copied
}

// nameOfPair is "value" for a map such as {"name": "API_KEY", "value": "…"}.
func nameOfPair(m map[string]any) string {
	for _, key := range []string{"name", "Name"} {
		if name, ok := m[key].(string); ok && Name(name) {
			return map[string]string{"name": "value", "Name": "Value"}[key]
		}
	}
	return ""
}

// Named is a structured value as it may be shown under a name: masked if Name knows
// it for a secret's, else as Value has it. What only says that there is a value, or
// none, stays.
func Named(name string, value any) any {
	value = Value(value)
	if Name(name) {
		return hide(value)
	}
	return value
}

// hide masks a value, unless it only says that there is one or none.
func hide(value any) any {
	switch value.(type) {
	case nil, bool:
		return value
	}
	return Mask
}

// plainJSON is a value after a round trip through JSON: nothing that is not in the
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

// Printed is what fmt makes of a value, without its secrets; fmt itself survives
// panics of String and Error, but not of everything.
func Printed(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T that cannot be printed", value)
		}
	}()
	return Text(fmt.Sprintf("%+v", value))
}
