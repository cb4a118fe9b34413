// Package dnssd has the names of services as DNS-SD (RFC 6763) writes them: the one
// place that the configuration, the browser, the commands and the client library have
// them from.
package dnssd

import (
	"fmt"
	"strings"
)

// Types of services that are known by name.
const (
	HealthCheck    = "_health-check._tcp"    // devices that want to be polled
	HealthExporter = "_health-exporter._tcp" // exporters
	Prometheus     = "_prometheus-http._tcp" // whatever has metrics
	HTTP           = "_http._tcp"            // whatever has pages
)

// maxName is the longest name of a service, without the underscore (RFC 6335).
const maxName = 15

// ParseType reads a type of service such as _http._tcp and writes it in lower case, since
// to DNS case makes no difference.
func ParseType(text string) (service string, err error) {
	service = strings.ToLower(text)
	name, protocol, _ := strings.Cut(service, ".")
	name, underscore := strings.CutPrefix(name, "_")
	switch {
	case !underscore, len(name) < 1, len(name) > maxName, protocol != "_tcp" && protocol != "_udp",
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "",
		len(service) != len(text): // ToLower makes letters of others, such as the sign of Kelvin
		return "", fmt.Errorf("%q is not a valid type of service, such as _http._tcp", text)
	}
	return service, nil
}
