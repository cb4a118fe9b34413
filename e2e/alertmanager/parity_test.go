package alertmanager

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// onlyOne is why only one way tells something.
type onlyOne struct{ by, reason string }

const (
	byExporter = "the exporter"
	byRules    = "the rules"
)

// toldByOne is all that only one way tells of the changes here. Three things take longer
// than a test may. When a flapping target has calmed down, the exporter says so, and the
// rules tell its state. That a certificate expires soon, and that the exporter is down,
// only the rules tell.
var toldByOne = map[news]onlyOne{
	{"blink@example.org", "blink", "DEGRADED"}: {byExporter, "it was so only while Prometheus was away, which knows no more than what it has scraped"},
	{"blink@example.org", "blink", "HEALTHY"}:  {byExporter, "good news follow bad news, and those only the exporter has told"},
	{"slide@example.org", "slide", "DEGRADED"}: {byExporter, "when Prometheus was back it was unhealthy already"},
	{"again@example.org", "again", "HEALTHY"}:  {byRules, "bad news of a name count for 10 minutes, although it was unregistered; for the exporter it is a new target, which is well"},
}

// parity is one exporter that mails by itself, and is scraped by a Prometheus whose
// Alertmanager mails to another mailbox.
type parity struct {
	*stack
	direct   *harness.Mailbox
	services map[string]*harness.Service // of the targets
	owners   map[string]string           // who is told of a target or check
	expected []news                      // what there was to tell so far
}

// TestParity has both ways of telling see the same changes. Who is told what is the same,
// and as often, but for what toldByOne lists.
func TestParity(t *testing.T) {
	t.Parallel()
	box := harness.StartMailbox(t)
	p := &parity{direct: box, services: map[string]*harness.Service{}, owners: map[string]string{"check flag": "ops@example.org"}}
	// Slow enough for Prometheus to see each state of the check.
	p.stack = startStackOf(t, box.MailConfig(""), 8*time.Second)
	p.begin(t)
	p.goDown(t)
	p.restart(t)
	p.comeBack(t)
	p.loseSight(t)
	p.compare(t)
}

// begin registers targets. That they are well is no news.
func (p *parity) begin(t *testing.T) {
	t.Helper()
	names := []string{"table", "killed", "meanwhile", "gone", "goodbye", "again", "paused", "rehomed", "moved", "flapper", "blind", "blink", "slide", "quiet"}
	for _, name := range append(names, "sick") {
		p.register(t, name, name+"@example.org")
	}
	p.register(t, "outsider", "mallory@evil.test")
	p.owners["outsider"] = "ops@example.org"
	p.awaitValue(t, `count(health_target_state{state="unknown"} == 1)`, fmt.Sprint(len(p.services)))
	for _, name := range append(names, "outsider") { // but not sick, which has never been well
		p.exporter.ProbeUntil(t, name, "HEALTHY")
	}
	p.awaitValue(t, `count(health:target_state:held{state="healthy"})`, fmt.Sprint(len(p.services)-1))
	p.awaitValue(t, `health:check_state:held{check="flag",state="healthy"}`, "1")
}

// goDown is bad news of every kind.
func (p *parity) goDown(t *testing.T) {
	t.Helper()
	failing := []string{"killed", "meanwhile", "gone", "again", "paused", "rehomed", "moved", "blind", "sick", "outsider"}
	p.turn(t, "warn", "DEGRADED", "table")
	p.turn(t, "fail", "DEGRADED", append(failing, "flapper")...)
	p.settle(t)
	p.turn(t, "fail", "UNHEALTHY", append(failing, "table")...)
	p.turn(t, "pass", "HEALTHY", "flapper")
	p.settle(t)

	p.turn(t, "warn", "DEGRADED", "table", "flapper")
	if err := os.Remove(p.flag); err != nil {
		t.Fatal(err)
	}
	p.expect("check flag", "DEGRADED", "UNHEALTHY")
	p.post(t, "paused", "/pause")
	p.owners["moved"] = "elsewhere@example.org"
	p.update(t, "moved")
	p.expect("moved", "UNHEALTHY") // is news for whoever is told from now on
	p.settle(t)
}

// restart kills the exporter; meanwhile one target recovers.
func (p *parity) restart(t *testing.T) {
	t.Helper()
	p.exporter.Kill()
	p.services["meanwhile"].Set("pass")
	p.awaitUp(t, "0")
	p.exporter.Start(t)
	p.awaitUp(t, "1")
}

