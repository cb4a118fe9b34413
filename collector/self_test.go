package collector

import (
	"runtime"
	"testing"
)

func TestBuildInfo(t *testing.T) {
	for _, test := range []struct{ version, revision, want string }{
		{"1.2.3", "abc", `revision="abc",version="1.2.3"`},
		{"", "", `revision="unknown",version="unknown"`},
	} {
		got := gathered(t, NewBuildInfo(test.version, test.revision))
		want := `health_exporter_build_info{goversion="` + runtime.Version() + `",` + test.want + `}`
		if got[want] != 1 {
			t.Errorf("no %s in %v", want, got)
		}
	}
}
