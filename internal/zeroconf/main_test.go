package zeroconf

import (
	"testing"

	"go.uber.org/goleak"
)

// The library's probe goes on for some seconds after the end of its server.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/grandcat/zeroconf.(*Server).probe"))
}
