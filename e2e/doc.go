// Package e2e tests the program as a whole: the binary as it is built, with a real
// browser, real Prometheus, Alertmanager and SMTP servers, and the rules, templates
// and examples as they are shipped. It has nothing but tests.
//
// setup.sh installs what they use. A test that lacks a program is skipped and says
// which package has it; with E2E_REQUIRE=all in the environment it fails (internal/testneed).
package e2e
