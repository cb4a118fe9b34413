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

// What follows is the part of Grafana's model of a dashboard that ours use. It is
// decoded strictly: a field that is not here is a mistake, or to be added.

type dashboard struct {
	ID                           *int `json:"id"`
	UID, Title, Description      string
	Tags                         []string
	SchemaVersion, Version       int
	Editable, LiveNow            bool
	GraphTooltip                 int
	Refresh, Timezone, WeekStart string
	Time                         struct{ From, To string }
	FiscalYearStartMonth         int
	Timepicker                   struct{}
	Links                        []struct {
		Type, Title, Icon, Tooltip, URL                string
		Tags                                           []string
		AsDropdown, IncludeVars, KeepTime, TargetBlank bool
	}
	Templating  struct{ List []templateVariable }
	Annotations struct{ List []annotation }
	Panels      []panel
}

type datasource struct{ Type, UID string }

type templateVariable struct {
	Name, Label, Description, Type, Definition, Regex, AllValue string
	Datasource                                                  datasource
	Query                                                       any
	Refresh, Sort, Hide                                         int
	SkipURLSync, Multi, IncludeAll                              bool
	Options                                                     []struct{}
	Current                                                     struct {
		Selected    bool
		Text, Value any
	}
}

type annotation struct {
	Name, IconColor, Expr, Step, TitleFormat, TextFormat, TagKeys string
	Datasource                                                    datasource
	Enable, Hide, UseValueForTime                                 bool
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Collapsed                bool
	Panels                   []struct{}
	Datasource               datasource
	Targets                  []struct {
		RefID, Expr, Format, LegendFormat string
		Datasource                        datasource
		Instant, Range                    bool
	}
	FieldConfig struct {
		Defaults  fieldDefaults
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	Options         json.RawMessage
	Transformations []struct {
		ID      string
		Options struct {
			ExcludeByName map[string]bool
			IndexByName   map[string]int
			RenameByName  map[string]string
		}
	}
}

type fieldDefaults struct {
	Unit       string
	Min, Max   *float64
	Decimals   *int
	Color      colour
	Thresholds thresholds
	Mappings   []mapping
	Links      []dataLink
	Custom     json.RawMessage
}

type colour struct{ Mode, FixedColor string }

type dataLink struct {
	Title, URL  string
	TargetBlank bool
}

type thresholds struct {
	Mode  string
	Steps []struct {
		Color string
		Value *float64
	}
}

type mapping struct {
	Type    string
	Options json.RawMessage
}

type mapped struct {
	Text, Color string
	Index       int
}

// values are what a mapping of values makes of them.
func (m *mapping) values() map[string]mapped {
	var all map[string]mapped
	if m.Type != "value" || strictly(m.Options, &all) != nil {
		return nil
	}
	return all
}

type tooltip struct {
	Mode, Sort                 string
	ShowColorScale, YHistogram bool
}

type legend struct {
	DisplayMode, Placement string
	ShowLegend, Show       bool
	Calcs                  []string
}

type reduce struct {
	Calcs  []string
	Fields string
	Values bool
}

// panelModels are the options and the custom part of the fields by type of panel.
var panelModels = map[string]func() (options, custom any){
	"stat": func() (any, any) {
		return new(struct {
			ReduceOptions                                            reduce
			ColorMode, GraphMode, JustifyMode, Orientation, TextMode string
			ShowPercentChange, WideLayout                            bool
		}), new(struct{})
	},
	"bargauge": func() (any, any) {
		return new(struct {
			ReduceOptions                                              reduce
			DisplayMode, Orientation, ValueMode, NamePlacement, Sizing string
			ShowUnfilled                                               bool
			MinVizHeight, MinVizWidth, MaxVizHeight                    int
		}), new(struct{})
	},
	"timeseries": func() (any, any) {
		return new(struct {
				Legend  legend
				Tooltip tooltip
			}), new(struct {
				DrawStyle, ShowPoints, AxisPlacement string
				LineWidth, FillOpacity               int
				Stacking                             struct{ Mode, Group string }
				SpanNulls                            bool
				ThresholdsStyle                      struct{ Mode string }
				ScaleDistribution                    struct {
					Type string
					Log  int
				}
			})
	},
	"state-timeline": func() (any, any) {
		return new(struct {
			MergeValues           bool
			ShowValue, AlignValue string
			RowHeight             float64
			PerPage               int
			Legend                legend
			Tooltip               tooltip
		}), new(struct{ LineWidth, FillOpacity int })
	},
	"heatmap": func() (any, any) {
		return new(struct {
			Calculate  bool
			CellGap    int
			CellValues struct {
				Unit     string
				Decimals int
			}
			Color struct {
				Mode, Scheme, Fill, Scale string
				Exponent                  float64
				Steps                     int
				Reverse                   bool
			}
			Exemplars    struct{ Color string }
			FilterValues struct{ Le float64 }
			Legend       legend
			RowsFrame    struct{ Layout string }
			ShowValue    string
			Tooltip      tooltip
			YAxis        struct {
				AxisPlacement, Unit string
				Reverse             bool
			}
		}), new(struct{ ScaleDistribution struct{ Type string } })
	},
	"table": func() (any, any) {
		return new(struct {
				FrameIndex int
				ShowHeader bool
				CellHeight string
				Footer     struct {
					Show, CountRows bool
					Reducer         []string
				}
				SortBy []struct {
					DisplayName string
					Desc        bool
				}
			}), new(struct {
				Align       string
				CellOptions struct{ Type, Mode string }
				Filterable  bool
			})
	},
}

// overrides are what the properties of an override may be.
var overrides = map[string]func() any{
	"unit": func() any { return new(string) }, "decimals": func() any { return new(int) },
	"color": func() any { return new(colour) }, "thresholds": func() any { return new(thresholds) },
	"mappings": func() any { return new([]mapping) }, "links": func() any { return new([]dataLink) },
	"custom.width": func() any { return new(int) }, "custom.hidden": func() any { return new(bool) },
	"custom.cellOptions": func() any { return new(struct{ Type, Mode string }) },
}

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
