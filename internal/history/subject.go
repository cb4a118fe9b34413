package history

import "strings"

const (
	checkPrefix  = "check:"
	targetPrefix = "target:"
)

// CheckSubject is the subject of a check.
func CheckSubject(name string) string { return checkPrefix + name }

// TargetSubject is the subject of a target: its app, unless that looks like something
// else.
func TargetSubject(app string) string {
	if strings.HasPrefix(app, checkPrefix) || strings.HasPrefix(app, targetPrefix) {
		return targetPrefix + app
	}
	return app
}
