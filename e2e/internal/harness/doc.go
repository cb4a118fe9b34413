// Package harness starts what the end-to-end tests need: the program, built once for each
// package of tests, other processes, a mailbox and a service whose health can be chosen.
package harness
