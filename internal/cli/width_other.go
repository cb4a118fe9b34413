//go:build !unix

package cli

import "os"

// WidthOf is how many characters a line of a terminal has; 0 for unknown.
func WidthOf(*os.File) int { return 0 }
