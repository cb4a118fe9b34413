package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

// targetKeys are all keys that a target in the file can have, none as it is by default. Whoever
// adds a field to prober.Target adds it here, or to notWritten.
var targetKeys = map[string]string{
	"app": "nas", "url": "http://10.0.0.9", "address": "10.0.0.9:80", "module": "http_2xx", "email": "me@example.org", "group": "home",
	"labels": "{room: attic}", "depends_on": "[router]", "interval": "7s", "timeout": "3s", "initial_delay": "0s", "unhealthy": "4", "healthy": "5",
	"degraded_after": "3", "fast_start": "true", "valid_status_codes": "[200, 4xx]", "paused": "true",
}

// notWritten are the fields of a target that the file cannot give.
var notWritten = map[string]string{
	"TTL":          "what stands in the file is there until it is taken out",
	"Source":       "it is the file",
	"Owner":        "it is whoever may change the file",
	"From":         "it is this host",
	"RegisteredAt": "it is when the file was first read",
	"MailAllowed":  "it is always",
}

// TestEveryFieldOfATarget can be given for one in the file, and for all of a job, but for
// those that tell one from another.
func TestEveryFieldOfATarget(t *testing.T) {
	fields := map[string]string{} // by key
	for _, f := range reflect.VisibleFields(reflect.TypeFor[prober.Target]()) {
		key := f.Tag.Get("yaml")
		if _, excused := notWritten[f.Name]; excused != (key == "-") {
			t.Errorf("the field %s has the key %q, an exception %v", f.Name, key, excused)
		}
		if key == "-" {
			continue
		}
		fields[key] = f.Name
		if targetKeys[key] == "" {
			t.Errorf("the test gives no value for the key %s", key)
		}
	}
	for key, name := range fields {
		place := "url: http://10.0.0.9, "
		if key == "url" || key == "address" {
			place = ""
		}
		if key == "address" || key == "app" {
			place += "module: http_2xx, "
		}
		text := fmt.Sprintf("app: nas, %s%s: %s", place, key, targetKeys[key])
		switch key {
		case "app":
			text = place + "app: nas"
		case "degraded_after":
			text += ", unhealthy: 4"
		}
		c, err := parse("f.yml", []byte("targets: [{"+text+"}]"))
		if err != nil {
			t.Errorf("a target with %s: %s", text, err)
			continue
		}
		isSet(t, "a target with "+text, c.Targets[0], name)

		job := strings.Replace(strings.Replace(text, "app: nas", "name: j, static_configs: [{targets: [x]}]", 1), "url: http://10.0.0.9, ", "", 1)
		if slices.Contains(notOfJobs, key) {
			job = fmt.Sprintf("name: j, static_configs: [{targets: [x]}], %s: %s", key, targetKeys[key])
		}
		c, err = parse("f.yml", []byte("discovery: {jobs: [{"+job+"}]}"))
		if slices.Contains(notOfJobs, key) {
			if err == nil || !strings.Contains(err.Error(), "discovery.jobs[0]."+key+": unknown key") {
				t.Errorf("a job with %s: %v", job, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("a job with %s: %s", job, err)
			continue
		}
		isSet(t, "a job with "+job, c.Discovery.Jobs[0].Defaults, name)
	}
}

// isSet reports whether a field is other than in a target that says nothing.
func isSet(t *testing.T, what string, target prober.Target, field string) {
	t.Helper()
	bare := prober.NewTarget()
	if cmp.Equal(reflect.ValueOf(target).FieldByName(field).Interface(), reflect.ValueOf(bare).FieldByName(field).Interface()) {
		t.Errorf("%s has %s as it is by default", what, field)
	}
}

// TestMergedKeysOfJobs are no way around.
func TestMergedKeysOfJobs(t *testing.T) {
	_, err := parse("f.yml", []byte("discovery:\n  jobs:\n    - {<<: {app: x}, name: j, static_configs: [{targets: [x]}]}\n"))
	if err == nil || !strings.Contains(err.Error(), "discovery.jobs[0].app: unknown key") {
		t.Error(err)
	}
}

// TestCirclesInTheFile: a circle is a fault of the target that closes it.
func TestCirclesInTheFile(t *testing.T) {
	const rest = `, url: "http://x"}`
	for text, want := range map[string]string{
		"- {app: a, depends_on: [b]" + rest + "\n- {app: b, depends_on: [a]" + rest:                                            `line 3: targets[1].depends_on: makes a circle: "b" depends on "a" depends on "b"`,
		"- {app: a, depends_on: [b]" + rest + "\n- {app: b, depends_on: [x, c]" + rest + "\n- {app: c, depends_on: [a]" + rest: `targets[2].depends_on: makes a circle: "c" depends on "a" depends on "b" depends on "c"`,
		"- {app: a, depends_on: [a]" + rest: `targets[0].depends_on[0]: "a" is the target itself`,
	} {
		_, err := parse("c.yml", []byte("targets:\n"+text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "line ") != 1 {
			t.Errorf("%s\n%v\nwant %s", text, err, want)
		}
	}
	parsed(t, "targets:\n- {app: a, depends_on: [b, c]"+rest+"\n- {app: b, depends_on: [c]"+rest+"\n- {app: c"+rest)
}
