package mail

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

func shippedTemplates(t testing.TB) *Templates {
	t.Helper()
	templates, err := LoadTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// tenOClock is when most of what is told here happens.
func tenOClock() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }

// notice is a change of a target at ten o'clock, an hour after the outage began.
func notice(id uint64, name string, from, to health.Verdict) alerting.Notice {
	at := tenOClock()
	return alerting.Notice{
		ID: id, What: alerting.Changed, Time: at, From: from, To: to, Reason: "connect: connection refused", BadSince: at.Add(-time.Hour),
		Subject: alerting.Subject{
			Kind: alerting.Target, Name: name, Place: "http://10.0.0.7:8096/health", Group: "attic", State: to, Since: at,
			LastHealthy: at.Add(-61 * time.Minute), Error: "connect: connection refused", Response: []byte("<h1>Bad</h1>\r\n\nGateway\n"),
			Link: "https://monitor.example/targets/" + name,
		},
	}
}

func compose(t testing.TB, notices ...alerting.Notice) *Message {
	t.Helper()
	m, err := shippedTemplates(t).Compose("alice@example.org", notices, tenOClock().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestComposeOne(t *testing.T) {
	n := notice(1, "nas", health.Degraded, health.Unhealthy)
	n.Held = 3
	m := compose(t, n)
	want := `nas is unhealthy.
connect: connection refused

Target:       nas
Group:        attic
Address:      http://10.0.0.7:8096/health
State:        UNHEALTHY, since 2026-11-21 10:00:00 UTC
Not well:     for 1 h, since 2026-11-21 09:00:00 UTC
Last healthy: 2026-11-21 08:59:00 UTC
Held back:    news of 3 others that depend on it
More:         https://monitor.example/targets/nas

Last answer:
  | <h1>Bad</h1>
  | Gateway

Sent by health_exporter.
`
	if diff := cmp.Diff(want, m.Text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		">UNHEALTHY</span>", "background-color:#b3261e", "<bdi>nas is unhealthy</bdi>", "connect: connection refused", "<bdi>attic</bdi>", "http://10.0.0.7:8096/health",
		"since 2026-11-21 09:00:00 UTC", "2026-11-21 08:59:00 UTC", "news of 3 others that depend on it", `<a href="https://monitor.example/targets/nas">`,
		"&lt;h1&gt;Bad&lt;/h1&gt;\nGateway</pre>", `<meta name="color-scheme" content="light dark">`,
	} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("the HTML does not hold %q:\n%s", want, m.HTML)
		}
	}
	if m.To != "alice@example.org" || m.Subject != "nas is unhealthy" || !m.Date.Equal(tenOClock().Add(time.Minute)) {
		t.Errorf("to %q, subject %q, date %s", m.To, m.Subject, m.Date)
	}
	if got := written(t, m).bodies["text/plain; charset=UTF-8"]; got != want {
		t.Errorf("the text arrives as %q", got)
	}
}

