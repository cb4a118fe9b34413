//go:build unix

package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// WidthOf is how many characters a line of a terminal has; 0 for other files.
func WidthOf(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
