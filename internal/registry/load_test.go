package registry

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	target := func(app, owner string, paused bool) prober.Target {
		return prober.Target{
			App: app, URL: "http://10.0.0.1", Interval: 30 * time.Second, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 10,
			Source: prober.SourceAPI, Owner: owner, From: "10.0.0.9", RegisteredAt: at, Paused: paused,
		}
	}
	if _, err := r.Put(target("a", "anonymous", false)); err != nil {
		t.Fatal(err)
	}
	if err := r.SetPaused("a", true); err != nil {
		t.Fatal(err)
	}
	loaded := []prober.Target{target("a", "token:nas", false), target("b", "token:shop", true)}
	if err := r.Load(loaded); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		var got []prober.Target
		for _, each := range r.Targets() {
			got = append(got, *each)
		}
		if diff := cmp.Diff(loaded, got); diff != "" {
			t.Error(diff)
		}
	}
	check()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = Open(Options{Path: dir}); err != nil {
		t.Fatal(err)
	}
	check()
	bad := []prober.Target{target("c", "", false), target("", "", false)}
	if err := r.Load(bad); err == nil || len(r.Targets()) != 2 {
		t.Errorf("with a bad one among them: %v, %d targets", err, len(r.Targets()))
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Load(loaded); !errors.Is(err, ErrStorage) {
		t.Errorf("when closed: %v", err)
	}
}
