// Package app assembles the exporter from its parts: what is configured, registered and found
// is scheduled, and the results are stored, notified and shown.
//
// The parts are, in the order in which they are opened and begin: storage (the registry),
// telling (mails, alerts, maintenance), past (the history), polling (targets on their
// schedule), checking (in-process checks on theirs), serving (HTTP) and finding (discovery,
// and the local network). App loads the configuration, hands it to all of them, at the
// start and with each reload, and ends them in order: not ready, states saved, requests
// finished and probes ended, states saved again, and all closed, the last first.
package app
