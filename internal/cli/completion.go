package cli

import (
	_ "embed"
	"fmt"
	"io"
)

// The scripts ask the program itself what could come next, one answer a line: names
// of targets may have spaces.
var (
	//go:embed completion/bash.sh
	completionBash string
	//go:embed completion/zsh.sh
	completionZsh string
	//go:embed completion/fish.sh
	completionFish string
)

// Shells are those that can complete.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Completion writes the script for a shell.
func Completion(out io.Writer, shell string) int {
	fmt.Fprint(out, map[string]string{"bash": completionBash, "zsh": completionZsh, "fish": completionFish}[shell])
	return ExitOK
}
