package mail

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// Content is what the templates of a mail are given. All texts in it are cleaned:
// one line each but Response, of printable characters, and cut.
type Content struct {
	// Title is the notice, or what all of them amount to, in one line.
	Title string
	// Several reports whether there is more than one notice.
	Several bool
	// Entries are the notices, the worst first, then the oldest.
	Entries []Entry
	// More are those that follow, when they are too many to tell all about each.
	More []Entry
	// Omitted is how many others there are, which only the title counts.
	Omitted int
}

// Entry is a notice in a mail.
type Entry struct {
	Title string
	// Kind is target or check.
	Kind               string
	Name, Place, Group string
	// What is changed, flapping, calm, unregistered, gone, reminder or test.
	What string
	// State is unknown, healthy, degraded or unhealthy, as From, which it was before.
	State, From string
	// Good reports whether all is well.
	Good   bool
	Reason string
	// Time is when it happened, Since when the state was reached.
	Time, Since time.Time
	// BadSince is when the outage began, and BadFor how long it has lasted, or did
	// last if all is well; zero and empty if there was none, or it has just begun.
	BadSince time.Time
	BadFor   string
	// LastHealthy is zero if it never was.
	LastHealthy time.Time
	// Late is how long the notice waited to be told, empty if not for long.
	Late string
	// Response is the last answer, of several lines; empty if all is well.
	Response string
	// Link is an http or https URL.
	Link string
	// Held is of how many others news waits because they depend on this.
	Held int
}

// MaxListed is how many notices a mail lists, the worst. There may be more of them.
const MaxListed = 500

const (
	// entriesInDetail is how many entries say everything.
	entriesInDetail = 25
	// lineCharacters is how long a text of one line gets.
	lineCharacters = 300
	// lateAfter is when a notice counts as told late.
	lateAfter = 5 * time.Minute
)

// newContent arranges the notices, of which there is at least one.
func newContent(notices []alerting.Notice, now time.Time) Content {
	notices = slices.SortedFunc(slices.Values(notices), func(a, b alerting.Notice) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	content := Content{Title: titleOf(notices), Several: len(notices) > 1}
	content.Omitted = max(0, len(notices)-MaxListed)
	for i := range notices[:len(notices)-content.Omitted] {
		if i < entriesInDetail {
			content.Entries = append(content.Entries, newEntry(&notices[i], now))
		} else {
			content.More = append(content.More, newEntry(&notices[i], now))
		}
	}
	return content
}

func newEntry(n *alerting.Notice, now time.Time) Entry {
	s := &n.Subject
	line := func(text string) string { return oneLine(text, lineCharacters) }
	e := Entry{
		Title: shortTitle(n),
		Kind:  line(string(s.Kind)), Name: line(s.Name), Place: line(s.Place), Group: line(s.Group),
		What: line(string(n.What)), State: n.To.String(), From: n.From.String(), Good: rank(n) == rankGood,
		Reason: line(cmp.Or(n.Reason, s.Error)),
		Time:   n.Time, Since: n.Time, BadSince: n.BadSince, LastHealthy: s.LastHealthy,
		Link: pageLink(s.Link), Held: n.Held,
	}
	if n.What != alerting.Changed && !s.Since.IsZero() {
		e.Since = s.Since // a change has just reached its state
	}
	if bad := n.Time.Sub(n.BadSince); !n.BadSince.IsZero() && bad >= time.Second {
		e.BadFor = spell(bad)
	}
	if late := now.Sub(n.Time); late >= lateAfter {
		e.Late = spell(late)
	}
	if e.Good {
		e.Reason = line(n.Reason) // an error that is over explains nothing
	} else {
		e.Response = excerpt(s.Response)
	}
	return e
}

// The ranks of a notice: the smaller, the worse.
const (
	rankUnhealthy = iota
	rankDegraded
	rankUnknown
	rankFlapping
	rankGone
	rankUnregistered
	rankGood
)

func rank(n *alerting.Notice) int {
	switch {
	case n.What == alerting.Flapping:
		return rankFlapping
	case n.What == alerting.Unregistered:
		return rankUnregistered
	case n.What == alerting.Departed:
		return rankGone
	}
	switch n.To {
	case health.Unhealthy:
		return rankUnhealthy
	case health.Degraded:
		return rankDegraded
	case health.Healthy:
		return rankGood
	}
	return rankUnknown
}

// shortTitle is the title with a name that leaves room for what is said of it.
func shortTitle(n *alerting.Notice) string {
	const nameCharacters = 150
	short := *n
	short.Subject.Name = oneLine(n.Subject.Name, nameCharacters)
	return short.Title()
}

// titleOf is what the notices amount to: of each subject the latest counts.
func titleOf(notices []alerting.Notice) string {
	latest := map[string]*alerting.Notice{}
	for i := range notices {
		n := &notices[i]
		if before := latest[n.Subject.Key()]; before == nil || before.ID <= n.ID {
			latest[n.Subject.Key()] = n
		}
	}
	if len(latest) == 1 {
		title := shortTitle(latest[notices[0].Subject.Key()])
		if len(notices) > 1 {
			title += fmt.Sprintf(" (%d messages)", len(notices))
		}
		return title
	}
	words := []string{"unhealthy", "degraded", "unknown", "flapping", "gone", "no longer monitored", "back to healthy"}
	counts := make([]int, len(words))
	for _, n := range latest {
		counts[rank(n)]++
	}
	var parts []string
	for rank, count := range counts {
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, words[rank]))
		}
	}
	return strings.Join(parts, ", ")
}

// pageLink is the text if it is a link to a page, and nothing otherwise.
func pageLink(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || len(text) > 2000 {
		return ""
	}
	return parsed.String()
}
