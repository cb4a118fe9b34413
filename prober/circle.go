package prober

import (
	"fmt"
	"strings"
)

// CircleError says that targets depend on each other in a cycle: none of them could
// explain that another one is down.
type CircleError struct {
	// Names begins and ends with the same target.
	Names []string
}

// Error names the circle.
func (e *CircleError) Error() string {
	quoted := make([]string, len(e.Names))
	for i, name := range e.Names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return "makes a circle: " + strings.Join(quoted, " depends on ")
}

// Circle finds a circle through a name, in what each name depends on; nil if there is
// none.
func Circle(name string, dependsOn func(name string) []string) *CircleError {
	seen := map[string]bool{}
	var path []string
	var back func(at string) bool // reports whether the way leads back to name
	back = func(at string) bool {
		path = append(path, at)
		for _, next := range dependsOn(at) {
			if next == name {
				path = append(path, name)
				return true
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if back(next) {
				return true
			}
		}
		path = path[:len(path)-1]
		return false
	}
	if back(name) {
		return &CircleError{Names: path}
	}
	return nil
}
