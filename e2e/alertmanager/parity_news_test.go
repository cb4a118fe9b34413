package alertmanager

import (
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// news is what one mail tells: of whom, what, and to whom.
type news struct{ To, Name, Word string }

func (n news) String() string { return n.Name + " " + n.Word + " to " + n.To }

func sorted(list []news) []news {
	return slices.SortedFunc(slices.Values(list), func(a, b news) int { return strings.Compare(a.String(), b.String()) })
}

// without is what a list has more than another one.
func without(list, other []news) []news {
	left := slices.Clone(other)
	var more []news
	for _, n := range list {
		if i := slices.Index(left, n); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			more = append(more, n)
		}
	}
	return more
}

// newsIn is what the mails tell. Whatever is not a sentence that is known stands for itself.
// A mail that was sent again is the same mail.
func newsIn(t *testing.T, box *harness.Mailbox) []news {
	t.Helper()
	var list []news
	seen := map[string]bool{}
	for _, l := range box.All() {
		to, subject, id := strings.Join(l.To, ", "), l.Header("Subject"), l.Header("Message-Id")
		if id != "" && seen[id] {
			continue
		}
		seen[id] = true
		if word, sentence, ok := strings.Cut(strings.TrimPrefix(subject, "["), "] "); ok {
			if n := newsOf(to, sentence); n.Word == word {
				list = append(list, n)
				continue
			}
		}
		if n := newsOf(to, subject); n.Name != "" {
			list = append(list, n)
			continue
		}
		list = append(list, digest(t, &l, to, subject)...)
	}
	return list
}

// digest is what a mail tells that has several pieces of news.
func digest(t *testing.T, l *harness.Letter, to, subject string) []news {
	t.Helper()
	parts, err := l.Parts()
	if err != nil {
		t.Fatalf("mail %q: %v", subject, err)
	}
	var list []news
	for line := range strings.Lines(parts["text/plain"]) {
		if sentence, ok := strings.CutSuffix(strings.TrimSpace(line), "."); ok {
			if n := newsOf(to, sentence); n.Name != "" {
				list = append(list, n)
			}
		}
	}
	if len(list) == 0 {
		return []news{{To: to, Word: subject}}
	}
	return list
}

// newsOf takes a sentence apart.
func newsOf(to, sentence string) news {
	for end, word := range map[string]string{
		" health is degraded": "DEGRADED", " is unhealthy": "UNHEALTHY", " is back to healthy": "HEALTHY", " health is unknown": "UNKNOWN",
		" keeps changing its state": "FLAPPING", " is no longer monitored": "UNREGISTERED",
	} {
		if name, ok := strings.CutSuffix(sentence, end); ok {
			return news{to, name, word}
		}
	}
	return news{To: to, Word: sentence}
}
