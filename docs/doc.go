// Package docs has nothing but tests, which hold the pages of this folder, the README
// and the examples against the program: command lines are run and their output is
// compared, code is compiled, configurations are loaded, links are followed, and what
// is named is looked for.
package docs
