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

func TestStorageWithoutBackup(t *testing.T) {
	got := gathered(t, NewStorage(func() StorageStats { return StorageStats{Failed: true} }))
	if _, there := got["health_storage_last_backup_timestamp_seconds{}"]; there {
		t.Error("a backup that never was has a time")
	}
	if got["health_storage_failed{}"] != 1 {
		t.Error("the failure does not show")
	}
}

func TestSchedulerThatHasNotBegun(t *testing.T) {
	got := gathered(t, NewScheduler(fixedStats{}))
	if _, there := got[`health_scheduler_in_flight{lane="slow"}`]; !there {
		t.Errorf("%v", got)
	}
}
