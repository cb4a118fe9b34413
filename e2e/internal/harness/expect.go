package harness

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Expectation is the mails about one target that a mailbox should have.
type Expectation struct {
	Box   *Mailbox
	App   string
	To    string     // whoever gets them
	Mails []Received // those expected so far
}

// Expect waits for one more mail. All that came until then must be as expected.
func (x *Expectation) Expect(t *testing.T, subject string) {
	t.Helper()
	x.Mails = append(x.Mails, Received{x.To, subject})
	Await(t, MailLimit, "there is a mail "+subject, func() error {
		if got := x.Box.About(x.App); len(got) < len(x.Mails) {
			return fmt.Errorf("there are %q", got)
		}
		return nil
	})
	x.Check(t)
}

// Check compares the mails that have come with those expected.
func (x *Expectation) Check(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(x.Mails, x.Box.About(x.App)); diff != "" {
		t.Fatalf("mails about %s (-want +got):\n%s", x.App, diff)
	}
}

// StaysQuiet checks for a while that no more mails come.
func (x *Expectation) StaysQuiet(t *testing.T, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		x.Check(t)
	}
}
