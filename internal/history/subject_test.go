package history

import "testing"

func TestSubjectsAreUnique(t *testing.T) {
	names := []string{"a", "check:a", "target:a", "target:check:a", "check:check:a", "target:target:a", ""}
	seen := map[string]string{}
	for _, name := range names {
		for _, subject := range []struct{ kind, key string }{{"target", TargetSubject(name)}, {"check", CheckSubject(name)}} {
			if other, twice := seen[subject.key]; twice {
				t.Errorf("%q is the %s %q and the %s", subject.key, subject.kind, name, other)
			}
			seen[subject.key] = subject.kind + " " + name
		}
	}
	if TargetSubject("media-centre") != "media-centre" || CheckSubject("disk") != "check:disk" {
		t.Error("plain names are not left as they are")
	}
}
