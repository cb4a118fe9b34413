// Package oracle compares the answers of /probe, and other pages, with those of a real
// blackbox_exporter. It has nothing but tests.
package oracle
