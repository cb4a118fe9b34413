package strictyaml

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
)

// Decoder fills Go values from YAML nodes as yaml.v3 does, but strictly, and
// with every fault named by line and key path: yaml.v3 itself stops at the first
// fault of a custom type and cannot refuse unknown keys below a node.
type Decoder struct {
	// Faults is where faults are added. Required.
	Faults *Faults

	visits  int                 // bounds what nested aliases can blow up to
	merging map[*yaml.Node]bool // what is being merged, which may not lead to itself
	known   map[reflect.Type]*keys
}

const maxVisits = 20_000_000

// unmarshaler is the older of yaml's two interfaces, which needs no YAML library.
type unmarshaler interface {
	UnmarshalYAML(unmarshal func(any) error) error
}

// ErrReported stands for faults that are listed already.
var ErrReported = errors.New("faults reported")

// Decode fills the value that into points to, and reports whether it could.
func (d *Decoder) Decode(n *yaml.Node, path string, into any) bool {
	before := len(d.Faults.List)
	d.value(n, path, reflect.ValueOf(into).Elem(), true)
	return len(d.Faults.List) == before
}

func (d *Decoder) value(n *yaml.Node, path string, v reflect.Value, custom bool) {
	if d.visits++; d.visits > maxVisits {
		if d.visits == maxVisits+1 {
			d.Faults.Add(n.Line, path, "the file expands to too much; does an alias contain itself?")
		}
		return
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!null" && v.Kind() != reflect.Interface {
		return // keeps the default
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, path, v.Elem(), true)
		return
	}
	if custom && d.custom(n, path, v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, path, v)
	case reflect.Map:
		d.mapping(n, path, v)
	case reflect.Slice:
		d.sequence(n, path, v)
	case reflect.Interface:
		d.scalar(n, path, v)
	default:
		if n.Kind != yaml.ScalarNode {
			d.Faults.Add(n.Line, path, "must be %s, not %s", wanted(v), Found(n))
			return
		}
		d.scalar(n, path, v)
	}
}

// custom lets types that know how to decode themselves do it.
func (d *Decoder) custom(n *yaml.Node, path string, v reflect.Value) bool {
	if !v.CanAddr() {
		return false
	}
	switch u := v.Addr().Interface().(type) {
	case *yaml.Node:
		*u = *n
	case *model.Duration:
		d.text(n, path, (*duration)(u))
	case unmarshaler:
		err := u.UnmarshalYAML(func(into any) error {
			before := len(d.Faults.List)
			d.value(n, path, reflect.ValueOf(into).Elem(), false)
			if len(d.Faults.List) > before {
				return ErrReported
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrReported) {
			d.Faults.Add(n.Line, path, "%s", err)
		}
	case *time.Duration:
		d.text(n, path, (*duration)(u))
	case encoding.TextUnmarshaler:
		d.text(n, path, u)
	default:
		return false
	}
	return true
}

func (d *Decoder) text(n *yaml.Node, path string, into encoding.TextUnmarshaler) {
	if n.Kind != yaml.ScalarNode {
		d.Faults.Add(n.Line, path, "must be a single value, not %s", Found(n))
		return
	}
	text := n.Value
	if n.ShortTag() == "!!binary" { // is written in base64
		if err := n.Decode(&text); err != nil {
			d.Faults.Add(n.Line, path, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
			return
		}
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		d.Faults.Add(n.Line, path, "%s", err)
	}
}

func (d *Decoder) structure(n *yaml.Node, path string, v reflect.Value) {
	keys := d.keysOf(v.Type())
	d.pairs(n, path, func(key, value *yaml.Node, path string) {
		switch field, ok := keys.fields[key.Value]; {
		case ok:
			d.value(value, path, v.FieldByIndex(field), true)
		case keys.inlineMap != nil:
			d.entry(key, value, path, v.FieldByIndex(keys.inlineMap))
		default:
			d.Faults.Add(key.Line, path, "unknown key%s", names.DidYouMean(key.Value, slices.Collect(maps.Keys(keys.fields))))
		}
	})
}

func (d *Decoder) mapping(n *yaml.Node, path string, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	d.pairs(n, path, func(key, value *yaml.Node, path string) { d.entry(key, value, path, v) })
}

func (d *Decoder) entry(key, value *yaml.Node, path string, m reflect.Value) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	k := reflect.New(m.Type().Key()).Elem()
	d.scalar(key, path, k)
	e := reflect.New(m.Type().Elem()).Elem()
	d.value(value, path, e, true)
	m.SetMapIndex(k, e)
}

// pairs calls f for each key of a mapping, those merged with << included.
func (d *Decoder) pairs(n *yaml.Node, path string, f func(key, value *yaml.Node, path string)) {
	if n.Kind != yaml.MappingNode {
		d.Faults.Add(n.Line, path, "must be a mapping of keys to values, not %s", Found(n))
		return
	}
	seen := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if line, dup := seen[key.Value]; dup {
			d.Faults.Add(key.Line, Join(path, key.Value), "key given twice, first on line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		f(key, value, Join(path, key.Value))
	}
	for _, m := range merged {
		d.merge(m, path, seen, f)
	}
}

func (d *Decoder) merge(n *yaml.Node, path string, seen map[string]int, f func(key, value *yaml.Node, path string)) {
	if d.visits++; d.visits > maxVisits {
		return
	}
	if n.Kind == yaml.AliasNode {
		d.merge(n.Alias, path, seen, f)
		return
	}
	if d.merging[n] {
		d.Faults.Add(n.Line, path, "is merged into itself")
		return
	}
	if d.merging == nil {
		d.merging = map[*yaml.Node]bool{}
	}
	d.merging[n] = true
	defer delete(d.merging, n)
	switch n.Kind {
	case yaml.SequenceNode:
		for _, each := range n.Content {
			d.merge(each, path, seen, f)
		}
	default:
		d.pairs(n, path, func(key, value *yaml.Node, path string) {
			if _, given := seen[key.Value]; !given {
				seen[key.Value] = key.Line
				f(key, value, path)
			}
		})
	}
}

func (d *Decoder) sequence(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.Faults.Add(n.Line, path, "must be a list, not %s", Found(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, each := range n.Content {
		d.value(each, fmt.Sprintf("%s[%d]", path, i), list.Index(i), true)
	}
	v.Set(list)
}

var typeFault = regexp.MustCompile(`cannot unmarshal !!\w+ ` + "`(.*)` into")

func (d *Decoder) scalar(n *yaml.Node, path string, v reflect.Value) {
	if cut := 0.0; (v.CanInt() || v.CanUint()) && n.ShortTag() == "!!float" && n.Decode(&cut) == nil && cut != math.Trunc(cut) {
		d.Faults.Add(n.Line, path, "must be %s, not %s", wanted(v), Found(n)) // yaml.v3 takes 1.5 for 1
		return
	}
	err := n.Decode(v.Addr().Interface())
	if err == nil {
		return
	}
	if typeFault.MatchString(err.Error()) {
		d.Faults.Add(n.Line, path, "must be %s, not %s", wanted(v), Found(n))
		return
	}
	d.Faults.Add(n.Line, path, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
}

func wanted(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<(v.Type().Bits()-1)-1+uint64(1)<<(v.Type().Bits()-1))
	default:
		return "a whole number"
	}
}

// Found describes what stands in place of what is allowed.
func Found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}

// Join is the path of a key below the one of path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
