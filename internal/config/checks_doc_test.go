package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestChecksDoc holds docs/checks.md against the code: its examples load, and each
// kind with each of its keys is described and has an example.
func TestChecksDoc(t *testing.T) {
	raw, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	examples := ""
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if _, err := parse("docs/checks.md", []byte(block[1])); err != nil {
			t.Errorf("an example:\n%s%s", block[1], err)
		}
		examples += block[1]
	}
	for kind, of := range checkKinds {
		_, section, found := strings.Cut(page, "\n### "+kind+"\n")
		if !found {
			t.Errorf("no section about %s", kind)
			continue
		}
		section, _, _ = strings.Cut(section, "\n##")
		if !strings.Contains(examples, "kind: "+kind) {
			t.Errorf("no example of %s", kind)
		}
		for _, key := range keysOfCheck(reflect.TypeOf(of.fresh()).Elem()) {
			if !strings.Contains(section, "`"+key+"`") {
				t.Errorf("%s: the key %s is not described", kind, key)
			}
			if !strings.Contains(examples, key+": ") {
				t.Errorf("%s: no example has the key %s", kind, key)
			}
		}
	}
	for _, key := range keysOfCheck(reflect.TypeFor[checkSection]()) {
		if !strings.Contains(page, "`"+key+"`") || !strings.Contains(examples, key+": ") {
			t.Errorf("the key %s of all checks is not described, or in no example", key)
		}
	}
}

// TestKeysOfChecksAreTagged: a field without a tag would be a key by its name in lower
// case, such as the root of the file system in which the tests look.
func TestKeysOfChecksAreTagged(t *testing.T) {
	for kind, of := range checkKinds {
		fields := 0
		for _, f := range reflect.VisibleFields(reflect.TypeOf(of.fresh()).Elem()) {
			tag := f.Tag.Get("yaml")
			if fields++; tag == "" {
				t.Errorf("%s: the field %s has no tag", kind, f.Name)
			}
			if f.Type.Kind() == reflect.Struct && tag == ",inline" {
				for _, inner := range reflect.VisibleFields(f.Type) {
					if inner.Tag.Get("yaml") == "" {
						t.Errorf("%s: the field %s has no tag", kind, inner.Name)
					}
				}
			}
		}
		if fields == 0 {
			t.Errorf("%s has no fields", kind)
		}
	}
}

func keysOfCheck(t reflect.Type) (keys []string) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct:
			keys = append(keys, keysOfCheck(f.Type)...)
		case name != "" && name != "-":
			keys = append(keys, name)
		}
	}
	return keys
}
