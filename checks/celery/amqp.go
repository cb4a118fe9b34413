package celery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/health-exporter/health_exporter/checks/internal/broker"
)

// overAMQP asks as kombu's AMQP transport does, through the exchange that the workers
// have made. Answers come through the broker's default exchange to a queue that goes
// away with the connection, so that nothing is left behind.
func (p *ping) overAMQP(ctx context.Context, url string, config *tls.Config) error {
	return broker.Do(ctx, url, config, func(channel *amqp091.Channel) error {
		exchange := p.exchange + ".pidbox"
		err := channel.ExchangeDeclarePassive(exchange, amqp091.ExchangeFanout, false, false, false, false, nil)
		if refused, ok := errors.AsType[*amqp091.Error](err); ok && refused.Code == amqp091.NotFound {
			return nil // there never was a worker
		}
		if err != nil {
			return fmt.Errorf("looking for exchange %s: %w", exchange, err)
		}
		queue, err := channel.QueueDeclare("", false, true, true, false, nil)
		if err != nil {
			return fmt.Errorf("making a queue for answers: %w", err)
		}
		answers, err := channel.ConsumeWithContext(ctx, queue.Name, "", true, true, false, false, nil)
		if err != nil {
			return fmt.Errorf("consuming answers: %w", err)
		}
		err = channel.PublishWithContext(ctx, exchange, "", false, false, amqp091.Publishing{
			ContentType: "application/json", ContentEncoding: "utf-8",
			DeliveryMode: amqp091.Transient,
			Headers:      amqp091.Table(p.table()),
			Body:         p.question("", queue.Name),
		})
		if err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
		return p.receive(ctx, answers)
	})
}

// table is the headers in the types that AMQP has.
func (p *ping) table() map[string]any {
	headers := p.headers()
	headers["clock"] = int32(1)
	return headers
}

// receive reads answers until all have answered who must, or the time is up.
func (p *ping) receive(ctx context.Context, answers <-chan amqp091.Delivery) error {
	timer := time.NewTimer(p.wait)
	defer timer.Stop()
	for !p.complete() {
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case answer, ok := <-answers:
			if !ok {
				return errors.New("the broker has ended the connection")
			}
			p.note(answer.Headers["ticket"], answer.Body)
		}
	}
	return nil
}
