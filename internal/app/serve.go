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

const shutdownTimeout = 10 * time.Second

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

// serve answers requests until ctx is done, and then until those under way have
// been answered.
func (a *App) serve(ctx context.Context, listeners []net.Listener) error {
	srv := &http.Server{
		Handler:           a.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      150 * time.Second, // longer than the longest /probe
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	limit := connections.New(maxConnections(), func(peer netip.Addr) bool {
		return slices.ContainsFunc(a.settings.Load().Access.Proxies, func(p netip.Prefix) bool { return p.Contains(peer) })
	})
	limit.Bind(srv)
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { limit.Watch(watching) })
	defer func() { stopWatching(); watch.Wait() }()
	failed := make(chan error, 1)
	go func() {
		if a.leftToToolkit() {
			failed <- web.ListenAndServe(srv, a.opts.Web, a.log)
		} else {
			failed <- web.ServeMultiple(listeners, srv, a.opts.Web, a.log)
		}
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	a.setNotReady(errors.New("shutting down"))
	a.log.Info("shutting down", "cause", context.Cause(ctx).Error(), "drain_delay", a.opts.DrainDelay)
	a.finding.withdraw()
	select {
	case <-time.After(a.opts.DrainDelay):
	case <-a.opts.Hurry:
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	}
	a.shutdown(context.WithoutCancel(ctx), srv)
	<-failed
	return nil
}

// shutdown waits for the requests under way, for as long as is reasonable.
func (a *App) shutdown(ctx context.Context, srv *http.Server) {
	bounded, cancel := context.WithTimeout(ctx, shutdownTimeout)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-a.opts.Hurry:
			cancel()
		case <-bounded.Done():
		}
	})
	if err := srv.Shutdown(bounded); err != nil {
		srv.Close()
		a.log.Warn("requests were cut off", "err", err)
	}
	cancel()
	waiting.Wait()
}
