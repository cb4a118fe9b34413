package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/client/api"
)

// fields are those of api.Target that a request asks for; nil for all.
type fields []field

// field is one of them.
type field struct {
	name      string // in JSON
	index     []int
	omitEmpty bool
}

// fields reads fields, a list of names with commas between them.
func (p *params) fields() fields {
	raw := p.one("fields")
	if raw == "" {
		return nil
	}
	all := fieldsOf(reflect.TypeFor[api.Target](), nil)
	known := make([]string, len(all))
	for i, each := range all {
		known[i] = each.name
	}
	wanted := strings.Split(raw, ",")
	for _, name := range wanted {
		if slices.Contains(known, name) {
			continue
		}
		p.fault("fields", fmt.Sprintf("there is no field %q", shortened(name))+thereAre(name, known))
	}
	return slices.DeleteFunc(all, func(f field) bool { return !slices.Contains(wanted, f.name) })
}

// fieldsOf are the fields of a struct, and of those embedded in it, in the order in which
// they are encoded.
func fieldsOf(t reflect.Type, within []int) (list []field) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clip(within), i)
		if f.Anonymous {
			list = append(list, fieldsOf(f.Type, index)...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		list = append(list, field{name, index, options == "omitempty"})
	}
	return list
}

// among reports whether there are no others than these.
func (f fields) among(names ...string) bool {
	return f != nil && !slices.ContainsFunc(f, func(each field) bool { return !slices.Contains(names, each.name) })
}

// of is what to encode of a target.
func (f fields) of(t *api.Target) any {
	if f == nil {
		return t
	}
	return someOf{f, t}
}

// someOf are some fields of a target.
type someOf struct {
	fields fields
	target *api.Target
}

// MarshalJSON is the target as it would be without the other fields.
func (s someOf) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	v := reflect.ValueOf(s.target).Elem()
	for _, f := range s.fields {
		value := v.FieldByIndex(f.index)
		if f.omitEmpty && empty(value) {
			continue
		}
		text, err := json.Marshal(value.Interface())
		if err != nil {
			return nil, err
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":%s`, f.name, text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// empty reports whether omitempty leaves a value out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	}
	return v.IsZero()
}
