// Package amqp has a ready-made check of a broker of AMQP 0-9-1, such as RabbitMQ,
// and its queues. It is apart from package checks since it needs a library.
package amqp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/checks/internal/broker"
	"github.com/health-exporter/health_exporter/health"
)

// Queue fails if a queue is not there, has too few consumers or too many messages.
// It only looks: nothing is declared and no message is taken.
type Queue struct {
	// URL is that of the broker: amqp://user:password@host:5672/vhost. Required.
	URL string `yaml:"-"`
	// TLS is how to speak TLS to amqps://; nil is as usual.
	TLS *tls.Config `yaml:"-"`
	// Name is the queue; empty looks whether the broker lets us in and no further.
	Name string `yaml:"queue"`
	// MinConsumers is how many consumers there must be.
	MinConsumers int `yaml:"min_consumers"`
	// MaxDepth is how many messages may wait; 0 means no limit. WarnDepth is that above
	// which there is a warning.
	MaxDepth  int `yaml:"max_depth"`
	WarnDepth int `yaml:"warn_depth"`
}

// Check reports what is wrong with the options.
func (q Queue) Check() error {
	var faults []error
	require := func(ok bool, field string, value any, allowed string) {
		if !ok {
			faults = append(faults, &checks.OptionError{Field: field, Value: value, Allowed: allowed})
		}
	}
	require(broker.IsURL(q.URL), "URL", broker.Scheme(q.URL), "a URL such as amqp://user:password@host:5672/vhost")
	require(q.MinConsumers >= 0, "MinConsumers", q.MinConsumers, "0 or more")
	require(q.MaxDepth >= 0, "MaxDepth", q.MaxDepth, "0 for no limit, or more")
	require(q.WarnDepth >= 0, "WarnDepth", q.WarnDepth, "0 for no limit, or more")
	require(q.Name != "" || q.MinConsumers == 0 && q.MaxDepth == 0 && q.WarnDepth == 0, "Name", q.Name, "set with MinConsumers, MaxDepth and WarnDepth")
	return errors.Join(faults...)
}

// Run looks once, over a new connection.
func (q Queue) Run(ctx context.Context) error {
	if err := q.Check(); err != nil {
		return err
	}
	began := time.Now()
	var found amqp091.Queue
	err := broker.Do(ctx, q.URL, q.TLS, func(channel *amqp091.Channel) (err error) {
		if q.Name != "" {
			if found, err = channel.QueueDeclarePassive(q.Name, false, false, false, false, nil); err != nil {
				return fmt.Errorf("looking at queue %s: %w", q.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	health.Observe(ctx, "responseTime", time.Since(began).Seconds(), "seconds")
	if q.Name == "" {
		health.Say(ctx, "broker ok")
		return nil
	}
	health.Observe(ctx, "depth", found.Messages, "messages")
	health.Observe(ctx, "consumers", found.Consumers, "consumers")
	text := fmt.Sprintf("queue %s: %d messages, %d consumers", q.Name, found.Messages, found.Consumers)
	switch {
	case found.Consumers < q.MinConsumers:
		return fmt.Errorf("%s, want %d consumers", text, q.MinConsumers)
	case q.MaxDepth > 0 && found.Messages > q.MaxDepth:
		return fmt.Errorf("%s, more than %d messages", text, q.MaxDepth)
	case q.WarnDepth > 0 && found.Messages > q.WarnDepth:
		return health.Warning(fmt.Errorf("%s, more than %d messages", text, q.WarnDepth))
	}
	health.Say(ctx, text)
	return nil
}
