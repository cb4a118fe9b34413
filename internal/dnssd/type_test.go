package dnssd_test

import (
	"testing"

	"github.com/health-exporter/health_exporter/internal/dnssd"
)

func TestParseType(t *testing.T) {
	for text, want := range map[string]string{
		"_http._tcp": "_http._tcp", "_HTTP._TCP": "_http._tcp", "_a._udp": "_a._udp", "_h2-c._tcp": "_h2-c._tcp",
		"_prometheus-http._tcp": "_prometheus-http._tcp", // as long as a name can be
		dnssd.HealthCheck:       "_health-check._tcp",
		dnssd.HealthExporter:    "_health-exporter._tcp",
	} {
		if got, err := dnssd.ParseType(text); err != nil || got != want {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "http", "_http", "http._tcp", "_http.tcp", "_http._sctp", "_._tcp", "_prometheus-https._tcp", "_a b._tcp", "_a_b._tcp",
		"_ü._tcp", "_http._tcp.", "_http._tcp.local", " _http._tcp", "_http._tcp\n", "_a._b._tcp", "__http._tcp", "_\u212a._tcp",
	} {
		want := `is not a valid type of service, such as _http._tcp`
		if got, err := dnssd.ParseType(text); err == nil || got != "" || err.Error()[len(err.Error())-len(want):] != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}
