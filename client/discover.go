package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/internal/dnssd"
)

// ExporterType is the type of service under which exporters are found:
// _health-exporter._tcp.
const ExporterType = dnssd.HealthExporter

const (
	// discoverTimeout bounds Discover if its context does not do so earlier.
	discoverTimeout = 3 * time.Second
	// settleTime is how long other exporters may take to answer after the first has.
	settleTime = 400 * time.Millisecond
)

// Service is something that was found on the network by multicast DNS. Anybody on
// the network can make us find anything: none of it is to be trusted.
type Service struct {
	// Name is what a person would call it, and Type is such as _http._tcp.
	Name, Type string
	// Host is the name of the computer; Address is to be used in its place.
	Host    string
	Address netip.Addr
	Port    uint16
	// Text are the keys of its TXT record, in lower case.
	Text map[string]string
}

// URL is that of the service's root, http unless its text says scheme=https.
func (s *Service) URL() string {
	scheme := "http"
	if s.Text["scheme"] == "https" {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(s.Address.String(), strconv.Itoa(int(s.Port)))}
	return u.String()
}

// exporter is the URL of an exporter, which may serve all its pages below a path: it
// announces where one registers.
func (s *Service) exporter() string {
	below, ok := strings.CutSuffix(s.Text["register"], "/api/v1/targets")
	if !ok || below == "" || below[0] != '/' || strings.Contains(below, "//") || strings.Contains(below, "/.") || strings.ContainsAny(below, "?#\\%@ ") {
		return s.URL()
	}
	return s.URL() + below
}

func compareServices(a, b Service) int {
	return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Type, b.Type),
		a.Address.Compare(b.Address), cmp.Compare(a.Port, b.Port))
}

// Discover finds an exporter on the local network by multicast DNS and returns its URL.
// It takes 3 s at most, and usually well below one. Of several exporters it takes
// the first in the order of names, of those that answer within 0.4 s of one another.
// Networks of containers carry no multicast: there, set HEALTH_EXPORTER_URL. The error
// is ErrNotFound, or says that ctx was done before.
func Discover(ctx context.Context) (url string, err error) {
	bounded, cancel := context.WithTimeout(ctx, discoverTimeout)
	defer cancel()
	found := (&search{services: []string{ExporterType}, settle: settleTime}).run(bounded, paths())
	if len(found) > 0 {
		return found[0].exporter(), nil
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%w (%w)", ErrNotFound, err)
	}
	return "", ErrNotFound
}

// Browse lists the services of these types on the local network, in the order of
// names. It listens until ctx is done; 2 s are usually enough.
func Browse(ctx context.Context, types ...string) ([]Service, error) {
	if len(types) == 0 {
		return nil, errors.New("browsing: no type of service is given")
	}
	s := search{}
	for _, each := range types {
		service, err := dnssd.ParseType(each)
		if err != nil {
			return nil, fmt.Errorf("browsing: %w", err)
		}
		s.services = append(s.services, service)
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, discoverTimeout)
		defer cancel()
	}
	return s.run(ctx, paths()), nil
}

// Multicast is the default Finder: Discover.
type Multicast struct{}

// Find returns the URL of an exporter.
func (Multicast) Find(ctx context.Context) (string, error) { return Discover(ctx) }

// remembered asks a Finder once, until what it has found is forgotten.
type remembered struct {
	finder Finder

	mu    sync.Mutex
	found string
}

func (r *remembered) Find(ctx context.Context) (string, error) {
	r.mu.Lock()
	found := r.found
	r.mu.Unlock()
	if found != "" {
		return found, nil
	}
	found, err := r.finder.Find(ctx)
	if err == nil {
		r.mu.Lock()
		r.found = found
		r.mu.Unlock()
	}
	return found, err
}

func (r *remembered) forget() {
	r.mu.Lock()
	r.found = ""
	r.mu.Unlock()
}
