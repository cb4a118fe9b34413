package health

import (
	"encoding/json"
	"fmt"
)

// jsonable is the value if it can be encoded as JSON, else its text.
func jsonable(value any) any {
	switch value.(type) {
	case nil, string, bool, int:
		return value
	}
	if _, err := json.Marshal(value); err != nil {
		return fmt.Sprint(value)
	}
	return value
}

// redacted applies a function to every text within a value that can be JSON.
func redacted(value any, clean func(string) string) any {
	switch v := value.(type) {
	case nil, bool, float64, int:
		return value
	case string:
		return clean(v)
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, each := range v {
			copied[clean(key)] = redacted(each, clean)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, each := range v {
			copied[i] = redacted(each, clean)
		}
		return copied
	}
	// What it is cannot be known, so what it is as JSON is looked through.
	text, err := json.Marshal(value)
	if err != nil {
		return clean(fmt.Sprint(value))
	}
	var plain any
	if json.Unmarshal(text, &plain) != nil {
		return clean(fmt.Sprint(value))
	}
	return redacted(plain, clean)
}
