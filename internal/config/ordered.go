package config

import (
	"fmt"
	"reflect"
	"time"

	"gopkg.in/yaml.v3"
)

// orderedMap is a mapping whose keys are shown in this order. What has no key is inlined.
type orderedMap []entry

type entry struct {
	key   string
	value any
}

// renamed renders the mapping, and shows one of its keys by another name.
func (m orderedMap) renamed(key, name string) *yaml.Node {
	n := m.node(maxRenderDepth / 2)
	for i := 0; n != nil && i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i].Value, n.Content[i].Style = name, 0
		}
	}
	return n
}

// node renders each value under its key.
func (m orderedMap) node(depth int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range m {
		if e.key == "" {
			renderInline(n, reflect.ValueOf(e.value), "", depth)
			continue
		}
		if value := renderKeyed(e.key, e.value); value != nil {
			put(n, e.key, value)
		}
	}
	return unlessEmpty(n)
}

func renderKeyed(key string, value any) *yaml.Node {
	return renderValue(reflect.ValueOf(value), key, maxRenderDepth)
}

// clockText is a time of day as it is written.
func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}
