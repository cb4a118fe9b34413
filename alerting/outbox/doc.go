// Package outbox tells people of changes by e-mail: whom, when, and that it is done.
// It is shown the subjects and their changes, asks alerting.Memory what of it is worth
// telling, keeps that on disk until it is told, collects what has the same cause or
// comes in quick succession into one mail, holds back what maintenance or the outage
// of another subject explains, and tries again when the mail server is away.
package outbox
