package registry

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// chain are targets, each with what it depends on.
func chain(source prober.Source, dependsOn ...string) []prober.Target {
	var list []prober.Target
	for _, text := range dependsOn {
		app, others, _ := strings.Cut(text, "→")
		t := prober.Target{App: app, URL: "http://x", Source: source}
		if others != "" {
			t.DependsOn = strings.Split(others, ",")
		}
		list = append(list, t)
	}
	return list
}

func names(r *Registry) (apps []string) {
	for _, t := range r.Targets() {
		apps = append(apps, t.App)
	}
	return apps
}

// TestHeldCircle: whoever asks is told of the circle that a new target would close,
// whatever source the others are of.
func TestHeldCircle(t *testing.T) {
	r := open(t, Options{})
	r.Replace(prober.SourceConfig, chain(prober.SourceConfig, "router→modem", "modem"))
	r.Replace("file_sd:a", chain("file_sd:a", "switch→router"))
	put(t, r, chain(prober.SourceAPI, "nas→switch", "tv→nobody")...)
	for text, want := range map[string]string{
		"new→nas": "", "tv→nas": "", "nobody→tv": `makes a circle: "nobody" depends on "tv" depends on "nobody"`,
		"modem→tv": "", "modem→nas": `makes a circle: "modem" depends on "nas" depends on "switch" depends on "router" depends on "modem"`,
		"tv": "",
	} {
		got := ""
		_, err := r.PutIf(chain(prober.SourceAPI, text)[0], func(_ *prober.Target, held Held) error {
			if held.Circle != nil {
				got = held.Circle.Error()
			}
			return fmt.Errorf("only asked")
		})
		if got != want || err == nil {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	empty := open(t, Options{})
	var circles []bool
	for _, text := range []string{"a→b", "b→a"} { // both are new, and the first is the only source
		_, _ = empty.PutIf(chain(prober.SourceAPI, text)[0], func(_ *prober.Target, held Held) error {
			circles = append(circles, held.Circle != nil)
			return nil
		})
	}
	if !slices.Equal(circles, []bool{false, true}) {
		t.Errorf("of two that depend on each other: %v", circles)
	}
}

// TestDiscoveredCircles: of what is discovered, whoever closes a circle is left out, and
// that is logged once.
func TestDiscoveredCircles(t *testing.T) {
	var log strings.Builder
	r := open(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	put(t, r, chain(prober.SourceAPI, "nas→switch")...)
	for range 3 {
		r.Replace("file_sd:a", chain("file_sd:a", "a→b", "b→c", "c→a", "switch→nas", "ok→nas", "self→self"))
	}
	if got := names(r); !slices.Equal(got, []string{"a", "b", "nas", "ok"}) {
		t.Errorf("there are %q", got)
	}
	if n := strings.Count(log.String(), "left out"); n != 3 || !strings.Contains(log.String(), "depends on") {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	r.Replace("file_sd:a", chain("file_sd:a", "c→a", "switch"))
	if got := names(r); !slices.Equal(got, []string{"c", "nas", "switch"}) {
		t.Errorf("without circles there are %q", got)
	}
	r.Replace(prober.SourceConfig, chain(prober.SourceConfig, "switch→nas"))
	if got, _ := r.Target("switch"); got == nil || got.Source != prober.SourceConfig {
		t.Errorf("the operator's own is left out: %+v", got)
	}
}

// TestCirclesOfTheFile: a target of the file may close a circle with what is stored or was
// discovered. All stay, and the operator is told of each circle once.
func TestCirclesOfTheFile(t *testing.T) {
	var log strings.Builder
	r := open(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	put(t, r, chain(prober.SourceAPI, "nas→router", "tv→switch", "alone→nas")...)
	r.Replace("file_sd:a", chain("file_sd:a", "switch→modem"))
	for range 2 {
		r.Replace(prober.SourceConfig, chain(prober.SourceConfig, "router→nas", "modem→tv,nobody", "fine→router", "own"))
	}
	if got := names(r); !slices.Equal(got, []string{"alone", "fine", "modem", "nas", "own", "router", "switch", "tv"}) {
		t.Errorf("there are %q", got)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 2 || !strings.Contains(text, `\"router\" depends on \"nas\" depends on \"router\"`) ||
		!strings.Contains(text, `\"modem\" depends on \"tv\" depends on \"switch\" depends on \"modem\"`) {
		t.Errorf("logged\n%s", text)
	}
	log.Reset()
	r.Replace(prober.SourceConfig, chain(prober.SourceConfig, "router→own", "own→nas", "modem→tv,nobody")) // two of the file in one
	if text := log.String(); strings.Count(text, "level=WARN") != 1 {
		t.Errorf("logged\n%s", text)
	}
	log.Reset()
	r.Replace(prober.SourceConfig, chain(prober.SourceConfig, "router", "modem→tv"))
	r.Replace(prober.SourceConfig, chain(prober.SourceConfig, "router→nas", "modem→tv"))
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "router") {
		t.Errorf("a circle that is closed again: logged\n%s", text)
	}
}
