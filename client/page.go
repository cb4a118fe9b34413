package client

import "encoding/json"

// page is one of a list whose name is known.
type page[T any] struct {
	list  string
	items []T
	next  string
}

// UnmarshalJSON reads the list by its name.
func (p *page[T]) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	if next, ok := raw["next"]; ok {
		if err := json.Unmarshal(next, &p.next); err != nil {
			return err
		}
	}
	if items, ok := raw[p.list]; ok {
		return json.Unmarshal(items, &p.items)
	}
	return nil
}
