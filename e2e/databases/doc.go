// Package databases tests the ready-made checks of databases and brokers against real
// ones. It has nothing but tests.
package databases
