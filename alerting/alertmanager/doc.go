// Package alertmanager is the way out to Alertmanager without a Prometheus. A Pusher
// reads a journal of events, looks at the subjects that are not just well, and pushes the
// alerts that a Prometheus with the shipped rules would have sent: the same names, labels
// and texts, each state an alert of its own. Pusher and its goroutine for each Alertmanager carry, Memory says
// what is worth telling; it knows neither time nor network, and survives restarts.
package alertmanager
