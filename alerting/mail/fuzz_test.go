package mail

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

func FuzzCompose(f *testing.F) {
	templates := shippedTemplates(f)
	f.Add("nas", "connection refused", "http://x/", []byte("answer"), "http://m/", uint8(3), int64(1))
	f.Add("a\r\nBcc: x@y.z", "{{ . }}\x00", "\u202e", []byte("\xff\r.\r\n"), "javascript:x", uint8(1), int64(-1))
	f.Add("=?utf-8?q?=0D=0A?=", strings.Repeat("é", 1000), "--", []byte("</pre>"), "http://m/\"><b>", uint8(2), int64(1<<40))
	f.Fuzz(func(t *testing.T, name, reason, place string, response []byte, page string, state uint8, seconds int64) {
		n := alerting.Notice{
			ID: 1, What: []alerting.What{alerting.Changed, alerting.Flapping, alerting.Calm, alerting.Unregistered, alerting.Reminder}[state/4%5], To: health.Verdicts()[state%4], Reason: reason,
			Time: time.Unix(seconds%1e10, 0), BadSince: time.Unix(seconds%1e9, 0),
			Subject: alerting.Subject{Kind: alerting.Target, Name: name, Place: place, Group: reason, Response: response, Link: page},
		}
		other := n
		other.ID, other.Subject.Kind = 2, alerting.Check
		for _, notices := range [][]alerting.Notice{{n}, {n, other}} {
			m, err := templates.Compose("alice@example.org", notices, tenOClock())
			if err != nil {
				t.Fatal(err)
			}
			var content bytes.Buffer
			if err := m.Write(&content, "monitor@example.org"); err != nil {
				t.Fatal(err)
			}
			p := parse(t, content.String())
			want := slices.Clone(mailHeaders)
			if len(notices) > 1 { // of two subjects, and so of no thread
				want = slices.DeleteFunc(want, func(name string) bool { return name == "In-Reply-To" || name == "References" })
			}
			if diff := cmp.Diff(want, p.names()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if subject := p.decoded(t, "Subject"); strings.ContainsFunc(subject, hidden) || subject == "" {
				t.Errorf("subject %q", subject)
			}
			if len(p.bodies) != 2 || strings.Contains(p.bodies["text/html; charset=UTF-8"], "<script") {
				t.Errorf("bodies %q", p.bodies)
			}
		}
	})
}

func BenchmarkCompose(b *testing.B) {
	templates := shippedTemplates(b)
	for _, many := range []int{1, 25, 1000} {
		var notices []alerting.Notice
		for i := range many {
			notices = append(notices, notice(uint64(i), fmt.Sprintf("target-%d", i), health.Healthy, health.Unhealthy))
		}
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := templates.Compose("alice@example.org", notices, tenOClock())
				if err != nil {
					b.Fatal(err)
				}
				var content bytes.Buffer
				if err := m.Write(&content, "monitor@example.org"); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(content.Len()), "bytes/mail")
			}
		})
	}
}
