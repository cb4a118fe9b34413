package server

import (
	"net/http"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

func TestWhoMayRegister(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		name, from, token string
		status            int
	}{
		{"private", "192.168.1.2:1", "", 201},
		{"public", "8.8.8.8:1", "", 401},
		{"public with token", "8.8.8.8:1", "secret-a", 201},
		{"public with wrong token", "8.8.8.8:1", "guess", 401},
		{"private with wrong token", "192.168.1.2:1", "guess", 401},
		{"no address", "@", "", 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			f.from = test.from
			body := `{"app": "` + test.name + `", "url": "http://10.0.0.1"}`
			var header []string
			if test.token != "" {
				header = []string{"Authorization", "Bearer " + test.token}
			}
			w := f.do("POST", "/api/v1/targets", body, header...)
			f.expect(test.status, w)
			if test.status == 401 && w.Header().Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
		})
	}
	f.settings.Access.Closed = true
	f.from = "127.0.0.1:1"
	f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets", nas))
}

func TestTargetsBelongToTheirOwners(t *testing.T) {
	f := newFixture(t)
	f.from = "192.168.1.2:1"
	a, b := []string{"Authorization", "Bearer secret-a"}, []string{"Authorization", "Bearer secret-b"}
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas, a...))
	for _, other := range [][]string{b, nil} {
		f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets", nas, other...))
		f.expect(http.StatusForbidden, f.do("DELETE", "/api/v1/targets/nas", "", other...))
		f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets/nas/pause", "", other...))
		f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets/nas/probe", "", other...))
	}
	f.expect(http.StatusNoContent, f.do("DELETE", "/api/v1/targets/nas", "", a...))
}

func TestTargetsOfTheFileStay(t *testing.T) {
	f := newFixture(t)
	f.registry.Replace("config", []prober.Target{{App: "nas", URL: "http://10.0.0.9", Source: "config", Interval: time.Minute, Timeout: time.Second}})
	f.apply()
	f.expect(http.StatusConflict, f.do("POST", "/api/v1/targets", nas))
	f.expect(http.StatusConflict, f.do("PUT", "/api/v1/targets/nas", nas))
	f.expect(http.StatusConflict, f.do("DELETE", "/api/v1/targets/nas", ""))
	if got := f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/pause", "")); got["paused"] != true {
		t.Errorf("%v", got)
	}
}

func TestQuotas(t *testing.T) {
	f := newFixture(t)
	f.settings.Registration.MaxTargets, f.settings.Registration.MaxTargetsPerOwner = 3, 2
	put := func(app string, header ...string) int {
		return f.do("POST", "/api/v1/targets", `{"app": "`+app+`", "url": "http://10.0.0.1"}`, header...).Code
	}
	token := []string{"Authorization", "Bearer secret-a"}
	for i, got := range []int{put("a"), put("b"), put("c"), put("a"), put("d", token...), put("e", token...)} {
		if want := []int{201, 201, 429, 200, 201, 429}[i]; got != want {
			t.Errorf("registration %d: status %d, want %d", i, got, want)
		}
	}
}
