package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/internal/server/connections"
)

// listen opens the listeners, so that a taken port is found before anything else
// happens. With systemd's sockets, or vsock, it leaves that to serve.
func (a *App) listen() ([]net.Listener, error) {
	if a.leftToToolkit() {
		return nil, nil
	}
	var listeners []net.Listener
	for _, address := range *a.opts.Web.WebListenAddresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return nil, listenError(address, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func (a *App) leftToToolkit() bool {
	if a.opts.Web.WebSystemdSocket != nil && *a.opts.Web.WebSystemdSocket {
		return true
	}
	for _, address := range *a.opts.Web.WebListenAddresses {
		if strings.HasPrefix(address, "vsock://") {
			return true
		}
	}
	return false
}

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: the port is taken; is another health_exporter running? "+
			"Choose another port with --web.listen-address", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: not permitted; choose a port above 1023 with --web.listen-address", address)
	}
	return fmt.Errorf("cannot listen on %s: %w; see --web.listen-address", address, err)
}

// served is the server while it runs.
type served struct {
	server *http.Server
	failed chan error // receives when it has ended, and is closed then
	unbind func()     // ends the watch over its connections
}

// serve begins to answer requests.
func (a *App) serve(ctx context.Context, listeners []net.Listener) *served {
	s := &served{failed: make(chan error, 1), server: &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      150 * time.Second, // longer than the longest /probe
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}}
	limit := connections.New(maxConnections(), func(peer netip.Addr) bool {
		return slices.ContainsFunc(a.settings.Load().Access.Proxies, func(p netip.Prefix) bool { return p.Contains(peer) })
	})
	limit.Bind(s.server)
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { limit.Watch(watching) })
	s.unbind = func() { stopWatching(); watch.Wait() }
	go func() {
		defer close(s.failed)
		if a.leftToToolkit() {
			s.failed <- web.ListenAndServe(s.server, a.opts.Web, a.log)
		} else {
			s.failed <- web.ServeMultiple(listeners, s.server, a.opts.Web, a.log)
		}
	}()
	return s
}
