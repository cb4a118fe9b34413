// Package celery has a ready-made check of Celery's workers. It is apart from package
// checks since it needs a library for AMQP.
package celery

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/checks/internal/broker"
	"github.com/health-exporter/health_exporter/checks/internal/resp"
	"github.com/health-exporter/health_exporter/health"
)

// Workers fails if too few of Celery's workers answer a ping that goes to all of
// them through their broker: AMQP or Redis.
type Workers struct {
	// Broker is the URL that the workers have: amqp://user:password@host:5672/vhost,
	// amqps://…, redis://:password@host:6379/0 or rediss://…. Required.
	Broker string `yaml:"-"`
	// TLS is how to speak TLS to amqps:// and rediss://; nil is as usual.
	TLS *tls.Config `yaml:"-"`
	// Min is how many workers must answer; default 1.
	Min int `yaml:"min"`
	// Names are workers that must be among them, such as celery@host.
	Names []string `yaml:"workers"`
	// Wait is how long to wait for answers; default 1 second. How many there will be is
	// known beforehand with Redis only: with AMQP each run takes as long, unless all
	// Names have answered.
	Wait time.Duration `yaml:"wait"`
	// Exchange is the app's control_exchange; default "celery".
	Exchange string `yaml:"exchange"`
}

// Check reports what is wrong with the options.
func (w Workers) Check() error {
	var faults []error
	require := func(ok bool, field string, value any, allowed string) {
		if !ok {
			faults = append(faults, &checks.OptionError{Field: field, Value: value, Allowed: allowed})
		}
	}
	_, isRedis := redisOptions(w.Broker, nil)
	require(isRedis || broker.IsURL(w.Broker), "Broker", broker.Scheme(w.Broker), "a URL of amqp, amqps, redis or rediss")
	require(w.Min >= 0, "Min", w.Min, "0 for the default, or more")
	require(w.Wait >= 0, "Wait", w.Wait, "0 for the default, or more")
	return errors.Join(faults...)
}

// Run pings once.
func (w Workers) Run(ctx context.Context) error {
	if err := w.Check(); err != nil {
		return err
	}
	p := &ping{exchange: cmp.Or(w.Exchange, "celery"), wait: cmp.Or(w.Wait, time.Second), names: w.Names, ticket: newID(), answered: map[string]bool{}}
	if deadline, ok := ctx.Deadline(); ok {
		p.wait = min(p.wait, time.Until(deadline)*3/4)
	}
	var err error
	if opts, ok := redisOptions(w.Broker, w.TLS); ok {
		if err = p.overRedis(ctx, opts); err != nil {
			health.Say(ctx, resp.Says(err))
		}
	} else if err = p.overAMQP(ctx, w.Broker, w.TLS); err != nil {
		health.Say(ctx, "celery not ok")
	}
	if err != nil {
		return fmt.Errorf("asking Celery's workers: %w", err)
	}
	health.Observe(ctx, "workers", len(p.answered), "workers")
	return w.judge(ctx, p.answered)
}

func (w Workers) judge(ctx context.Context, answered map[string]bool) error {
	if len(answered) == 0 {
		health.Say(ctx, "No running Celery workers were found.")
		return errors.New("no worker has answered")
	}
	var missing []string
	for _, name := range w.Names {
		if !answered[name] {
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) > 0:
		return fmt.Errorf("celery workers do not answer: %s", strings.Join(missing, ", "))
	case len(answered) < w.Min:
		return fmt.Errorf("%d celery workers answer, want %d: %s", len(answered), w.Min, strings.Join(slices.Sorted(maps.Keys(answered)), ", "))
	}
	health.Say(ctx, "celery ok")
	return nil
}

// redisOptions reads a URL of Redis; not ok if it is not one.
func redisOptions(text string, config *tls.Config) (opts resp.Options, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" {
		return opts, false
	}
	port := cmp.Or(u.Port(), "6379")
	opts.Address = cmp.Or(u.Hostname(), "localhost") + ":" + port
	if strings.Contains(u.Hostname(), ":") {
		opts.Address = "[" + u.Hostname() + "]:" + port
	}
	opts.Username = u.User.Username()
	opts.Password, _ = u.User.Password()
	if u.Scheme == "rediss" {
		if opts.TLS = config; config == nil {
			opts.TLS = &tls.Config{}
		}
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if opts.Database, err = strconv.Atoi(path); err != nil || opts.Database < 0 {
			return opts, false
		}
	}
	return opts, true
}
