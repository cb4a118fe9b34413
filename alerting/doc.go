// Package alerting holds what turns states into e-mails with Prometheus and
// Alertmanager: rules, their unit tests, and templates of the mails. They are
// embedded, so that the rules always fit the metrics of the program that writes
// them. The rules for targets and those for in-process checks are files of their
// own: a program with checks and no exporter needs only the latter.
//
// The rules make each state of a target or check, HEALTHY too, a firing alert of
// its own, and no receiver is told of resolved ones. An alert also resolves when its
// series just disappear: because the exporter is down, Prometheus was restarted, or
// the target was unregistered. A mail "back to healthy" made from that would often
// be false. For the same reason the rules keep the last state while the exporter
// cannot be scraped, and that of a check while its program, started again, has not
// found out yet.
package alerting
