package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestAlertingDoc holds docs/alerting.md against the code: its examples load, and
// every key is described.
func TestAlertingDoc(t *testing.T) {
	raw, err := os.ReadFile("../../docs/alerting.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	t.Setenv("MAIL_PASSWORD", "x")
	files := makeFiles(t)
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		text := strings.NewReplacer("/run/secrets/alertmanager", files.dir+"/password", "/etc/ssl/own-ca.pem", files.dir+"/ca.pem").Replace(block[1])
		if _, err := parse("docs/alerting.md", []byte(text)); err != nil {
			t.Errorf("an example:\n%s%s", block[1], err)
		}
	}
	for _, section := range []reflect.Type{
		reflect.TypeFor[alertingSection](), reflect.TypeFor[Email](), reflect.TypeFor[heartbeatSection](), reflect.TypeFor[maintenanceSection](),
	} {
		for _, key := range keysOfCheck(section) {
			if !strings.Contains(page, "`"+key+"`") && !strings.Contains(page, key+": ") && !strings.Contains(page, "."+key+"`") {
				t.Errorf("the key %s is not described", key)
			}
		}
	}
}
