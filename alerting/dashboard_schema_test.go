package alerting_test

import "encoding/json"

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
