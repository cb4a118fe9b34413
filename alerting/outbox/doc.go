// Package outbox tells people of changes by e-mail: whom, when, and that it is done.
// It reads a journal of events, asks alerting.Memory which of them are worth telling,
// keeps that on disk until it is told, collects what has the same cause or
// comes in quick succession into one mail, holds back what maintenance or the outage
// of another subject explains, and tries again when the mail server is away.
//
// The place in the journal is committed together with the notices that were made of its
// events, so that each event is taken in once, whatever is killed. Only subjects that are
// not just well are remembered: what is bad, flapping, gone, or was so a moment ago. What
// time alone brings, such as reminders, waits in a heap of deadlines. Whoever is told for
// the first time is told of what is bad then, and of nothing older. Of more than a mail can
// list, and of more than the queue can hold, only the outcome is told.
package outbox
