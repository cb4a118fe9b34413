// Package alerting holds what all ways of telling people have in common: the shipped
// files, and what is worth telling.
//
// The files (Files) are rules for Prometheus with their unit tests, templates
// for Alertmanager and dashboards for Grafana. They are embedded, so that they always
// fit the metrics of the program that writes them. The rules for targets and those for
// in-process checks are files of their own: a program with checks and no exporter needs
// only the latter. The rules make each state of a target or check, HEALTHY too, a
// firing alert of its own, and no receiver is told of resolved ones. An alert also
// resolves when its series just disappear: because the exporter is down, Prometheus was
// restarted, or the target was unregistered. A mail "back to healthy" made from that
// would often be false. For the same reason the rules keep the last state while the
// exporter cannot be scraped, and that of a check while its program, started again, has
// not found out yet.
//
// Without Prometheus the exporter tells people itself, in packages below this one:
// outbox says who is mailed when, mail writes and sends the mails, alertmanager pushes
// the alerts of the rules, and maintenance keeps the windows that people add. They share the words Subject, Change and Notice, the
// machine Memory that says what is worth telling of a subject, the figures of flapping
// and stalling, and the maintenance windows (Window). Nothing here has a disk, a
// network or a clock.
package alerting
