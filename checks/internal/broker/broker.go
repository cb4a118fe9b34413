// Package broker connects to brokers of AMQP 0-9-1, such as RabbitMQ, for as long as
// a context lasts.
package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rabbitmq/amqp091-go"
)

// heartbeat is how often both sides tell that they are there. A check is shorter.
const heartbeat = 10 * time.Second

// IsURL reports whether text is the URL of a broker.
func IsURL(text string) bool {
	_, err := amqp091.ParseURI(text)
	return err == nil
}

// Scheme is what may be shown of an invalid URL: the rest may be a password.
func Scheme(text string) string {
	scheme, _, ok := strings.Cut(text, ":")
	if !ok {
		return ""
	}
	return scheme + ":…"
}

// Do connects, opens a channel, calls use with it and hangs up. All of it ends when
// ctx does.
func Do(ctx context.Context, url string, config *tls.Config, use func(*amqp091.Channel) error) error {
	err := do(ctx, url, config, use)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func do(ctx context.Context, url string, config *tls.Config, use func(*amqp091.Channel) error) error {
	var hangUp func() bool
	conn, err := amqp091.DialConfig(url, amqp091.Config{
		Heartbeat:       heartbeat,
		Locale:          "en_US",
		TLSClientConfig: config,
		Properties:      amqp091.Table{"connection_name": "health check"},
		Dial: func(network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil {
				// A deadline would not do: the library sets its own.
				hangUp = context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		},
	})
	if hangUp != nil {
		defer hangUp()
	}
	if err != nil {
		return fmt.Errorf("connecting to the broker: %w", err)
	}
	defer conn.Close() // an error of it says nothing about what was asked
	channel, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("opening a channel: %w", err)
	}
	return use(channel)
}
