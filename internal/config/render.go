package config

import (
	"encoding"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// maxRenderDepth is deeper than any value of the configuration.
const maxRenderDepth = 32

// render turns a decoded value into YAML, field by field, without what is a secret by its
// type, by the key it stands under, or by its form. What is empty is left out.
func render(value any) *yaml.Node { return renderValue(reflect.ValueOf(value), "", maxRenderDepth) }

// renderValue gives nil for what is empty.
func renderValue(v reflect.Value, key string, depth int) *yaml.Node {
	if !v.IsValid() || depth == 0 {
		return nil
	}
	if n, done := renderKnown(v, key); done {
		return n
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return renderValue(v.Elem(), key, depth-1)
	case reflect.Struct:
		m := &yaml.Node{Kind: yaml.MappingNode}
		renderFields(m, v, key, depth-1)
		return unlessEmpty(m)
	case reflect.Map:
		m := &yaml.Node{Kind: yaml.MappingNode}
		renderEntries(m, v, key, depth-1)
		return unlessEmpty(m)
	case reflect.Slice, reflect.Array:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		list.Style = yaml.FlowStyle
		for _, each := range argumentsOf(v, key) {
			n := renderValue(each, key, depth-1)
			if n == nil {
				n = scalar("")
			}
			if n.Kind != yaml.ScalarNode {
				list.Style = 0
			}
			list.Content = append(list.Content, n)
		}
		return unlessEmpty(list)
	case reflect.String:
		if v.Len() == 0 {
			return nil
		}
		return scalar(shownText(key, v.String()))
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		if isSecretKey(key) && v.Kind() != reflect.Bool {
			return scalar(masked)
		}
		return scalar(v.Interface())
	}
	return nil // functions and channels are no configuration
}

// renderKnown shows the types that say themselves how they are written.
func renderKnown(v reflect.Value, key string) (n *yaml.Node, done bool) {
	if v.Kind() == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return nil, true
	}
	switch x := v.Interface().(type) {
	case orderedMap:
		return x.node(maxRenderDepth / 2), true
	case promconfig.Secret:
		if x == "" {
			return nil, true
		}
		return scalar(masked), true
	case capability:
		return scalar(shownCapability(string(x))), true
	case promconfig.URL:
		return urlNode(x.URL), true
	case *promconfig.URL:
		return urlNode(x.URL), true
	case *url.URL:
		return urlNode(x), true
	case promconfig.TLSVersion:
		if x == 0 {
			return nil, true
		}
	case time.Duration:
		return scalar(durationText(x)), true
	case model.Duration:
		return scalar(durationText(time.Duration(x))), true
	case time.Time:
		if x.IsZero() {
			return nil, true
		}
		return scalar(x.Format(time.RFC3339)), true
	case *time.Location:
		return scalar(x.String()), true
	case time.Weekday:
		return scalar(strings.ToLower(x.String())), true
	case promconfig.Header:
		return orderedMap{{key, x.Values}, {"secrets", x.Secrets}, {"files", x.Files}}.renamed(key, "values"), true
	case netip.Prefix, netip.Addr, prober.NetworkRule, health.Severity:
		return scalar(fmt.Sprint(x)), true
	}
	return renderMarshaler(v, key)
}

func renderMarshaler(v reflect.Value, key string) (*yaml.Node, bool) {
	switch x := v.Interface().(type) {
	case yaml.Marshaler:
		if v.IsZero() {
			return nil, true
		}
		plain, err := x.MarshalYAML()
		if err != nil {
			return scalar(masked), true
		}
		if p := reflect.ValueOf(plain); p.IsValid() && p.Type() != v.Type() {
			return renderValue(p, key, maxRenderDepth/2), true
		}
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil || len(text) == 0 {
			return nil, true
		}
		return scalar(shownText(key, string(text))), true
	}
	return nil, false
}

// durationText is a duration as it is written in the file.
func durationText(d time.Duration) string {
	if d < 0 || d%time.Millisecond != 0 {
		return d.String()
	}
	return model.Duration(d).String()
}

// renderFields adds the fields of the struct under a key, those of inlined ones too.
func renderFields(m *yaml.Node, v reflect.Value, key string, depth int) {
	for f, value := range v.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
		case strings.Contains(options, "inline") || f.Anonymous && name == "":
			renderInline(m, value, key, depth)
		case f.IsExported():
			if name == "" {
				name = keyName(f.Name)
			}
			if n := renderValue(value, name, depth); n != nil {
				put(m, name, n)
			}
		}
	}
}

func renderInline(m *yaml.Node, v reflect.Value, key string, depth int) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		renderFields(m, v, key, depth)
	case reflect.Map:
		renderEntries(m, v, key, depth)
	}
}

// renderEntries adds the entries of a map, whose keys people have chosen: each may say
// that its value is a secret, and what is below a secret is one.
func renderEntries(m *yaml.Node, v reflect.Value, key string, depth int) {
	entries := map[string]reflect.Value{}
	for k, value := range v.Seq2() {
		entries[fmt.Sprint(k.Interface())] = value
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		below := name
		switch {
		case key == "modules":
			below = "" // a name such as http_basic_auth says nothing of what is in it
		case isHeaders(key) && !isHarmlessHeader(name):
			below = secretHeader
		case isHeaders(key):
			below = harmlessHeader
		case isSecretKey(key):
			below = key
		}
		n := renderValue(entries[name], below, depth)
		if n == nil {
			n = scalar("")
		}
		put(m, shownText("", name), n)
	}
}

// keyName is the key of a field that has no tag: ExternalURL is external_url.
func keyName(field string) string {
	var b strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, scalar(key), value)
}

// scalar is a value of a basic type.
func scalar(value any) *yaml.Node {
	n := new(yaml.Node)
	if err := n.Encode(value); err != nil {
		n.SetString(masked)
	}
	return n
}

func urlNode(u *url.URL) *yaml.Node {
	if u == nil {
		return nil
	}
	return scalar(shownURL(u.String()))
}

func unlessEmpty(n *yaml.Node) *yaml.Node {
	if len(n.Content) == 0 {
		return nil
	}
	return n
}