func TestComposeRecovery(t *testing.T) {
	n := notice(1, "disk", health.Unhealthy, health.Healthy)
	n.Subject.Kind, n.Subject.Place, n.Subject.Group, n.Subject.Link, n.Reason = alerting.Check, "", "", "", ""
	m, err := shippedTemplates(t).Compose("alice@example.org", []alerting.Notice{n}, tenOClock().Add(26*time.Hour).In(time.FixedZone("CET", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	want := `check disk is back to healthy.

Check:        disk
State:        HEALTHY, since 2026-11-21 11:00:00 CET
Was not well: for 1 h, since 2026-11-21 10:00:00 CET
Delayed:      this mail was held up for 1 d 2 h

Sent by health_exporter.
`
	if diff := cmp.Diff(want, m.Text); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if !strings.Contains(m.HTML, "#1a7f37") || strings.Contains(m.HTML, "Bad") || strings.Contains(m.HTML, "href") {
		t.Errorf("HTML:\n%s", m.HTML)
	}
}

func TestComposeReminder(t *testing.T) {
	n := notice(1, "nas", health.Degraded, health.Unhealthy)
	n.What, n.Reason, n.Subject.Since, n.Subject.LastHealthy = alerting.Reminder, "", tenOClock().Add(-30*time.Minute), time.Time{}
	m := compose(t, n)
	for _, want := range []string{
		"nas is still unhealthy.\nconnect: connection refused\n", "UNHEALTHY, since 2026-11-21 09:30:00 UTC\n",
		"for 1 h, since 2026-11-21 09:00:00 UTC\n", "Last healthy: never seen\n",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the text does not hold %q:\n%s", want, m.Text)
		}
	}
	// A change has just reached its state, whatever was known of the subject then.
	n.What = alerting.Changed
	if text := compose(t, n).Text; !strings.Contains(text, "UNHEALTHY, since 2026-11-21 10:00:00 UTC\n") {
		t.Errorf("text:\n%s", text)
	}
}

func TestSubjects(t *testing.T) {
	change := func(name string, to health.Verdict) alerting.Notice {
		return notice(uint64(len(name)), name, health.Unknown, to)
	}
	told := func(n alerting.Notice, what alerting.What) alerting.Notice { n.What = what; return n }
	nas := []alerting.Notice{notice(1, "nas", health.Healthy, health.Degraded), notice(3, "nas", health.Unhealthy, health.Healthy), notice(2, "nas", health.Degraded, health.Unhealthy)}
	for want, notices := range map[string][]alerting.Notice{
		"nas health is degraded":              {change("nas", health.Degraded)},
		"nas is unhealthy":                    {change("nas", health.Unhealthy)},
		"nas is back to healthy":              {change("nas", health.Healthy)},
		"nas health is unknown":               {change("nas", health.Unknown)},
		"nas keeps changing its state":        {told(change("nas", health.Healthy), alerting.Flapping)},
		"nas is no longer monitored":          {told(change("nas", health.Unhealthy), alerting.Unregistered)},
		"nas has calmed down: healthy":        {told(change("nas", health.Healthy), alerting.Calm)},
		"nas is still unhealthy":              {told(change("nas", health.Unhealthy), alerting.Reminder)},
		"nas is back to healthy (3 messages)": nas,
		"3 unhealthy, 1 degraded, 2 back to healthy": {
			change("a", health.Healthy), change("bb", health.Unhealthy), change("ccc", health.Degraded), change("dddd", health.Unhealthy),
			change("eeeee", health.Healthy), change("ffffff", health.Unhealthy),
		},
		"1 unhealthy, 1 unknown, 1 flapping, 1 no longer monitored": {
			told(change("a", health.Healthy), alerting.Flapping), told(change("bb", health.Healthy), alerting.Unregistered), change("ccc", health.Unknown),
			told(change("dddd", health.Unhealthy), alerting.Reminder),
		},
		"1 unhealthy, 1 back to healthy": append([]alerting.Notice{change("tv", health.Unhealthy)}, nas...),
	} {
		if got := compose(t, notices...).Subject; got != want {
			t.Errorf("subject %q, want %q", got, want)
		}
	}
	long := compose(t, change(strings.Repeat("n", 5000), health.Unhealthy)).Subject
	if !strings.HasSuffix(long, "n… is unhealthy") {
		t.Errorf("subject %q", long)
	}
}

func TestComposeMany(t *testing.T) {
	var notices []alerting.Notice
	for i := range 40 {
		n := notice(uint64(i+1), fmt.Sprintf("t%02d", i), health.Healthy, health.Degraded)
		n.Time = n.Time.Add(-time.Duration(i) * time.Second)
		if i == 39 {
			n.To = health.Healthy
		}
		if i == 20 {
			n.To = health.Unhealthy
		}
		notices = append(notices, n)
	}
	m := compose(t, notices...)
	if m.Subject != "1 unhealthy, 38 degraded, 1 back to healthy" {
		t.Errorf("subject %q", m.Subject)
	}
	// The worst first, then the oldest, which is the last one here.
	want := []string{"t20", "t38", "t37"}
	titles := regexp.MustCompile(`t\d\d (?:is|health)`).FindAllString(m.Text, -1)
	for i, name := range want {
		if !strings.HasPrefix(titles[i], name) {
			t.Errorf("%d. is %q, want %s", i+1, titles[i], name)
		}
	}
	if len(titles) != 40 || !strings.HasPrefix(titles[39], "t39 is") {
		t.Errorf("%d titles: %q", len(titles), titles)
	}
	for i := range notices {
		name := fmt.Sprintf("t%02d", i)
		if strings.Count(m.HTML, "<bdi>"+name+" ") != 1 {
			t.Errorf("%s is not told once in the HTML", name)
		}
	}
	if n := strings.Count(m.Text, "Last answer:"); n != entriesInDetail {
		t.Errorf("%d entries in detail", n)
	}
	if m.InReplyTo != "" {
		t.Error("a digest of many outages belongs to one of them")
	}
}

func TestHostileTexts(t *testing.T) {
	evil := "<script>alert(1)</script><img src=x>{{ .To }}\r\nBcc: eve@example.com\u202e\x1b[31m"
	n := notice(1, evil, health.Healthy, health.Unhealthy)
	n.Reason, n.Subject.Group, n.Subject.Place, n.Subject.Response, n.Subject.Link = evil, evil, evil, []byte(evil+strings.Repeat("x", 5000)), "javascript:alert(1)"
	m := compose(t, n)
	p := written(t, m)
	if diff := cmp.Diff(mailHeaders, p.names()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if want := "<script>alert(1)</script><img src=x>{{ .To }} Bcc: eve@example.com [31m is unhealthy"; m.Subject != want {
		t.Errorf("subject %q, want %q", m.Subject, want)
	}
	for _, wrong := range []string{"<script", "<img", "javascript:", "\u202e", "\x1b", "href"} {
		if strings.Contains(m.HTML, wrong) {
			t.Errorf("the HTML holds %q", wrong)
		}
	}
	if tags := regexp.MustCompile(`<[a-z]+`).FindAllString(m.HTML, -1); len(tags) != len(regexp.MustCompile(`<[a-z]+`).FindAllString(compose(t, withoutLink(n)).HTML, -1)) {
		t.Errorf("the tags are %q", tags)
	}
	for line := range strings.Lines(m.Text) {
		if strings.HasPrefix(line, "Bcc:") {
			t.Errorf("the text has a line of its own for %q", line)
		}
	}
	if strings.ContainsFunc(strings.ReplaceAll(m.Text, "\n", ""), hidden) || strings.Contains(m.Text, strings.Repeat("x", excerptCharacters)) {
		t.Errorf("text:\n%q", m.Text)
	}
}

// withoutLink is the notice with harmless texts.
func withoutLink(n alerting.Notice) alerting.Notice {
	n.Reason, n.Subject.Name, n.Subject.Group, n.Subject.Place, n.Subject.Response, n.Subject.Link = "r", "n", "g", "p", []byte("r"), ""
	return n
}

func TestPageLink(t *testing.T) {
	for text, want := range map[string]string{
		"http://m/t/a%20b": "http://m/t/a%20b", "https://m": "https://m", "": "", "javascript:alert(1)": "", "//m/t": "", "/t/nas": "", "ftp://m/t": "",
		"http://m/\r\nx": "", "http:///x": "", "http://m/a b": "http://m/a%20b", "http://m/" + strings.Repeat("x", 5000): "",
	} {
		if got := pageLink(text); got != want {
			t.Errorf("%.30q: %q, want %q", text, got, want)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	one, two := notice(1, "nas", health.Healthy, health.Degraded), notice(2, "nas", health.Degraded, health.Unhealthy)
	other := notice(3, "tv", health.Healthy, health.Unhealthy)
	later := notice(4, "nas", health.Healthy, health.Unhealthy)
	later.BadSince = later.BadSince.Add(time.Hour)
	none := notice(5, "nas", health.Unknown, health.Healthy)
	none.BadSince = time.Time{}

	// Who keeps notices may keep no more than seconds.
	one.Time, one.BadSince = one.Time.Add(123456789), one.BadSince.Add(987654321)
	two.BadSince = one.BadSince
	m := compose(t, one)
	stored := one
	stored.Time, stored.BadSince = one.Time.Local().Truncate(time.Second), one.BadSince.Local().Truncate(time.Second)
	again, err := shippedTemplates(t).Compose("alice@example.org", []alerting.Notice{stored}, tenOClock().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if m.MessageID == "" || m.MessageID != again.MessageID || m.InReplyTo != again.InReplyTo {
		t.Errorf("the same mail has the identifiers %q and %q, in reply to %q and %q", m.MessageID, again.MessageID, m.InReplyTo, again.InReplyTo)
	}
	if a, b := compose(t, one, two).MessageID, compose(t, two, one).MessageID; a != b {
		t.Error("the order changes the identifier")
	}
	bob, err := shippedTemplates(t).Compose("bob@example.org", []alerting.Notice{one}, tenOClock())
	if err != nil {
		t.Fatal(err)
	}
	// Of another exporter, whose numbers begin at one, too.
	foreign := one
	foreign.Time = one.Time.Add(time.Second)
	ids := map[string]bool{m.MessageID: true, bob.MessageID: true}
	for _, notices := range [][]alerting.Notice{{two}, {one, two}, {other}, {later}, {foreign}} {
		ids[compose(t, notices...).MessageID] = true
	}
	if len(ids) != 7 {
		t.Errorf("7 mails have %d identifiers", len(ids))
	}

	thread := m.InReplyTo
	if thread == "" || thread == m.MessageID {
		t.Errorf("thread %q of mail %q", thread, m.MessageID)
	}
	for _, test := range []struct {
		name    string
		notices []alerting.Notice
		same    bool
	}{
		{"the same outage", []alerting.Notice{two}, true},
		{"twice the same outage", []alerting.Notice{one, two}, true},
		{"another target", []alerting.Notice{other}, false},
		{"another outage", []alerting.Notice{later}, false},
	} {
		if got := compose(t, test.notices...).InReplyTo; (got == thread) != test.same || got == "" {
			t.Errorf("%s: thread %q, that of the first is %q", test.name, got, thread)
		}
	}
	for _, notices := range [][]alerting.Notice{{none}, {one, other}, {one, later}, {one, none}} {
		if got := compose(t, notices...).InReplyTo; got != "" {
			t.Errorf("thread %q", got)
		}
	}
}

func TestComposeFails(t *testing.T) {
	templates := shippedTemplates(t)
	if m, err := templates.Compose("not an address", []alerting.Notice{notice(1, "nas", health.Healthy, health.Degraded)}, tenOClock()); err == nil || m != nil {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := templates.Compose("alice@example.org", nil, tenOClock()); err == nil || m != nil {
		t.Errorf("%v, %v", m, err)
	}
}
