// Package checks has ready-made checks for package health: for what most programs
// depend on, and what a machine can run out of.
//
// Each check is a struct whose fields are its options, with a method Run that makes
// one attempt:
//
//	checker, err := health.New(
//		health.Check{Name: "database", Run: checks.SQL{DB: db}.Run, Remote: true},
//		health.Check{Name: "disk", Run: checks.Disk{Path: "/var/lib"}.Run, Groups: []string{health.Live}},
//	)
//
// The tags name the keys that the options have in a configuration file of the
// exporter, "-" means that there is none; this package reads no file itself.
//
// The zero value of an option is its default. A check whose options can be wrong
// has a method Check that reports it before the first run; Run reports it too. Run obeys
// its context, sets an output for people (health.Say) and reports what it
// measured (health.Observe). It is safe for
// concurrent use.
//
// This package needs the standard library only. Checks that need more are in
// packages of their own: checks/amqp, checks/celery and checks/probe.
package checks
