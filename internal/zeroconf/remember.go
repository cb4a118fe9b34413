package zeroconf

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// remembered is an Entry as it is kept from one run of the program to the next.
type remembered struct {
	Instance  string         `json:"instance"`
	Type      string         `json:"type"`
	Port      int            `json:"port"`
	Text      []string       `json:"text,omitempty"`
	Addresses []netip.Addr   `json:"addresses"`
	Interface string         `json:"interface"`
	Prefixes  []netip.Prefix `json:"prefixes"`
}

// Remember writes down what was found, for Recall.
func Remember(list []Entry) ([]byte, error) {
	kept := make([]remembered, len(list))
	for i, e := range list {
		kept[i] = remembered{e.Instance, e.Type, e.Port, e.Text, e.Addresses, e.Interface.Name, e.Interface.Prefixes}
	}
	text, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding what was found: %w", err)
	}
	return append(text, '\n'), nil
}

// Recall reads what Remember wrote.
func Recall(text []byte) ([]Entry, error) {
	var kept []remembered
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("decoding what was found: %w", err)
	}
	list := make([]Entry, len(kept))
	for i, k := range kept {
		list[i] = Entry{Instance: k.Instance, Type: k.Type, Port: k.Port, Text: k.Text, Addresses: k.Addresses}
		list[i].Interface.Name, list[i].Interface.Prefixes = k.Interface, k.Prefixes
	}
	return list, nil
}
