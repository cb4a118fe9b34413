package app

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// TestHurry ends the drain delay, which else lasts an hour.
func TestHurry(t *testing.T) {
	hurry := make(chan struct{})
	r := start(t, Options{DrainDelay: time.Hour, Hurry: hurry})
	r.stop(errors.New("the test stops it"))
	r.eventually("not ready", func() bool { code, _ := r.get("/-/ready"); return code == http.StatusServiceUnavailable })
	select {
	case err := <-r.ended:
		t.Fatalf("it ended before the delay was over: %v", err)
	default:
	}
	close(hurry)
	select {
	case err := <-r.ended:
		if err != nil {
			t.Error(err)
		}
		close(r.ended)
	case <-time.After(20 * time.Second):
		t.Fatal("it still drains")
	}
}
