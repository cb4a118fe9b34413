package strictyaml

import (
	"reflect"
	"slices"
	"strings"
)

// keys are the keys of a struct, those of inlined structs too, with the way to their
// fields.
type keys struct {
	fields    map[string][]int
	inlineMap []int // takes all other keys; nil for none
}

// keysOf finds those of a type once, however many values of it there are.
func (d *Decoder) keysOf(t reflect.Type) *keys {
	if known := d.known[t]; known != nil {
		return known
	}
	k := &keys{fields: map[string][]int{}}
	k.collect(t, nil)
	if d.known == nil {
		d.known = map[reflect.Type]*keys{}
	}
	d.known[t] = k
	return k
}

func (k *keys) collect(t reflect.Type, way []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && !f.Anonymous { // what is embedded has exported fields
			continue
		}
		at := append(slices.Clip(way), i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Map:
			k.inlineMap = at
		case strings.Contains(options, "inline"):
			k.collect(f.Type, at)
		case name == "":
			k.fields[strings.ToLower(f.Name)] = at
		default:
			k.fields[name] = at
		}
	}
}
