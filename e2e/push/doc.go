// Package push tests alerts that are pushed to real Alertmanagers, alone and in a
// cluster. It has nothing but tests.
package push
