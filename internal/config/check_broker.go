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

// connected is a check once it has a broker.
type connected interface {
	Check() error
	Run(ctx context.Context) error
}

// checkOf checks the keys and those of the check itself, which at gives a broker.
func (b *broker) checkOf(at func(url string, options *tls.Config) connected) error {
	return errors.Join(secret{b.URLFile, b.URLEnv}.given("URL", true), at(anyBroker, nil).Check())
}

func (b *broker) read() (url string, options *tls.Config, err error) {
	if url, err = (secret{b.URLFile, b.URLEnv}).read(); err != nil {
		return "", nil, fmt.Errorf("reading the URL of the broker: %w", err)
	}
	options, err = tlsOf(false, b.TLSConfig)
	return url, options, err
}

// openOf reads the URL again for each run: passwords rotate.
func (b *broker) openOf(at func(url string, options *tls.Config) connected) OpenCheck {
	return OpenCheck{Run: func(ctx context.Context) error {
		url, options, err := b.read()
		if err != nil {
			return err
		}
		return at(url, options).Run(ctx)
	}}
}

// amqpCheck looks at a queue.
type amqpCheck struct {
	broker     `yaml:",inline"`
	amqp.Queue `yaml:",inline"`
}

func (c *amqpCheck) at(url string, options *tls.Config) connected {
	q := c.Queue
	q.URL, q.TLS = url, options
	return q
}

func (c *amqpCheck) check() error                       { return c.checkOf(c.at) }
func (c *amqpCheck) open(OtherCheck) (OpenCheck, error) { return c.openOf(c.at), nil }

// celeryCheck pings Celery's workers.
type celeryCheck struct {
	broker         `yaml:",inline"`
	celery.Workers `yaml:",inline"`
}

func (c *celeryCheck) at(url string, options *tls.Config) connected {
	w := c.Workers
	w.Broker, w.TLS = url, options
	return w
}

func (c *celeryCheck) check() error                       { return c.checkOf(c.at) }
func (c *celeryCheck) open(OtherCheck) (OpenCheck, error) { return c.openOf(c.at), nil }
