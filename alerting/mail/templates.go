package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	text "text/template"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

//go:embed *.tmpl
var templateFiles embed.FS

// The templates of a mail.
const (
	subjectTemplate = "subject.tmpl"
	textTemplate    = "text.tmpl"
	htmlTemplate    = "html.tmpl"
)

// Templates turn notices into mails. They do not change, and may be used by several
// goroutines.
type Templates struct {
	subject, text executor
	html          executor
	shipped       *Templates // stands in; nil for the shipped ones
}

type executor interface {
	Execute(w io.Writer, data any) error
}

// LoadTemplates reads subject.tmpl, text.tmpl (both in the syntax of text/template)
// and html.tmpl (html/template) from the directory. For one that is not there the
// shipped one serves, and for an empty dir all. The templates are given a Content, and
// have the functions time, upper, indent and color. Each is tried out, and all faults
// are told at once.
func LoadTemplates(dir string) (*Templates, error) {
	shipped, err := readTemplates(templateFiles, nil)
	if err != nil || dir == "" {
		return shipped, err
	}
	t, err := readTemplates(os.DirFS(dir), shipped)
	if err != nil {
		return nil, fmt.Errorf("reading mail templates in %s: %w", dir, err)
	}
	return t, nil
}

func readTemplates(files fs.FS, shipped *Templates) (*Templates, error) {
	found, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var faults []error
	known := []string{subjectTemplate, textTemplate, htmlTemplate}
	sources := map[string]string{}
	for _, entry := range found {
		switch name := entry.Name(); {
		case path.Ext(name) != ".tmpl":
		case !slices.Contains(known, name):
			faults = append(faults, fmt.Errorf("%s is not allowed, must be one of %s", name, strings.Join(known, ", ")))
		default:
			content, err := fs.ReadFile(files, name)
			sources[name] = string(content)
			faults = append(faults, err)
		}
	}
	if len(sources) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("found none of %s", strings.Join(known, ", ")))
	}
	t := &Templates{shipped: shipped}
	if shipped != nil {
		t.subject, t.text, t.html = shipped.subject, shipped.text, shipped.html
	}
	faults = append(faults, t.parse(sources))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return t, nil
}

// parse replaces templates by those of the sources, and tries them out.
func (t *Templates) parse(sources map[string]string) error {
	var faults []error
	for name, source := range sources {
		executor, err := parseOne(name, source)
		if err == nil {
			err = tryOut(executor)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
		switch name {
		case subjectTemplate:
			t.subject = executor
		case textTemplate:
			t.text = executor
		case htmlTemplate:
			t.html = executor
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

func parseOne(name, source string) (executor, error) {
	functions := map[string]any{"time": stamp, "upper": strings.ToUpper, "indent": indent, "color": color}
	if name == htmlTemplate {
		return html.New(name).Funcs(functions).Option("missingkey=error").Parse(source)
	}
	return text.New(name).Funcs(functions).Option("missingkey=error").Parse(source)
}

// stamp is a time as people read it.
func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }

// color goes with the state; dark enough for white letters on it.
func color(e Entry) string {
	switch {
	case e.Good:
		return "#1a7f37"
	case e.What == string(alerting.Departed):
		return "#9a6700"
	case e.What == string(alerting.Flapping), e.What == string(alerting.Unregistered):
		return "#57606a"
	case e.State == health.Unhealthy.String():
		return "#b3261e"
	case e.State == health.Degraded.String():
		return "#9a6700"
	}
	return "#57606a"
}

// tryOut executes the template with what may come, so that a mistake is found now
// and not when something is down.
func tryOut(t executor) error {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sample := func(what alerting.What, to health.Verdict) alerting.Notice {
		return alerting.Notice{
			ID: 1, What: what, Time: since.Add(time.Hour), From: health.Degraded, To: to, Reason: "connection refused",
			BadSince: since, Held: 2,
			Subject: alerting.Subject{
				Kind: alerting.Target, Name: "nas", Place: "http://nas.example:8080/", Group: "attic", State: to, Since: since,
				LastHealthy: since, Error: "connection refused", Response: []byte("an answer\nof two lines"), Link: "http://monitor.example/",
			},
		}
	}
	samples := [][]alerting.Notice{{{What: alerting.Changed, To: health.Unhealthy, Subject: alerting.Subject{Kind: alerting.Check, Name: "disk"}}}}
	var all []alerting.Notice
	for _, what := range []alerting.What{alerting.Changed, alerting.Flapping, alerting.Calm, alerting.Unregistered, alerting.Departed, alerting.Reminder, alerting.Test} {
		for _, to := range health.Verdicts() {
			n := sample(what, to)
			samples = append(samples, []alerting.Notice{n})
			n.ID, n.Subject.Name = uint64(len(all)), "nas "+strconv.Itoa(len(all))
			all = append(all, n, n)
		}
	}
	for _, notices := range append(samples, all) {
		var out bytes.Buffer
		if err := t.Execute(&out, newContent(notices, since.Add(2*time.Hour))); err != nil {
			return err
		}
		if strings.TrimSpace(out.String()) == "" {
			return errors.New("it gives nothing")
		}
	}
	return nil
}
