//go:build !linux

package envinfo

import "time"

// loaded is close to when the process began, where the system is not asked. It
// never changes.
var loaded = time.Now()

func startTime() time.Time { return loaded }
