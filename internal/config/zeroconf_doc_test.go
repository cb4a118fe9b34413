package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestZeroconfDoc holds docs/zeroconf.md against the code: its examples load, and every
// key is described.
func TestZeroconfDoc(t *testing.T) {
	raw, err := os.ReadFile("../../docs/zeroconf.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 2 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, block := range blocks {
		if c, err := parse("docs/zeroconf.md", []byte(block[1])); err != nil || c.Discovery.MDNS == nil {
			t.Errorf("an example:\n%s%v", block[1], err)
		}
	}
	for _, key := range keysOfCheck(reflect.TypeFor[mdnsSection]()) {
		if !strings.Contains(page, "`"+key+"`") {
			t.Errorf("the key %s is not described", key)
		}
	}
}
