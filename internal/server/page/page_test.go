package page

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
)

var update = flag.Bool("update", false, "write the golden files")

// noon is when all pages of the tests were generated.
var noon = time.Date(2026, 3, 4, 12, 10, 0, 0, time.FixedZone("CET", 3600))

func frame() Frame {
	return Frame{
		Title: "health_exporter", Generated: noon, Started: noon.Add(-50 * time.Hour), Version: "1.2.3", Worst: health.Healthy,
	}
}

func window() Window {
	return Window{From: noon.Truncate(30 * time.Minute).Add(-47 * 30 * time.Minute), Width: 30 * time.Minute, N: 48}
}

func day(change func(i int, c *Cell)) []Cell {
	cells := make([]Cell, 48)
	for i := range cells {
		cells[i].State = health.Healthy
		if change != nil {
			change(i, &cells[i])
		}
	}
	return cells
}

// five are rows of all looks.
func five() []Row {
	return []Row{
		{
			Kind: "target", Name: "shop", Group: "web", Link: "targets/shop", State: health.Unhealthy, Since: noon.Add(-12 * time.Minute),
			LastHealthy: noon.Add(-13 * time.Minute), Reason: "status 503, wanted 2xx", Place: "http://10.0.0.7:8080", Mailed: "me@example.org",
			Latency: 12340 * time.Microsecond, Latencies: []time.Duration{1e6, 2e6, 3e6, 12e6},
			Day: Uptime{Share: 0.99166, Known: true}, Month: Uptime{Share: 0.99999, Known: true, Unknown: time.Hour},
			Strip: day(func(i int, c *Cell) {
				if i == 47 {
					*c = Cell{State: health.Unhealthy, Down: 12 * time.Minute}
				}
			}),
		},
		{
			Kind: "target", Name: "blog", Group: "web", Link: "targets/blog", State: health.Degraded, Since: noon.Add(-3 * time.Hour),
			Reason: "timeout", Day: Uptime{Share: 1, Known: true}, Month: Uptime{Share: 1, Known: true},
			Strip: day(func(i int, c *Cell) {
				if i > 41 {
					*c = Cell{State: health.Degraded, Degraded: 30 * time.Minute}
				}
			}),
		},
		{Kind: "target", Name: "new", Link: "targets/new", Since: noon.Add(-time.Minute), Reason: "not probed yet", Strip: day(func(_ int, c *Cell) { c.NoData = true })},
		{
			Kind: "target", Name: "printer", Link: "targets/printer", State: health.Healthy, Paused: true, Since: noon.Add(-24 * time.Hour),
			Strip: day(func(i int, c *Cell) { c.Paused = i > 10 }),
		},
		{
			Kind: "check", Name: "disk", Group: "Checks", Link: "checks/disk", State: health.Healthy, Maintenance: true, Since: noon.Add(-400 * 24 * time.Hour),
			Latency: 800 * time.Microsecond, Day: Uptime{Share: 1, Known: true}, Month: Uptime{Share: 1, Known: true},
			Strip: day(func(i int, c *Cell) { c.Maintenance = i > 44 }),
		},
	}
}

func overview() *Overview {
	o := &Overview{Frame: frame(), Filter: Filter{Page: 1}, Pages: 1, Window: window(), AllGroups: []string{"Checks", "web"}}
	rows := five()
	for i := range rows {
		o.Counts.Add(&rows[i])
		if rows[i].Troubled() {
			o.Troubled = append(o.Troubled, rows[i])
		}
	}
	o.Matching = len(rows)
	o.Unhealthy, o.Worst, o.Since = o.Counts.Unhealthy, o.Counts.Worst(), rows[0].Since
	o.Windows = []string{"Backups"}
	for _, g := range []Group{{Name: "Checks", Rows: rows[4:]}, {Name: "Targets", Rows: rows[2:4]}, {Name: "web", Rows: rows[:2]}} {
		for i := range g.Rows {
			g.Counts.Add(&g.Rows[i])
		}
		o.Groups = append(o.Groups, g)
	}
	o.Changes = []Change{
		{Time: rows[0].Since, Kind: "target", Name: "shop", Link: "targets/shop", From: health.Degraded, To: health.Unhealthy, Reason: "status 503", Lasted: 12 * time.Minute, Current: true},
		{Time: noon.Add(-13 * time.Minute), Kind: "target", Name: "shop", Link: "targets/shop", From: health.Healthy, To: health.Degraded, Reason: "status 503", Lasted: time.Minute},
	}
	o.Late = &Late{Name: "blog", By: 90 * time.Second, Others: 1}
	o.Troubles = []string{"The exporter itself is not all right (storage): registrations and states cannot be stored"}
	o.Gone = []Gone{{Name: "toaster", At: noon.Add(-time.Hour), Why: "its registration was not renewed since 2026-03-04 10:00:00 UTC"}}
	o.Probes = []AdHoc{{ID: 3, Time: noon.Add(-time.Hour), Module: "http_2xx", Target: "http://10.0.0.7", OK: true, Took: 3 * time.Millisecond}}
	return o
}

