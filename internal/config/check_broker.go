package config

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/checks/amqp"
	"github.com/health-exporter/health_exporter/checks/celery"
)

// broker are the keys of the checks that have a message broker: its URL holds a
// password.
type broker struct {
	URLFile   string            `yaml:"url_file"`
	URLEnv    string            `yaml:"url_env"`
	TLSConfig *config.TLSConfig `yaml:"tls_config"`
}

// anyBroker stands for a URL that is read later.
const anyBroker = "amqp://host"

func (b *broker) check() error { return secret{b.URLFile, b.URLEnv}.given("URL", true) }

func (b *broker) read() (url string, options *tls.Config, err error) {
	if url, err = (secret{b.URLFile, b.URLEnv}).read(); err != nil {
		return "", nil, fmt.Errorf("reading the URL of the broker: %w", err)
	}
	options, err = tlsOf(false, b.TLSConfig)
	return url, options, err
}

// run reads the URL anew for each run: passwords rotate.
func (b *broker) run(at func(ctx context.Context, url string, options *tls.Config) error) OpenCheck {
	return OpenCheck{Run: func(ctx context.Context) error {
		url, options, err := b.read()
		if err != nil {
			return err
		}
		return at(ctx, url, options)
	}}
}

// amqpCheck looks at a queue.
type amqpCheck struct {
	broker     `yaml:",inline"`
	amqp.Queue `yaml:",inline"`
}

func (c *amqpCheck) check() error {
	q := c.Queue
	q.URL = anyBroker
	return errors.Join(c.broker.check(), q.Check())
}

func (c *amqpCheck) open(OtherCheck) (OpenCheck, error) {
	return c.run(func(ctx context.Context, url string, options *tls.Config) error {
		q := c.Queue
		q.URL, q.TLS = url, options
		return q.Run(ctx)
	}), nil
}

// celeryCheck pings Celery's workers.
type celeryCheck struct {
	broker         `yaml:",inline"`
	celery.Workers `yaml:",inline"`
}

func (c *celeryCheck) check() error {
	w := c.Workers
	w.Broker = anyBroker
	return errors.Join(c.broker.check(), w.Check())
}

func (c *celeryCheck) open(OtherCheck) (OpenCheck, error) {
	return c.run(func(ctx context.Context, url string, options *tls.Config) error {
		w := c.Workers
		w.Broker, w.TLS = url, options
		return w.Run(ctx)
	}), nil
}
