package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

const (
	shop     = `{"app": "web shop", "url": "http://10.0.0.9:8080", "email": "me@example.org", "ttl": 60}`
	shopPath = "/api/v1/targets/web%20shop"
)

func TestLifeOfALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		got := f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", shop))
		if got["ttl"] != 60.0 || got["lease_expires"] != time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano) {
			t.Errorf("ttl %v, expires %v", got["ttl"], got["lease_expires"])
		}
		time.Sleep(50 * time.Second)
		got = f.expect(http.StatusOK, f.do("POST", shopPath+"/renew", ""))
		want := map[string]any{"app": "web shop", "ttl": 60.0, "lease_expires": time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("renewed (-want +got):\n%s", diff)
		}
		time.Sleep(50 * time.Second)
		f.expect(http.StatusOK, f.do("POST", "/api/v1/targets", shop)) // renews too
		renewed := time.Now()
		time.Sleep(60 * time.Second)
		synctest.Wait()

		got = f.expect(http.StatusGone, f.do("GET", shopPath, ""))
		said := "its registration was not renewed since " + renewed.UTC().Format("2006-01-02 15:04:05 UTC")
		if detail := got["detail"].(string); !strings.Contains(detail, said) || !strings.Contains(detail, "gone since "+time.Now().UTC().Format(time.RFC3339)) {
			t.Errorf("410 says %s; want %s", detail, said)
		}
		for _, what := range []string{"pause", "resume", "probe"} {
			f.expect(http.StatusGone, f.do("POST", shopPath+"/"+what, ""))
		}
		got = f.expect(http.StatusNotFound, f.do("POST", shopPath+"/renew", ""))
		if !strings.Contains(got["detail"].(string), said) {
			t.Errorf("404 says %s", got["detail"])
		}
		list := f.expect(http.StatusOK, f.do("GET", "/api/v1/tombstones", ""))
		wantList := map[string]any{"tombstones": []any{map[string]any{
			"app": "web shop", "place": "http://10.0.0.9:8080", "email": "me@example.org", "source": "api", "owner": "anonymous",
			"reason": "lease_expired", "detail": said, "since": renewed.UTC().Format(time.RFC3339Nano),
			"gone_at": time.Now().UTC().Format(time.RFC3339Nano), "last_state": "UNKNOWN",
		}}}
		if diff := cmp.Diff(wantList, list); diff != "" {
			t.Errorf("tombstones (-want +got):\n%s", diff)
		}

		f.expect(http.StatusCreated, f.do("PUT", shopPath, `{"url": "http://10.0.0.9:8080", "ttl": 60}`))
		list = f.expect(http.StatusOK, f.do("GET", "/api/v1/tombstones", ""))
		if diff := cmp.Diff(map[string]any{"tombstones": []any{}}, list); diff != "" {
			t.Errorf("tombstones after it came back (-want +got):\n%s", diff)
		}
		f.expect(http.StatusNoContent, f.do("DELETE", shopPath, "")) // on purpose
		f.expect(http.StatusNotFound, f.do("GET", shopPath, ""))
	})
}

func TestLeasesBelongToTheirOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.from = "192.168.1.2:1"
		token := []string{"Authorization", "Bearer secret-a"}
		f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", shop, token...))
		before, _ := f.registry.LeaseEnd("web shop")
		time.Sleep(10 * time.Second)
		f.expect(http.StatusForbidden, f.do("POST", shopPath+"/renew", ""))
		f.expect(http.StatusForbidden, f.do("POST", shopPath+"/renew", "", "Authorization", "Bearer secret-b"))
		f.expect(http.StatusForbidden, f.do("POST", "/api/v1/targets", shop))
		f.expect(http.StatusUnauthorized, f.do("POST", shopPath+"/renew", "", "Authorization", "Bearer wrong"))
		if after, _ := f.registry.LeaseEnd("web shop"); !after.Equal(before) {
			t.Error("somebody else has renewed the lease")
		}
		f.expect(http.StatusOK, f.do("POST", shopPath+"/renew", "", token...))
		time.Sleep(time.Minute)
		synctest.Wait()
		f.expect(http.StatusForbidden, f.do("DELETE", shopPath, ""))
		f.expect(http.StatusGone, f.do("GET", shopPath, ""))
		f.expect(http.StatusNoContent, f.do("DELETE", shopPath, "", token...))
		f.expect(http.StatusNotFound, f.do("DELETE", shopPath, "", token...))
	})
}

func TestRenewingInVain(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas))
	f.registry.Replace("config", []prober.Target{{App: "router", URL: "http://10.0.0.1"}})
	f.expect(http.StatusConflict, f.do("POST", "/api/v1/targets/nas/renew", ""))
	f.expect(http.StatusConflict, f.do("POST", "/api/v1/targets/router/renew", ""))
	f.expect(http.StatusNotFound, f.do("POST", "/api/v1/targets/nobody/renew", ""))
	f.expect(http.StatusMethodNotAllowed, f.do("GET", "/api/v1/targets/nas/renew", ""))
	if got := f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/nas", "")); got["ttl"] != nil || got["lease_expires"] != nil {
		t.Errorf("without a lease: %v", got)
	}
}

func TestTTLs(t *testing.T) {
	f := newFixture(t)
	for value, want := range map[string]string{
		"30": "", "86400": "", "null": "",
		"29": "must be between 30 and 86400, not 29", "86401": "must be between 30 and 86400, not 86401", "-60": "must be between 30 and 86400, not -60",
		"0":    "must be between 30 and 86400, not 0; leave it out for a registration that never expires",
		`"60"`: "must be a whole number of seconds", "60.5": "must be a whole number of seconds", "1e2": "must be a whole number of seconds",
		"99999999999": "must be between 30 and 86400", "true": "must be a whole number of seconds",
	} {
		w := f.do("POST", "/api/v1/targets", fmt.Sprintf(`{"app": "a", "url": "http://10.0.0.1", "ttl": %s}`, value))
		if want == "" {
			if w.Code >= 300 {
				t.Errorf("%s: %d %s", value, w.Code, w.Body)
			}
			continue
		}
		got := f.expect(http.StatusBadRequest, w)
		wantErrors := []any{map[string]any{"field": "ttl", "detail": want}}
		if diff := cmp.Diff(wantErrors, got["errors"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", value, diff)
		}
	}
}
