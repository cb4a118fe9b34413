package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/server"
	"github.com/health-exporter/health_exporter/internal/server/connections"
	"github.com/health-exporter/health_exporter/prober"
)

// serving answers over HTTP, and knows whether the exporter is ready.
type serving struct {
	opts    *Options
	log     *slog.Logger
	modules func() map[string]*prober.Module // those of the configuration in force
	surface http.Handler                     // the whole HTTP surface; there once everything is loaded

	handler   atomic.Pointer[http.Handler]    // what answers: until it has begun only that it starts
	settings  atomic.Pointer[server.Settings] // nil before the first configuration
	notReady  atomic.Pointer[error]
	unknown   atomic.Uint64  // times that /probe was asked for an unknown module
	listeners []net.Listener // none if exporter-toolkit makes them
	server    *http.Server   // nil before it listens
	watching  sync.WaitGroup // looks after connections
	unwatch   context.CancelFunc
	begun     chan struct{}   // closed once all answers are given
	stopping  context.Context // done when no more requests are answered: those that wait need not any more
	stop      context.CancelFunc
	failed    chan error // receives when it has ended, and is closed then
}

// newServing makes it, not ready yet. Until it has begun, starting answers.
func newServing(opts *Options, starting http.Handler) *serving {
	s := &serving{opts: opts, log: opts.Log, begun: make(chan struct{}), failed: make(chan error, 1)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.setNotReady(errors.New("starting"))
	s.handler.Store(&starting)
	return s
}

// open listens, unless it does already, and answers that the exporter starts.
func (s *serving) open(*config.Config) (err error) {
	if s.server != nil {
		return nil
	}
	if s.listeners, err = s.listen(); err != nil {
		return err
	}
	s.serve()
	return nil
}

// adopt puts in force what a configuration says of who may see and do what.
func (s *serving) adopt(cfg *config.Config) { s.settings.Store(s.settingsOf(cfg)) }

// serve answers requests until finish, or close.
func (s *serving) serve() {
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.handler.Load()).ServeHTTP(w, r) }))
	if file := s.opts.Web.WebConfigFile; file != nil {
		handler = (&webFile{path: *file, log: s.log}).guard(handler)
	}
	s.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      150 * time.Second, // longer than the longest /probe
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	limit := connections.New(maxConnections(), func(peer netip.Addr) bool {
		settings := s.settings.Load()
		return settings != nil && slices.ContainsFunc(settings.Access.Proxies, func(p netip.Prefix) bool { return p.Contains(peer) })
	})
	limit.Bind(s.server)
	watching, unwatch := context.WithCancel(context.Background())
	s.unwatch = unwatch
	s.watching.Go(func() { limit.Watch(watching) })
	go func() {
		defer close(s.failed)
		if s.leftToToolkit() {
			s.failed <- web.ListenAndServe(s.server, s.opts.Web, s.log)
		} else {
			s.failed <- web.ServeMultiple(s.listeners, s.server, s.opts.Web, s.log)
		}
	}()
}

// begin says that it is ready, and answers all requests until ctx is done; those under way
// then are answered too.
func (s *serving) begin(ctx context.Context, work *sync.WaitGroup) {
	s.handler.Store(&s.surface)
	s.setNotReady(nil)
	close(s.begun)
	work.Go(func() {
		<-ctx.Done()
		s.stop()
		s.finish(context.WithoutCancel(ctx))
	})
}

// close ends what has not ended yet, and closes the listeners.
func (s *serving) close() (err error) {
	if s.server != nil {
		_ = s.server.Close() // what is open of it is the listeners, of which some may be closed
		s.unwatch()
		s.watching.Wait()
		for range s.failed { // until it has ended
		}
	}
	for _, l := range s.listeners {
		if e := l.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (s *serving) collectors() []prometheus.Collector {
	return []prometheus.Collector{selfmetrics.AdHoc(s.unknown.Load)}
}

// place is where others reach us.
func (s *serving) place() listening {
	place := reachable(s.listeners)
	place.https = usesTLS(s.opts.Web.WebConfigFile)
	return place
}

func (s *serving) setNotReady(err error) { s.notReady.Store(&err) }

// ready says why the exporter is not ready; nil if it is.
func (s *serving) ready() error { return *s.notReady.Load() }

// check reports on /readyz whether the exporter is ready.
func (s *serving) check() health.Check {
	return health.Check{
		Name: "exporter-ready", PassTTL: -1, FailTTL: -1, Groups: []string{health.Ready, health.Startup},
		Run: func(context.Context) error { return s.ready() },
	}
}

// finish waits for the requests under way, for as long as is reasonable.
func (s *serving) finish(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel()
	waiting.Go(func() {
		select {
		case <-s.opts.Hurry:
			cancel()
		case <-bounded.Done():
		}
	})
	if err := s.server.Shutdown(bounded); err != nil {
		s.server.Close()
		s.log.Warn("requests were cut off", "err", err)
	}
	<-s.failed
}