func subject() *Subject {
	s := &Subject{
		Frame: frame(), Row: five()[0], Module: "health", Interval: 30 * time.Second, Timeout: 5 * time.Second,
		Counters:  []Counter{{"failures", 2, 2, health.Unhealthy}, {"failures", 1, 1, health.Degraded}, {"passes", 0, 10, health.Healthy}},
		LastProbe: noon.Add(-20 * time.Second), NextProbe: noon.Add(10 * time.Second), Lateness: 5 * time.Millisecond, StatusCode: 503,
		CertExpiry: noon.Add(20 * 24 * time.Hour), Source: "api", Owner: "token:shop", Registered: noon.Add(-48 * time.Hour), LeaseEnds: noon.Add(time.Minute),
		Labels: map[string]string{"room": "attic"}, DependsOn: []string{"router"}, HalfHourWindow: window(), DayWindow: window(),
		Results: []Result{
			{Time: noon.Add(-20 * time.Second), Outcome: health.Fail, Latency: 3e6, StatusCode: 503, Error: "status 503", Response: "{}", Steps: "    0.10 ms  connecting\n"},
			{Time: noon.Add(-50 * time.Second), Outcome: health.Pass, Latency: 2e6, StatusCode: 200},
		},
		Changes: overview().Changes, Snippets: []string{`health_target_up{target="shop"}`}, Badges: []string{"../targets/shop/state.svg"},
		May: May{Probe: true, Pause: true, Remove: true}, AdHoc: "../probe?debug=true&module=http_2xx", Notice: "Probed.",
	}
	s.Root, s.Base, s.Unhealthy, s.Worst = "../", "../", 1, health.Unhealthy
	s.HalfHours, s.Days = s.Strip, s.Strip
	for _, name := range []string{"24 h", "30 d"} {
		s.Spans = append(s.Spans, Span{name, s.Day, []Part{{Word: "healthy", Took: 23 * time.Hour}, {Word: "unhealthy", Took: 12 * time.Minute}, {Word: "unknown"}}})
	}
	return s
}

type writer interface{ Write(io.Writer) error }

func TestGolden(t *testing.T) {
	empty := &Overview{Frame: frame(), Filter: Filter{Page: 1}, Pages: 1, Window: window()}
	public := subject()
	public.Public, public.Root = true, "../../"
	public.May, public.AdHoc, public.Notice, public.Snippets = May{}, "", "", nil
	for name, page := range map[string]writer{
		"empty": empty, "five": overview(), "subject": subject(), "public": public,
		"problem": &Problem{Frame: frame(), Status: 404, What: "Not Found", Detail: `there is no target "x"`},
	} {
		var got bytes.Buffer
		if err := page.Write(&got); err != nil {
			t.Fatal(name, err)
		}
		shown := strings.ReplaceAll(got.String(), AssetsVersion(), "VERSION")
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(shown), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), shown); diff != "" {
			t.Errorf("%s (run with -update after looking at it):\n%s", name, diff)
		}
		for _, secret := range []string{"me@example.org", "token:shop", "attic", "router"} {
			if name == "public" && strings.Contains(got.String(), secret) {
				t.Errorf("the public page has %q", secret)
			}
		}
	}
}

// hostile is text that would run, or break out of where it stands.
const hostile = `"><script>alert(1)</script>'<img src=x onerror=alert(2)>&{{.}}` + "\x00\xff</title></style>javascript:alert(3)"

