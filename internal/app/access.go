package app

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/server/access"
)

// accessRules are the configuration's rules of who may do what.
func (s *serving) accessRules(cfg *config.Config) access.Rules {
	r := &cfg.Registration
	rules := access.Rules{
		Read: cfg.Access.Read, Debug: cfg.Access.Debug, Closed: !r.Enabled, Networks: r.Networks,
		NoLocalTrust: !cfg.Access.LocalTrust, Proxies: cfg.Access.Proxies, Hosts: cfg.Access.Hosts,
		Holder: r.Bearer, Has: func(holder string, right access.Right) bool { return r.Has(holder, string(right)) },
	}
	for _, external := range []string{cfg.Alerting.ExternalURL, s.opts.ExternalURL} {
		if external != "" {
			rules.URLs = append(rules.URLs, external)
		}
	}
	if reason := proxyOnThisHost(s.opts.listenAddresses(), rules.URLs); reason != "" && cfg.Access.LocalTrust && len(rules.Proxies) == 0 {
		s.log.Warn("a proxy on this host seems to forward requests of others: unless it is in access.proxies and says on whose behalf it asks, "+
			"or access.local_trust is false, they all count as this host, which may do everything", "listening", strings.Join(s.opts.listenAddresses(), " "),
			"external_url", reason)
	}
	return rules
}

// proxyOnThisHost is the URL that others find us by although we listen on loopback only;
// empty if that is not so.
func proxyOnThisHost(listen, external []string) string {
	if len(listen) == 0 {
		return ""
	}
	for _, address := range listen {
		if host, _, err := net.SplitHostPort(address); err != nil || !isLoopback(host) {
			return ""
		}
	}
	for _, each := range external {
		if u, err := url.Parse(each); err == nil && u.Host != "" && !isLoopback(u.Hostname()) {
			return each
		}
	}
	return ""
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// hasUsers reports whether the web configuration has users, whose passwords
// exporter-toolkit checks.
func hasUsers(file *string) bool {
	var web struct {
		Users map[string]any `yaml:"basic_auth_users"`
	}
	return readWebConfig(file, &web) && len(web.Users) > 0
}

// usesTLS reports whether the web configuration has the listeners speak it.
func usesTLS(file *string) bool {
	var web struct {
		TLS map[string]any `yaml:"tls_server_config"`
	}
	return readWebConfig(file, &web) && len(web.TLS) > 0
}

// readWebConfig reads what it wants of exporter-toolkit's file; whether that is valid is
// for exporter-toolkit to say.
func readWebConfig(file *string, into any) bool {
	if file == nil || *file == "" {
		return false
	}
	text, err := os.ReadFile(*file)
	return err == nil && yaml.Unmarshal(text, into) == nil
}
