package health

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParseReport(t *testing.T) {
	at := time.Date(2018, 1, 17, 3, 36, 48, 0, time.UTC)
	draft06 := &Report{
		Status: Pass, Version: "1", ReleaseID: "1.2.2", ServiceID: "f03e", Description: "health of authz",
		Notes: []string{"a", "b"}, Output: "none",
		Checks: map[string][]Measurement{
			"cassandra:responseTime": {{
				ComponentID: "dfd6", ComponentType: "datastore", ObservedValue: 250.0, ObservedUnit: "ms", Status: Pass, Time: at,
			}},
		},
	}
	tests := []struct {
		name, body string
		want       *Report
	}{
		{"draft 06", `{"status":"pass","version":"1","releaseId":"1.2.2","serviceId":"f03e","description":"health of authz",
			"notes":["a","b"],"output":"none","links":{"self":"http://x"},"checks":{"cassandra:responseTime":[{"componentId":"dfd6",
			"componentType":"datastore","observedValue":250,"observedUnit":"ms","status":"pass","time":"2018-01-17T03:36:48Z","node":1}]}}`, draft06},
		{"draft 00", `{"status":"PASS","version":"1","releaseID":"1.2.2","serviceID":"f03e","description":"health of authz",
			"notes":["a","b"],"output":"none","details":{"cassandra:responseTime":{"componentId":"dfd6",
			"type":"datastore","metricValue":250,"metricUnit":"ms","status":"ok","time":"2018-01-17T03:36:48Z"}}}`, draft06},
		{"note as a string", `{"status":"warn","notes":"one"}`, &Report{Status: Warn, Notes: []string{"one"}}},
		{
			"runscope", `{"hostname":"h","status":"success","results":[{"checker":"db","output":"database ok","expires":1,"passed":true},
			{"checker":"celery","output":{"n":0},"passed":false}]}`,
			&Report{Status: Pass, Checks: map[string][]Measurement{"db": {{Status: Pass, Output: "database ok"}}, "celery": {{Status: Fail}}}},
		},
		{
			"spring boot", `{"status":"DOWN","components":{"db":{"status":"UP","details":{"database":"PostgreSQL"}},
			"ready":{"status":"OUT_OF_SERVICE","components":{"mail":{"status":"DOWN","details":{"error":"x"}}}}},"groups":["liveness"]}`,
			&Report{Status: Fail, Checks: map[string][]Measurement{"db": {{Status: Pass}}, "ready": {{Status: Fail}}, "ready/mail": {{Status: Fail}}}},
		},
		{
			"spring boot 2.1", `{"status":"UP","details":{"diskSpace":{"status":"UP","details":{"free":1}}}}`,
			&Report{Status: Pass, Checks: map[string][]Measurement{"diskSpace": {{Status: Pass}}}},
		},
		{
			"microprofile", `{"status":"DOWN","checks":[{"name":"orders","status":"UP","data":{"n":1}},{"name":"stock","status":"DOWN"}]}`,
			&Report{Status: Fail, Checks: map[string][]Measurement{"orders": {{Status: Pass}}, "stock": {{Status: Fail}}}},
		},
		{
			"asp.net", `{"status":"Degraded","totalDuration":"00:00:00.1","entries":{"sql":{"data":{},"description":"slow","duration":"00:00:00.1",
			"status":"Degraded","tags":[]}}}`,
			&Report{Status: Warn, Checks: map[string][]Measurement{"sql": {{Status: Warn, Output: "slow"}}}},
		},
		{"runscope without results", `{"hostname":"h","status":"failure","timestamp":1500915121.5,"results":[]}`, &Report{Status: Fail}},
		{"numeric status", `{"status":200}`, &Report{}},
		{"unknown status", `{"status":"meh"}`, &Report{}},
		{"numeric version", `{"version":2.1}`, &Report{Version: "2.1"}},
		{"wrong types", `{"status":{},"version":[],"checks":[1],"notes":7,"output":null}`, &Report{Notes: []string{"7"}}},
		{
			"wrong elements", `{"checks":{"a":[1,null,"x",{"status":"down"}],"":[{}]}}`,
			&Report{Checks: map[string][]Measurement{"a": {{Status: Fail}}}},
		},
		{"control characters", `{"output":"a\nb\u0000"}`, &Report{Output: "a b"}},
		{
			"large value", `{"checks":{"a":{"observedValue":"` + strings.Repeat("x", 300) + `"}}}`,
			&Report{Checks: map[string][]Measurement{"a": {{}}}},
		},
		{"empty", `{}`, &Report{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseReport([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestParseReportStatusWords(t *testing.T) {
	for word, want := range map[string]Outcome{
		"pass": Pass, "ok": Pass, "up": Pass, "success": Pass, "warn": Warn,
		"fail": Fail, "error": Fail, "down": Fail, "failure": Fail,
	} {
		for _, spelled := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
			got, err := ParseReport(fmt.Appendf(nil, `{"status":%q}`, spelled))
			if err != nil || got.Status != want {
				t.Errorf("%s: got %v, %v, want %v", spelled, got, err, want)
			}
		}
	}
}

func TestParseReportRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":     ``,
		"text":        `ok`,
		"array":       `[]`,
		"null":        `null`,
		"number":      `1`,
		"cut":         `{"status":"pass"`,
		"trailing":    `{"status":"pass"} x`,
		"too deep":    `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		"many values": `{"a":[` + strings.Repeat("1,", 6000) + `1]}`,
		"large":       `{"a":"` + strings.Repeat("x", MaxReportSize) + `"}`,
	} {
		if got, err := ParseReport([]byte(body)); err == nil {
			t.Errorf("%s: got %+v, want an error", name, got)
		}
	}
}

func TestParseReportKeepsLittle(t *testing.T) {
	var body strings.Builder
	fmt.Fprintf(&body, `{"version":%q,"output":%q,"notes":["n"`, strings.Repeat("v", 1000), strings.Repeat("ö", 1000))
	body.WriteString(strings.Repeat(`,"n"`, 100))
	body.WriteString(`],"checks":{"z":{}`)
	for i := range 100 {
		fmt.Fprintf(&body, `,"c%02d":[{},{}]`, i)
	}
	body.WriteString(`}}`)
	got, err := ParseReport([]byte(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, list := range got.Checks {
		n += len(list)
	}
	if n != 50 || len(got.Checks) != 25 || got.Checks["c00"] == nil || got.Checks["z"] != nil {
		t.Errorf("kept %d measurements of %d checks, want the first 50 in order of name", n, len(got.Checks))
	}
	if len(got.Notes) != maxNotes {
		t.Errorf("kept %d notes, want %d", len(got.Notes), maxNotes)
	}
	if n := utf8.RuneCountInString(got.Version); n != maxWordRunes {
		t.Errorf("version has %d runes, want %d", n, maxWordRunes)
	}
	if n := utf8.RuneCountInString(got.Output); n != maxTextRunes {
		t.Errorf("output has %d runes, want %d", n, maxTextRunes)
	}
}

func TestReportMarshal(t *testing.T) {
	report := Report{
		Status: Warn, ReleaseID: "1.2", ServiceID: "s", Notes: []string{"n"},
		Checks: map[string][]Measurement{"uptime": {{ComponentType: "system", ObservedValue: 5, ObservedUnit: "s", Status: Pass}}},
	}
	got, err := json.Marshal(report)
	want := `{"status":"warn","releaseId":"1.2","serviceId":"s","notes":["n"],` +
		`"checks":{"uptime":[{"componentType":"system","observedValue":5,"observedUnit":"s","status":"pass"}]}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(`{"status":"pass","checks":{"a:b":[{"observedValue":1,"time":"2018-01-17T03:36:48Z"}]},"notes":"x"}`))
	f.Add([]byte(`{"details":{"a":{"metricValue":{}}}}`))
	f.Add([]byte(`{"status":"\ud800","checks":{"\u0000":[[]]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		report, err := ParseReport(body)
		if err != nil {
			return
		}
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatalf("what was parsed cannot be written: %v", err)
		}
		again, err := ParseReport(text)
		if err != nil {
			// Escaping can make the text larger than what is read.
			if len(text) <= MaxReportSize {
				t.Fatalf("what was written cannot be parsed: %v: %s", err, text)
			}
			return
		}
		if again.Status != report.Status || again.Version != report.Version || len(again.Checks) != len(report.Checks) {
			t.Errorf("got %+v\nwant %+v", again, report)
		}
	})
}

func TestParseWord(t *testing.T) {
	for body, want := range map[string]Outcome{"Healthy": Pass, " Degraded\r\n": Warn, "Unhealthy": Fail} {
		if got, ok := ParseWord([]byte(body)); !ok || got != want {
			t.Errorf("%q: %v %v", body, got, ok)
		}
	}
	for _, body := range []string{"", "OK", "healthy!", strings.Repeat("Healthy", 100), "Healthy!"} {
		if got, ok := ParseWord([]byte(body)); ok {
			t.Errorf("%q is %v", body, got)
		}
	}
}
