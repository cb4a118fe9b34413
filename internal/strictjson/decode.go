// Package strictjson decodes one JSON object into a struct: unknown and repeated fields
// are faults, and all faults are named by their fields. What is null is as if it was left
// out.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Fault is what is wrong with one field.
type Fault struct{ Field, Detail string }

// Decode fills the struct that into points to; fields that are not given keep what they
// have. names gives the field that another name stands for. The error says why the body
// is not an object at all.
func Decode(body []byte, into any, names map[string]string) ([]Fault, error) {
	if err := CheckText(body); err != nil {
		return nil, fmt.Errorf("the body must be one JSON object: %w", err)
	}
	fields := fieldsOf(reflect.ValueOf(into).Elem())
	var faults []Fault
	seen := map[string]string{}
	err := eachField(body, func(given string, value json.RawMessage) {
		name := given
		if other, ok := names[given]; ok {
			name = other
		}
		field, known := fields[name]
		switch {
		case !known:
			faults = append(faults, Fault{given, "unknown field"})
		case seen[name] != "":
			faults = append(faults, Fault{given, "given twice, first as " + seen[name]})
		case bytes.Equal(value, []byte("null")):
		case json.Unmarshal(asWhole(value, field.Type()), field.Addr().Interface()) != nil:
			field.SetZero()
			faults = append(faults, Fault{name, "must be " + wanted(field.Type())})
		}
		seen[name] = given
	})
	return faults, err
}

// asWhole is a number without the zeros that some languages write behind the point of
// whole ones, if that is what the field wants.
func asWhole(value json.RawMessage, t reflect.Type) json.RawMessage {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	whole, zeros, point := bytes.Cut(value, []byte("."))
	if point && t.Kind() == reflect.Int && len(bytes.Trim(zeros, "0")) == 0 {
		return whole
	}
	return value
}

// fieldsOf finds the fields of a struct by their names in JSON.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
	}
	return fields
}

// wanted says what a field may have. A type can say it itself.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if own, ok := reflect.TypeAssert[interface{ Wanted() string }](reflect.Zero(t)); ok {
		return own.Wanted()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list of texts"
	case reflect.Map:
		return "an object of texts"
	case reflect.Struct: // time.Time is the only one that there is
		return "a time such as 2026-12-24T18:00:00+01:00"
	}
	return "a text"
}

// kindOf names the kind of value that begins with a token.
func kindOf(begin json.Token) string {
	switch begin := begin.(type) {
	case nil:
		return "null"
	case json.Delim:
		return "a list"
	case string:
		return "a text"
	case bool:
		return fmt.Sprint(begin)
	}
	return "a number"
}

// eachField calls f for every field of a JSON object, in order.
func eachField(body []byte, f func(name string, value json.RawMessage)) error {
	bad := func(err error) error {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("it ends in the middle, after %d bytes", len(body))
		}
		return fmt.Errorf("the body must be one JSON object: %w", err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the body is empty, must be one JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	open, err := d.Token()
	if err != nil {
		return bad(err)
	}
	if open != json.Delim('{') {
		return fmt.Errorf("the body must be one JSON object, it is %s", kindOf(open))
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return bad(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return bad(err)
		}
		f(name.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(errors.New("there is data after it"))
	}
	return nil
}
