package collector

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

func TestWriteSamples(t *testing.T) {
	samples := httpSamples()
	before := httpSamples()
	var text strings.Builder
	if err := WriteSamples(&text, samples); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, samples); diff != "" {
		t.Errorf("the samples were changed: %s", diff)
	}
	golden(t, "samples.txt", text.String())
	if got := len(parse(t, text.String())); got != 22 { // 9 families, 13 series
		t.Errorf("%d families and series", got)
	}
}

func TestWriteSamplesEscapes(t *testing.T) {
	var text strings.Builder
	err := WriteSamples(&text, []prober.Sample{
		{Name: "b", Help: "a \"b\" \\ \n c", Labels: []prober.Label{{Name: "x", Value: "\"\\\n\xff"}, {Name: "y", Value: ""}}, Value: 1e9},
		{Name: "a", Value: 0.1},
		{Name: "b", Help: "another", Labels: []prober.Label{{Name: "x", Value: "2"}}},
	})
	want := `# HELP a 
# TYPE a gauge
a 0.1
# HELP b a "b" \\ \n c
# TYPE b gauge
b{x="\"\\\n�",y=""} 1e+09
b{x="2"} 0
`
	if diff := cmp.Diff(want, text.String()); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	parse(t, text.String())
}

func TestWriteSamplesOfNothing(t *testing.T) {
	var text strings.Builder
	if err := WriteSamples(&text, nil); err != nil || text.Len() > 0 {
		t.Errorf("%q, %v", text.String(), err)
	}
}

func TestWriteSamplesReportsErrors(t *testing.T) {
	r, w := io.Pipe()
	r.CloseWithError(io.ErrClosedPipe)
	if err := WriteSamples(w, httpSamples()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

func TestWriteSamplesIsCheap(t *testing.T) {
	samples := httpSamples()
	if n := testing.AllocsPerRun(100, func() { _ = WriteSamples(io.Discard, samples) }); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzWriteSamples(f *testing.F) {
	f.Add("help", "value", 1.0)
	f.Add("a\n# TYPE b gauge", "\"} 1\nc{d=\"", 0.0)
	f.Fuzz(func(t *testing.T, help, value string, v float64) {
		var text strings.Builder
		if err := WriteSamples(&text, []prober.Sample{
			{Name: "probe_a", Help: clean(help), Labels: []prober.Label{{Name: "x", Value: value}}, Value: v},
			{Name: "probe_b", Help: clean(help), Value: v},
		}); err != nil {
			t.Fatal(err)
		}
		if got := len(parse(t, text.String())); got != 4 {
			t.Errorf("%d families and series", got)
		}
	})
}
