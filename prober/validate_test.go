package prober

import (
	"strings"
	"testing"
	"time"
)

func TestParseEmail(t *testing.T) { // all else is tested where it is decided
	if got, err := ParseEmail("o'brien@NAS"); err != nil || got != "o'brien@nas" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := ParseEmail(`"o brien"@nas`); err == nil {
		t.Errorf("accepted %q", got)
	}
}

func TestParseStatusRange(t *testing.T) {
	for text, want := range map[string]StatusRange{
		"200": {200, 200}, "2xx": {200, 299}, "5XX": {500, 599}, "200-399": {200, 399}, "999": {999, 999}, " 404 ": {404, 404},
	} {
		if got, err := ParseStatusRange(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "99", "1000", "6xx", "0xx", "22xx", "xx", "200-", "-200", "300-200", "200-1000", "2x", "+200"} {
		if got, err := ParseStatusRange(text); err == nil && text != "+200" {
			t.Errorf("%q was accepted as %v", text, got)
		}
	}
}

func valid() Target {
	return Target{
		App: "a", URL: "http://x.org", Interval: 30 * time.Second, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 10,
	}
}

func kindHealth(module string) (Kind, bool) {
	kind, ok := map[string]Kind{"health": "health", "web": "http", "port": "tcp"}[module]
	return kind, ok
}

func TestValidate(t *testing.T) {
	day := 25 * time.Hour
	for _, test := range []struct {
		name   string
		change func(*Target)
		want   string // the path of the only fault; empty for none
	}{
		{"as it is", func(*Target) {}, ""},
		{"longest name", func(t *Target) { t.App = strings.Repeat("ä", 128) }, ""},
		{"too long a name", func(t *Target) { t.App = strings.Repeat("ä", 129) }, "app"},
		{"no name", func(t *Target) { t.App = "" }, "app"},
		{"slash", func(t *Target) { t.App = "a/b" }, "app"},
		{"dots", func(t *Target) { t.App = ".." }, "app"},
		{"space at the end", func(t *Target) { t.App = "a " }, "app"},
		{"control character", func(t *Target) { t.App = "a\nb" }, "app"},
		{"no UTF-8", func(t *Target) { t.App = "a\xff" }, "app"},
		{"no url", func(t *Target) { t.URL = "" }, "url"},
		{"bare host", func(t *Target) { t.URL = "x.org:8080" }, ""},
		{"bare v6 host", func(t *Target) { t.URL = "[fd00::1]:80/x" }, ""},
		{"other scheme", func(t *Target) { t.URL = "ftp://x.org" }, "url"},
		{"javascript", func(t *Target) { t.URL = "javascript:alert(1)" }, "url"},
		{"no host", func(t *Target) { t.URL = "http:///path" }, "url"},
		{"userinfo", func(t *Target) { t.URL = "http://a:b@x.org" }, "url"},
		{"fragment", func(t *Target) { t.URL = "http://x.org/#a" }, "url"},
		{"port", func(t *Target) { t.URL = "http://x.org:99999" }, "url"},
		{"control character in url", func(t *Target) { t.URL = "http://x.org/\r\nHost: y" }, "url"},
		{"long url", func(t *Target) { t.URL = "http://x.org/" + strings.Repeat("x", 2048) }, "url"},
		{"both", func(t *Target) { t.Address = "x:1" }, "address"},
		{"address for health", func(t *Target) { t.URL, t.Address = "", "x:1" }, "url"},
		{"address for tcp", func(t *Target) { t.URL, t.Address, t.Module = "", "x:1", "port" }, ""},
		{"module", func(t *Target) { t.Module = "nowhere" }, "module"},
		{"interval", func(t *Target) { t.Interval = time.Millisecond }, "interval"},
		{"timeout", func(t *Target) { t.Timeout = 2 * time.Hour }, "timeout"},
		{"delay", func(t *Target) { t.InitialDelay = &day }, "initial_delay"},
		{"degraded after", func(t *Target) { t.DegradedAfter = 2 }, "degraded_after"},
		{"degraded after, more", func(t *Target) { t.Unhealthy, t.DegradedAfter = 3, 2 }, ""},
		{"label name", func(t *Target) { t.Labels = map[string]string{"a-b": "x"} }, "labels.a-b"},
		{"reserved label", func(t *Target) { t.Labels = map[string]string{"instance": "x"} }, "labels.instance"},
		{"label value", func(t *Target) { t.Labels = map[string]string{"a": strings.Repeat("x", 129)} }, "labels.a"},
		{"group", func(t *Target) { t.Group = "a\tb" }, "group"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := valid()
			test.change(&target)
			var paths []string
			for _, fault := range target.Validate(FileLimits(), kindHealth) {
				paths = append(paths, fault.Path)
			}
			if got := strings.Join(paths, " "); got != test.want {
				t.Errorf("faults in %q, want %q", got, test.want)
			}
		})
	}
}

func TestValidateCompletes(t *testing.T) {
	target := valid()
	target.URL, target.Email = "x.org:8080/a", "Me@EXAMPLE.org"
	if faults := target.Validate(FileLimits(), kindHealth); len(faults) > 0 {
		t.Fatal(faults)
	}
	if target.URL != "http://x.org:8080/a" || target.Email != "Me@example.org" {
		t.Errorf("url %q, email %q", target.URL, target.Email)
	}
}

func TestPasswordsAreNotRepeated(t *testing.T) {
	target := valid()
	for _, url := range []string{"http://a:secret@x.org", "ftp://a:secret@x.org", "http://a:secret@x.org:99999", "http://a:secret@%zz"} {
		target.URL = url
		for _, fault := range target.Validate(FileLimits(), kindHealth) {
			if strings.Contains(fault.Detail, "secret") {
				t.Errorf("%s", fault.Detail)
			}
		}
	}
}

func FuzzTargetURL(f *testing.F) {
	f.Add("http://a:b@x.org/#x")
	f.Add("[::1]:80")
	f.Fuzz(func(t *testing.T, url string) {
		target := valid()
		target.URL = url
		if len(target.Validate(RegistrationLimits(), kindHealth)) == 0 && !strings.HasPrefix(strings.ToLower(target.URL), "http") {
			t.Errorf("%q was accepted as %q", url, target.URL)
		}
	})
}
