// Package alertmanager tests what people are mailed through Prometheus and Alertmanager,
// with the rules, templates, dashboards and examples as they are shipped, and that it is
// the same as what the exporter mails by itself. It has nothing but tests.
package alertmanager
