package alerting_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"gopkg.in/yaml.v3"
)

// strictly decodes JSON into what has a place for every field of it.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// check looks at what the types do not say.
func (p *panel) check() error {
	model := panelModels[p.Type]
	if model == nil {
		return fmt.Errorf("the type %q", p.Type)
	}
	options, custom := model()
	err := strictly(p.Options, options)
	if p.FieldConfig.Defaults.Custom != nil {
		err = errors.Join(err, strictly(p.FieldConfig.Defaults.Custom, custom))
	}
	fromUs := datasource{"prometheus", "${datasource}"}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		table, wantTable := q.Format == "table", p.Type == "table"
		if refs[q.RefID] || q.Expr == "" || q.Instant == q.Range || q.Datasource != fromUs || table != wantTable || (q.Format == "heatmap") != (p.Type == "heatmap") {
			err = errors.Join(err, fmt.Errorf("the query %+v", q))
		}
		refs[q.RefID] = true
	}
	if p.Datasource != fromUs || len(p.Targets) == 0 {
		err = errors.Join(err, errors.New("no data"))
	}
	if p.Type != "table" && p.Type != "state-timeline" && p.Type != "heatmap" && p.FieldConfig.Defaults.Unit == "" {
		err = errors.Join(err, errors.New("no unit"))
	}
	err = errors.Join(err, p.FieldConfig.Defaults.Thresholds.check())
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			value := overrides[property.ID]
			if value == nil {
				err = errors.Join(err, fmt.Errorf("the override %q", property.ID))
				continue
			}
			into := value()
			err = errors.Join(err, strictly(property.Value, into))
			if levels, ok := into.(*thresholds); ok {
				err = errors.Join(err, levels.check())
			}
		}
	}
	return err
}

// check: the first threshold has no value, the others rise.
func (t *thresholds) check() error {
	if t.Mode == "" && t.Steps == nil {
		return nil
	}
	for i, step := range t.Steps {
		if (i == 0) != (step.Value == nil) || i > 1 && *step.Value <= *t.Steps[i-1].Value || step.Color == "" || t.Mode != "absolute" {
			return fmt.Errorf("the thresholds %+v", *t)
		}
	}
	return nil
}

// mappings are those of the panel and of its overrides.
func (p *panel) mappings() []mapping {
	return append(slices.Clone(p.FieldConfig.Defaults.Mappings), overridden[mapping](p, "mappings")...)
}

func (p *panel) links() []dataLink {
	return append(slices.Clone(p.FieldConfig.Defaults.Links), overridden[dataLink](p, "links")...)
}

func overridden[T any](p *panel, property string) (all []T) {
	for _, o := range p.FieldConfig.Overrides {
		for _, each := range o.Properties {
			var list []T
			if each.ID == property && strictly(each.Value, &list) == nil {
				all = append(all, list...)
			}
		}
	}
	return all
}

var labelValues = regexp.MustCompile(`^label_values\(\w+(\{[^{}]*\})?, \w+\)$`)

func (d *dashboard) checkVariables() (err error) {
	names := map[string]bool{}
	for i, v := range d.Templating.List {
		bad := names[v.Name] || v.Label == "" || !slices.Contains([]int{1, 2}, v.Refresh)
		names[v.Name] = true
		switch {
		case i == 0:
			bad = bad || v.Name != "datasource" || v.Type != "datasource" || v.Query != "prometheus"
		default:
			query, _ := v.Query.(map[string]any)
			bad = bad || v.Type != "query" || !labelValues.MatchString(v.Definition) || query["query"] != v.Definition ||
				v.Datasource != datasource{"prometheus", "${datasource}"} || v.Multi != v.IncludeAll || v.Multi != (v.AllValue == ".*")
		}
		if bad {
			err = errors.Join(err, fmt.Errorf("the variable %+v", v))
		}
	}
	for _, a := range d.Annotations.List {
		if a.Name == "" || a.IconColor == "" || a.Step == "" || a.TitleFormat == "" || a.Datasource != (datasource{"prometheus", "${datasource}"}) {
			err = errors.Join(err, fmt.Errorf("the annotation %+v", a))
		}
	}
	return err
}

// readExample reads a file of the example for Grafana, strictly.
func readExample(t *testing.T, name string, into any) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader(exampleFile(t, "../examples/grafana/"+name)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func exampleFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
