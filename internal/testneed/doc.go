// Package testneed is what a test calls that needs something which not every machine
// has: a program, root, a network namespace, IPv6, multicast. Where it is missing the
// test is skipped, and says what is missing and how to get it; where everything has to
// be there (E2E_REQUIRE=all, as on CI) the test fails instead. What runs only when it
// is asked for, since it takes long or makes something, has functions of its own.
//
// No test skips itself in any other way: a test of this package sees to it.
package testneed
