package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/health-exporter/health_exporter/prober"
)

// TestEveryDurationIsBounded gives each key that takes a duration one that makes no sense.
// Whoever adds such a key adds it here.
func TestEveryDurationIsBounded(t *testing.T) {
	const target = "app: a, url: 'http://10.0.0.1'"
	const email = "alerting: {email: {smarthost: 'mail:25', from: me@example.org, to: [me@example.org]"
	check := func(kind string) string { return "checks: [{name: a, kind: " + kind + "}]" }
	in := func(text, key string) string { return strings.Replace(text, "}", ", "+key+": %s}", 1) }
	type place struct {
		text string // with the value missing
		zero bool   // 0s means something
		odd  bool   // less is taken, since blackbox_exporter takes it, with a warning
	}
	places := map[string]place{
		"modules.timeout": {text: "modules: {a: {prober: tcp, timeout: %s}}", zero: true, odd: true},
		"icmp.interval":   {text: "modules: {a: {prober: icmp, icmp: {count: 3, interval: %s}}}"},

		"targets.interval":      {text: "targets: [{" + target + ", interval: %s}]"},
		"targets.timeout":       {text: "targets: [{" + target + ", timeout: %s}]"},
		"targets.initial_delay": {text: "targets: [{" + target + ", initial_delay: %s}]", zero: true},

		"discovery.jobs.interval":      {text: "discovery: {jobs: [{name: a, static_configs: [{targets: [b]}], interval: %s}]}"},
		"discovery.jobs.timeout":       {text: "discovery: {jobs: [{name: a, static_configs: [{targets: [b]}], timeout: %s}]}"},
		"discovery.jobs.initial_delay": {text: "discovery: {jobs: [{name: a, static_configs: [{targets: [b]}], initial_delay: %s}]}", zero: true},
		"discovery.jobs.file_sd_configs.refresh_interval": {
			text: "discovery: {jobs: [{name: a, file_sd_configs: [{files: [a.yml], refresh_interval: %s}]}]}",
		},
		"discovery.jobs.http_sd_configs.refresh_interval": {
			text: "discovery: {jobs: [{name: a, http_sd_configs: [{url: 'http://a', refresh_interval: %s}]}]}",
		},
		"discovery.jobs.dns_sd_configs.refresh_interval": {
			text: "discovery: {jobs: [{name: a, dns_sd_configs: [{names: [a], refresh_interval: %s}]}]}",
		},
		"discovery.mdns.interval": {text: "discovery: {mdns: {interval: %s}}"},
		"discovery.mdns.timeout":  {text: "discovery: {mdns: {timeout: %s}}"},

		"checks.interval":      {text: in(check("disk, path: /"), "interval")},
		"checks.timeout":       {text: in(check("disk, path: /"), "timeout")},
		"checks.initial_delay": {text: in(check("disk, path: /"), "initial_delay"), zero: true},
		"checks.success_ttl":   {text: in(check("disk, path: /"), "success_ttl"), zero: true},
		"checks.failed_ttl":    {text: in(check("disk, path: /"), "failed_ttl"), zero: true},

		"certificate.min_left":  {text: in(check("certificate, path: /a.pem"), "min_left"), zero: true},
		"certificate.warn_left": {text: in(check("certificate, path: /a.pem"), "warn_left"), zero: true},
		"clock.max_error":       {text: in(check("clock"), "max_error"), zero: true},
		"file.max_age":          {text: in(check("file, path: /a"), "max_age"), zero: true},
		"file.warn_age":         {text: in(check("file, path: /a, max_age: 1h"), "warn_age"), zero: true},
		"ntp.max_offset":        {text: in(check("ntp, servers: [a]"), "max_offset"), zero: true},
		"redis.max_lag":         {text: in(check("redis, address: 'a:1'"), "max_lag"), zero: true},
		"runtime.max_pause":     {text: in(check("runtime"), "max_pause"), zero: true},
		"heartbeat.every":       {text: in(check("heartbeat"), "every")},
		"celery.wait":           {text: in(check("celery, url_env: A"), "wait"), zero: true},
		"heartbeat.grace":       {text: in(check("heartbeat, every: 1h"), "grace"), zero: true},

		"alerting.heartbeat.interval": {text: "alerting: {heartbeat: {url: 'http://a', interval: %s}}"},
		"alerting.email.wait":         {text: email + ", wait: %s}}", zero: true},
		"alerting.email.interval":     {text: email + ", interval: %s}}", zero: true},
		"alerting.email.reminder":     {text: email + ", reminder: %s}}", zero: true},
	}
	for _, missing := range durationKeys(t) {
		if _, ok := places[missing]; !ok {
			t.Errorf("the key %s takes a duration, and is not tested", missing)
		}
	}
	for path, p := range places {
		key := path[strings.LastIndexByte(path, '.')+1:]
		for _, value := range []string{"-5s", "0s", "-1ms"} {
			c, err := parse("c.yml", fmt.Appendf(nil, p.text, value))
			switch {
			case value == "0s" && p.zero:
				if err != nil {
					t.Errorf("%s: %s: %s", path, value, err)
				}
			case p.odd && err == nil:
				if list := c.Warnings(Known{}); len(list) != 1 || !strings.Contains(list[0].String(), "line 1: ") || !strings.Contains(list[0].String(), value) {
					t.Errorf("%s: %s: %v", path, value, list)
				}
			case err == nil:
				t.Errorf("%s: %s is accepted", path, value)
			case !strings.Contains(err.Error(), "line 1: ") || !strings.Contains(err.Error(), key+": ") || strings.Count(err.Error(), "\n") != 1 ||
				!strings.Contains(err.Error(), strings.TrimSuffix(value, "s")):
				t.Errorf("%s: %s: %s", path, value, err)
			}
		}
		for _, value := range []string{"5", "soon", "1.5.5s", "5 s", "1h-5m", "99999999999h", "1e3s"} {
			_, err := parse("c.yml", fmt.Appendf(nil, p.text, value))
			if err == nil || !strings.Contains(err.Error(), "line 1: ") || !strings.Contains(err.Error(), key+": ") || !strings.Contains(err.Error(), value) {
				t.Errorf("%s: %s: %v", path, value, err)
			}
		}
		if _, err := parse("c.yml", fmt.Appendf(nil, p.text, `"2h"`)); err != nil && !strings.Contains(err.Error(), "must be") {
			t.Errorf("%s: %s", path, err)
		}
	}
}

