package celery

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/health-exporter/health_exporter/checks/internal/resp"
)

// overRedis asks as kombu's Redis transport does: the question is published to a
// channel, and answers are pushed to the list that is bound to the exchange for
// answers. The binding and the list are removed again; late answers find none.
func (p *ping) overRedis(ctx context.Context, opts resp.Options) error {
	conn, err := resp.Dial(ctx, opts)
	if err != nil {
		return err
	}
	defer conn.Close()
	const separator = "\x06\x16"
	key := newID()
	exchange := "reply." + p.exchange + ".pidbox"
	bindings, list := "_kombu.binding."+exchange, key+"."+exchange
	binding := key + separator + separator + list
	if _, err := conn.Do("SADD", bindings, binding); err != nil {
		return fmt.Errorf("binding a list for answers: %w", err)
	}
	err = p.collect(conn, opts.Database, exchange, key, list)
	_, unbound := conn.Do("SREM", bindings, binding)
	if err != nil {
		return err
	}
	if unbound == nil {
		_, unbound = conn.Do("DEL", list)
	}
	return unbound
}

// collect asks, and reads answers until all who heard the question have answered or
// the time is up.
func (p *ping) collect(conn *resp.Conn, database int, exchange, key, list string) error {
	message, err := p.seal(p.question(exchange, key))
	if err != nil {
		return err
	}
	heard, err := conn.Do("PUBLISH", fmt.Sprintf("/%d.%s.pidbox", database, p.exchange), string(message))
	if err != nil {
		return fmt.Errorf("publishing: %w", err)
	}
	listeners, _ := heard.(int64)
	until := time.Now().Add(p.wait)
	for int64(len(p.answered)) < listeners && !p.complete() {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		// 0 would wait for ever.
		seconds := strconv.FormatFloat(max(left.Seconds(), 0.01), 'f', 3, 64)
		reply, err := conn.Do("BRPOP", list, seconds)
		if err != nil {
			return fmt.Errorf("waiting for answers: %w", err)
		}
		if pair, ok := reply.([]any); ok && len(pair) == 2 {
			text, _ := pair[1].(string)
			p.open(text)
		}
	}
	return nil
}