func TestHostileTextIsInert(t *testing.T) {
	o := overview()
	r := Row{
		Kind: "target", Name: hostile, Group: hostile, Link: "targets/" + hostile, Reason: hostile, Place: hostile, Mailed: hostile,
		Latency: 1, Latencies: []time.Duration{1, 2}, Strip: day(nil),
	}
	o.Title, o.Version, o.Troubles, o.Windows, o.Late.Name = hostile, hostile, []string{hostile}, []string{hostile}, hostile
	o.Filter = Filter{Query: hostile, Group: hostile, State: hostile, Labels: []string{hostile}, Page: 1}
	o.AllGroups, o.Troubled, o.Groups = []string{hostile}, []Row{r}, []Group{{Name: hostile, Rows: []Row{r}}}
	o.Changes = []Change{{Name: hostile, Link: hostile, Reason: hostile}}
	o.Gone = []Gone{{Name: hostile, Why: hostile}}
	o.Probes = []AdHoc{{Module: hostile, Target: hostile}}
	s := subject()
	s.Row, s.Title, s.Problem, s.Module, s.Source, s.Owner = r, hostile, hostile, hostile, hostile, hostile
	s.Labels, s.DependsOn = map[string]string{hostile: hostile}, []string{hostile}
	s.Results = []Result{{Error: hostile, Response: hostile, Steps: hostile, Reason: hostile}}
	s.Changes, s.Snippets, s.Badges, s.AdHoc, s.Notice = o.Changes, []string{hostile}, []string{hostile}, hostile, hostile
	for name, page := range map[string]writer{"overview": o, "subject": s, "problem": &Problem{Frame: o.Frame, What: hostile, Detail: hostile}} {
		var got bytes.Buffer
		if err := page.Write(&got); err != nil {
			t.Fatal(name, err)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "</title></style>", `href="javascript:`, `src="javascript:`, "onerror=alert(2)>&{"} {
			if strings.Contains(got.String(), bad) {
				t.Errorf("%s: %q is in the page", name, bad)
			}
		}
	}
	badge := string(Badge{hostile, hostile, green}.SVG())
	if strings.Contains(badge, "<script") || strings.Contains(badge, "<img") {
		t.Error(badge)
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", -time.Hour: "0 s", 900 * time.Millisecond: "0 s", 59 * time.Second: "59 s", 90 * time.Second: "1 min", 3 * time.Hour: "3 h",
		3*time.Hour + 25*time.Minute: "3 h 25 min", 50 * time.Hour: "2 d 2 h", 400 * 24 * time.Hour: "1 y 35 d",
	} {
		if got := span(d); got != want {
			t.Errorf("span of %s: %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0.00 ms", 840 * time.Microsecond: "0.84 ms", 9994 * time.Microsecond: "9.99 ms", 9996 * time.Microsecond: "10.0 ms",
		12345 * time.Microsecond: "12.3 ms", 345 * time.Millisecond: "345 ms", 999600 * time.Microsecond: "1.00 s", 12 * time.Second: "12.0 s",
	} {
		if got := millis(d); got != want {
			t.Errorf("millis of %s: %q, want %q", d, got, want)
		}
	}
	for share, want := range map[float64]string{1: "100 %", 0.99999: "99.99 %", 0: "0.00 %", 0.5: "50.00 %", 1.0001: "100 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
}

func TestHeadline(t *testing.T) {
	one := []Row{{Name: "shop", State: health.Unhealthy}}
	for want, c := range map[string]Counts{
		"Nothing is monitored yet":               {},
		"shop is unhealthy":                      {Unhealthy: 1, Degraded: 2, Healthy: 5},
		"2 are degraded":                         {Degraded: 2, Unknown: 1},
		"3 of 4 healthy, the rest unknown":       {Healthy: 3, Unknown: 1, Paused: 1},
		"Not known yet":                          {Unknown: 3},
		"All 3 healthy":                          {Healthy: 3, Maintenance: 1},
		"Everything is paused or in maintenance": {Paused: 1, Maintenance: 1},
	} {
		if got := (&Overview{Counts: c, Troubled: one}).Headline(); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}

// A bucket of trouble is told from its neighbours by height as well as by colour.
func TestStripsReadWithoutColour(t *testing.T) {
	heights := map[int]string{}
	for _, c := range []Cell{{State: health.Unhealthy}, {State: health.Degraded}, {State: health.Healthy}, {State: health.Unknown}, {NoData: true}} {
		l := c.look()
		if other, taken := heights[l.height]; taken {
			t.Errorf("%s is as high as %s", l.word, other)
		}
		heights[l.height] = l.word
	}
	svg := string(stripSVG(day(func(i int, c *Cell) {
		if i == 20 || i == 21 {
			*c = Cell{State: health.Unhealthy, Down: 30 * time.Minute}
		}
	}), window(), `a "label"`))
	for _, want := range []string{`aria-label="a &#34;label&#34;"`, `<rect class="u" x="20" y="0" width="2" height="10"><title>`, "unhealthy 1 h"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in %s", want, svg)
		}
	}
	if n := strings.Count(svg, "<rect"); n != 4 {
		t.Errorf("%d rectangles for three stretches and the grid", n)
	}
}

func TestFeedIsAtom(t *testing.T) {
	f := &Feed{Site: "https://example.org/", Title: hostile, Updated: noon, Changes: overview().Changes}
	f.Changes[0].Name = hostile
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	var back atomFeed
	if err := xml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatalf("%s\n%s", err, b.String())
	}
	if len(back.Entries) != 2 || back.Entries[0].ID == back.Entries[1].ID || back.Entries[1].Link.Href != "https://example.org/targets/shop" ||
		back.Updated != "2026-03-04T11:10:00Z" || !strings.HasPrefix(back.Entries[1].Title, "shop is degraded (was healthy)") {
		t.Errorf("%+v", back)
	}
}

func BenchmarkOverviewOfThousand(b *testing.B) {
	o := overview()
	rows := make([]Row, 1000)
	for i := range rows {
		rows[i] = five()[i%5]
	}
	o.Groups = []Group{{Name: "Targets", Rows: rows}}
	b.ReportAllocs()
	for b.Loop() {
		if err := o.Write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWordsOfDays name the first and the last day of a stretch, also over a change of the
// clock.
func TestWordsOfDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w := Window{From: time.Date(2026, 3, 28, 0, 0, 0, 0, zone), N: 5}
	for _, test := range []struct {
		i, n int
		want string
	}{{0, 1, "28 Mar"}, {1, 1, "29 Mar"}, {0, 2, "28 Mar–29 Mar"}, {1, 4, "29 Mar–1 Apr"}, {4, 1, "1 Apr"}} {
		if got := w.words(test.i, test.n); got != test.want {
			t.Errorf("%d days from %d on: %q, want %q", test.n, test.i, got, test.want)
		}
	}
}
