package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/common/config"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Alertmanager is one to push alerts to, in the words of Prometheus' configuration.
type Alertmanager struct {
	// URL is where it is, and PathPrefix below what; At puts them together.
	URL           string                `yaml:"url"`
	PathPrefix    string                `yaml:"path_prefix"`
	BasicAuth     *config.BasicAuth     `yaml:"basic_auth"`
	Authorization *config.Authorization `yaml:"authorization"`
	TLSConfig     config.TLSConfig      `yaml:"tls_config"`
}

// At is the base URL, without /api/v2/alerts.
func (a *Alertmanager) At() string {
	at := strings.TrimRight(a.URL, "/")
	if prefix := strings.Trim(a.PathPrefix, "/"); prefix != "" {
		at += "/" + prefix
	}
	return at
}

// Client is how to make requests to it.
func (a *Alertmanager) Client() config.HTTPClientConfig {
	c := config.DefaultHTTPClientConfig
	c.BasicAuth, c.Authorization, c.TLSConfig, c.FollowRedirects = a.BasicAuth, a.Authorization, a.TLSConfig, false
	return c
}

// alertmanagers decodes a list of URLs, and of mappings that say more.
func (d *decoder) alertmanagers(nodes []yaml.Node) []Alertmanager {
	var list []Alertmanager
	for i := range nodes {
		n, path := &nodes[i], fmt.Sprintf("alerting.alertmanagers[%d]", i)
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		a, at := Alertmanager{URL: n.Value}, path
		if n.Kind == yaml.MappingNode {
			a, at = Alertmanager{}, strictyaml.Join(path, "url")
			if d.Decode(n, path, &a) {
				namedFiles(n, path, "", d.Faults.Add)
			}
		}
		if err := checkBaseURL(a.URL, "http://localhost:9093"); err != nil {
			d.Faults.Add(strictyaml.LineOf(n, "url", n.Line), at, "%s", err)
		}
		if strings.ContainsAny(a.PathPrefix, "?#") {
			d.Faults.Add(strictyaml.LineOf(n, "path_prefix", n.Line), strictyaml.Join(path, "path_prefix"), "%q is not a valid path, such as /alertmanager", a.PathPrefix)
		}
		client := a.Client()
		if err := client.Validate(); err != nil {
			d.Faults.Add(n.Line, path, "%s", err)
		}
		a.BasicAuth, a.Authorization = client.BasicAuth, client.Authorization // with their defaults
		if slices.ContainsFunc(list, func(b Alertmanager) bool { return a.At() == b.At() }) {
			d.Faults.Add(n.Line, path, "%q is given twice", shownURL(a.URL+a.PathPrefix))
		}
		list = append(list, a)
	}
	return list
}

// checkBaseURL never repeats a URL that has a password in it, or what may be one.
func checkBaseURL(text, example string) error {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.User != nil:
		return errors.New("must not have a user or password: they have keys of their own, or are not used")
	case err == nil && (u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#")):
		return fmt.Errorf("must have no query and no fragment: %q is like %s", shownURL(text), example)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%q is not a valid URL, such as %s", shownURL(text), example)
	}
	return nil
}