// durationKeys are those that the types of the file have.
func durationKeys(t *testing.T) (list []string) {
	for _, kind := range prober.Kinds() {
		list = append(list, durationsOf(typeOfKind(t, kind), kind+".", 6)...)
	}
	for kind, of := range checkKinds {
		list = append(list, durationsOf(reflect.TypeOf(of.fresh()).Elem(), kind+".", 6)...)
	}
	list = append(list, durationsOf(reflect.TypeFor[document](), "", 6)...)
	for section, of := range map[string]reflect.Type{
		"modules.": reflect.TypeFor[moduleSection](), "targets.": reflect.TypeFor[prober.Target](), "discovery.jobs.": reflect.TypeFor[jobSection](),
		"checks.": reflect.TypeFor[checkSection](), "alerting.email.": reflect.TypeFor[Email](), "maintenance.": reflect.TypeFor[maintenanceSection](),
		"alerting.alertmanagers.": reflect.TypeFor[Alertmanager](),
	} {
		list = append(list, durationsOf(of, section, 6)...)
	}
	for mechanism, fresh := range map[string]any{"file_sd_configs": newFileSD(), "http_sd_configs": newHTTPSD(), "dns_sd_configs": newDNSSD()} {
		list = append(list, durationsOf(reflect.TypeOf(fresh).Elem(), "discovery.jobs."+mechanism+".", 6)...)
	}
	if len(list) < 30 || !slices.Contains(list, "alerting.heartbeat.interval") || !slices.Contains(list, "file.max_age") {
		t.Fatalf("only these are found: %v", list)
	}
	return list
}

func durationsOf(in reflect.Type, prefix string, depth int) (list []string) {
	if in = element(in); in.Kind() != reflect.Struct || depth == 0 || in.PkgPath() == "gopkg.in/yaml.v3" {
		return nil
	}
	for f := range in.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch {
		case name == "-" || !f.IsExported() && !strings.Contains(options, "inline"):
		case of == reflect.TypeFor[time.Duration]() || of == reflect.TypeFor[model.Duration]():
			list = append(list, prefix+name)
		case strings.Contains(options, "inline"):
			list = append(list, durationsOf(f.Type, prefix, depth-1)...)
		default:
			list = append(list, durationsOf(f.Type, prefix+name+".", depth-1)...)
		}
	}
	return list
}