// comeBack is good news, and the end of some targets.
func (p *parity) comeBack(t *testing.T) {
	t.Helper()
	p.turn(t, "pass", "HEALTHY", "table", "killed", "meanwhile", "moved", "flapper", "sick")
	p.services["rehomed"] = harness.StartService(t)
	p.update(t, "rehomed") // begins anew
	p.turn(t, "pass", "HEALTHY", "rehomed")
	for _, name := range []string{"gone", "goodbye", "again"} {
		p.exporter.MustCall(t, http.MethodDelete, harness.TargetPath(name), nil, nil, http.StatusNoContent)
		p.expect(name, "UNREGISTERED")
	}
	p.post(t, "paused", "/resume")
	p.turn(t, "fail", "DEGRADED", "paused")
	p.settle(t)

	p.turn(t, "fail", "UNHEALTHY", "paused")
	p.services["flapper"].Set("fail")
	p.exporter.ProbeUntil(t, "flapper", "UNHEALTHY")
	p.expect("flapper", "FLAPPING") // and nothing else until it calms down
	p.register(t, "newcomer", "newcomer@example.org")
	p.exporter.ProbeUntil(t, "newcomer", "HEALTHY")
	p.register(t, "again", "again@example.org")
	p.turn(t, "pass", "HEALTHY", "again")
	p.settle(t)
}

// loseSight has targets change while there is no Prometheus, and the exporter stopped and
// started.
func (p *parity) loseSight(t *testing.T) {
	t.Helper()
	p.evaluator.Kill()
	raise(t, p.flag)
	if code := p.exporter.Terminate(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	p.exporter.Start(t)
	p.turn(t, "pass", "HEALTHY", "blind", "paused")
	p.turn(t, "warn", "DEGRADED", "blink", "slide")
	p.settleIn(t, p.direct)
	p.turn(t, "pass", "HEALTHY", "blink")
	p.turn(t, "fail", "UNHEALTHY", "slide")
	p.settleIn(t, p.direct)
	p.startPrometheus(t)
	p.expect("check flag", "HEALTHY")
	p.settle(t)
}

// register registers a target.
func (p *parity) register(t *testing.T, name, email string) {
	t.Helper()
	p.services[name], p.owners[name] = harness.StartService(t), email
	p.exporter.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration(name, p.services[name].URL, email), nil, http.StatusCreated)
}

// update registers a target again, with whatever is different.
func (p *parity) update(t *testing.T, name string) {
	t.Helper()
	p.exporter.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration(name, p.services[name].URL, p.owners[name]), nil, http.StatusOK)
}

func (p *parity) post(t *testing.T, name, action string) {
	t.Helper()
	p.exporter.MustCall(t, http.MethodPost, harness.TargetPath(name)+action, nil, nil, http.StatusOK)
}

// turn changes the health of services until the exporter has noticed, which is news.
func (p *parity) turn(t *testing.T, health, state string, names ...string) {
	t.Helper()
	for _, name := range names {
		p.services[name].Set(health)
		p.exporter.ProbeUntil(t, name, state)
		p.expect(name, state)
	}
}

func (p *parity) expect(name string, words ...string) {
	for _, word := range words {
		p.expected = append(p.expected, news{p.owners[name], name, word})
	}
}

// settle waits until both ways have told what there is, so that neither can miss the
// state that follows.
func (p *parity) settle(t *testing.T) {
	t.Helper()
	p.settleIn(t, p.direct)
	p.settleIn(t, p.mailbox)
}

func (p *parity) settleIn(t *testing.T, box *harness.Mailbox) {
	t.Helper()
	want := p.wanted(box)
	harness.Await(t, harness.MailLimit, "everything is told", func() error {
		if missing := without(want, newsIn(t, box)); len(missing) > 0 {
			return fmt.Errorf("not told by %s: %v", p.way(box), missing)
		}
		return nil
	})
}

func (p *parity) way(box *harness.Mailbox) string {
	if box == p.direct {
		return byExporter
	}
	return byRules
}

// wanted is what is expected in a mailbox.
func (p *parity) wanted(box *harness.Mailbox) []news {
	var want []news
	for _, n := range p.expected {
		if d, ok := toldByOne[n]; !ok || d.by == p.way(box) {
			want = append(want, n)
		}
	}
	return want
}

// compare compares what was told in the end, after waiting for a mail too many.
func (p *parity) compare(t *testing.T) {
	t.Helper()
	time.Sleep(quiet)
	direct, rules := newsIn(t, p.direct), newsIn(t, p.mailbox)
	for _, only := range []struct {
		by   string
		list []news
	}{{byExporter, without(direct, rules)}, {byRules, without(rules, direct)}} {
		var listed []news
		for n, d := range toldByOne {
			if d.by == only.by {
				listed = append(listed, n)
			}
		}
		if diff := cmp.Diff(sorted(listed), sorted(only.list)); diff != "" {
			t.Errorf("told by %s only (-listed +got):\n%s", only.by, diff)
		}
	}
	if diff := cmp.Diff(sorted(p.wanted(p.direct)), sorted(direct)); diff != "" {
		t.Errorf("told by %s (-want +got):\n%s", byExporter, diff)
	}
}
