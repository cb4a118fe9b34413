// Package restarts kills and stops the program: what it has acknowledged must be there
// when it is back, and nothing is mailed twice or not at all. It has nothing but tests.
package restarts
