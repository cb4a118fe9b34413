// Package browser looks at the pages with a real browser, and for faults of
// accessibility. It has nothing but tests.
package browser
