// Package e2e tests the program as a whole: the binary as it is built, its commands, and
// behind a proxy. It has nothing but tests, as have the packages below it, one for each
// kind of peer that the tests need.
//
// setup.sh installs what they use. A test that lacks a program is skipped and says
// which package has it; with E2E_REQUIRE=all in the environment it fails (internal/testneed).
package e2e
