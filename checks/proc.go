package checks

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// root is where the kernel's files are found: below /, or below another folder if
// those of the host are mounted there in a container.
type root string

func (r root) path(file string) string {
	return filepath.Join(cmp.Or(string(r), "/"), filepath.FromSlash(file))
}

// read reads a small file of the kernel's.
func (r root) read(file string) (string, error) {
	text, err := os.ReadFile(r.path(file))
	return strings.TrimSpace(string(text)), err
}

// cgroups lists the folders of the control groups (version 2) that this process is
// in, the innermost first. The list is empty without version 2.
func (r root) cgroups() []string {
	text, err := r.read("proc/self/cgroup")
	if err != nil {
		return nil
	}
	var folders []string
	for line := range strings.Lines(text) {
		// In a container the path may be that of the host, which is not there.
		at, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		if !ok {
			continue
		}
		for at = path.Join("/", at); ; at = path.Dir(at) {
			folders = append(folders, path.Join("sys/fs/cgroup", at))
			if at == "/" {
				return folders
			}
		}
	}
	return nil
}
