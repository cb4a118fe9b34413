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
	for kind, make := range checkKinds {
		_, section, found := strings.Cut(page, "\n### "+kind+"\n")
		if !found {
			t.Errorf("no section about %s", kind)
			continue
		}
		section, _, _ = strings.Cut(section, "\n##")
		if !strings.Contains(examples, "kind: "+kind) {
			t.Errorf("no example of %s", kind)
		}
		for _, key := range keysOfCheck(reflect.TypeOf(make()).Elem()) {
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

func keysOfCheck(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct:
			keys = append(keys, keysOfCheck(f.Type)...)
		case name != "":
			keys = append(keys, name)
		}
	}
	return keys
}
