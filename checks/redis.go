package checks

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/checks/internal/resp"
	"github.com/health-exporter/health_exporter/health"
)

// Redis fails if a Redis server, or one that speaks like it, does not answer PING,
// over a new connection each time. It can also look at the replication.
type Redis struct {
	// Address is host:port, or the path of a Unix socket; default "localhost:6379".
	Address string `yaml:"address"`
	// Username and Password are sent if there is a Password.
	Username string `yaml:"username"`
	Password string `yaml:"-"`
	// Database is selected if it is not 0.
	Database int `yaml:"database"`
	// TLS, if set, is the configuration of TLS.
	TLS *tls.Config `yaml:"-"`

	// MaxLag is how long ago a replica may have heard of its master, and a master of a
	// replica; 0 does not look at a replica, and lets each one count that is online.
	MaxLag time.Duration `yaml:"max_lag"`
	// MinReplicas is how many replicas a master must have.
	MinReplicas int `yaml:"min_replicas"`
}

// Check reports what is wrong with the options.
func (r Redis) Check() error {
	return errors.Join(
		require(r.Address == "" || strings.Contains(r.Address, ":") || strings.HasPrefix(r.Address, "/"), "Address", r.Address, "host:port or the path of a Unix socket"),
		require(r.Username == "" || r.Password != "", "Username", r.Username, "empty without a Password"),
		require(r.Database >= 0, "Database", r.Database, "0 or more"),
		require(r.MaxLag >= 0, "MaxLag", r.MaxLag, "0 for no limit, or more"),
		require(r.MinReplicas >= 0, "MinReplicas", r.MinReplicas, "0 or more"))
}

// Run pings once.
func (r Redis) Run(ctx context.Context) error {
	if err := r.Check(); err != nil {
		return err
	}
	began := time.Now()
	conn, err := resp.Dial(ctx, resp.Options{
		Address: cmp.Or(r.Address, "localhost:6379"), Username: r.Username, Password: r.Password, Database: r.Database, TLS: r.TLS,
	})
	if err != nil {
		return noRedis(ctx, err)
	}
	defer conn.Close()
	switch reply, err := conn.Do("PING"); {
	case err != nil:
		return noRedis(ctx, err)
	case reply != "PONG":
		return noRedis(ctx, fmt.Errorf("the answer to PING is %.50q", fmt.Sprint(reply)))
	}
	health.Observe(ctx, "responseTime", time.Since(began).Seconds(), "seconds")
	if r.MaxLag > 0 || r.MinReplicas > 0 {
		reply, err := conn.Do("INFO", "replication")
		if err != nil {
			return noRedis(ctx, fmt.Errorf("asking about the replication: %w", err))
		}
		text, _ := reply.(string)
		if err := r.replication(ctx, parseInfo(text)); err != nil {
			return err
		}
	}
	health.Say(ctx, "redis ok")
	return nil
}

// noRedis says why there is no server, without secrets.
func noRedis(ctx context.Context, err error) error {
	health.Say(ctx, resp.Says(err))
	return err
}

// replication judges the replication that a server reports.
func (r Redis) replication(ctx context.Context, info map[string]string) error {
	switch role := info["role"]; role {
	case "master":
		return r.replicas(ctx, info)
	case "slave", "replica":
		return r.master(ctx, info)
	default:
		return fmt.Errorf("the server does not report its role: %.50q", role)
	}
}

// replicas counts the replicas of a master: "slave0:ip=…,port=…,state=online,offset=1,lag=0".
func (r Redis) replicas(ctx context.Context, info map[string]string) error {
	count := 0
	for name, value := range info {
		number, ok := strings.CutPrefix(name, "slave")
		if _, err := strconv.ParseUint(number, 10, 32); !ok || err != nil {
			continue
		}
		fields := map[string]string{}
		for field := range strings.SplitSeq(value, ",") {
			key, word, _ := strings.Cut(field, "=")
			fields[key] = word
		}
		lag, err := strconv.Atoi(fields["lag"])
		if fields["state"] == "online" && (r.MaxLag == 0 || err == nil && lag >= 0 && seconds(lag) <= r.MaxLag) {
			count++
		}
	}
	health.Observe(ctx, "replicas", count, "replicas")
	if count < r.MinReplicas {
		return fmt.Errorf("redis has %d replicas in line, want %d", count, r.MinReplicas)
	}
	return nil
}

// master judges what a replica says of its master.
func (r Redis) master(ctx context.Context, info map[string]string) error {
	if r.MaxLag == 0 {
		return nil
	}
	if status := info["master_link_status"]; status != "up" {
		return fmt.Errorf("redis has lost its master: the link is %.20q", status)
	}
	lag, err := strconv.Atoi(info["master_last_io_seconds_ago"])
	if err != nil || lag < 0 {
		return errors.New("redis does not report when it last heard from its master")
	}
	health.Observe(ctx, "lag", lag, "seconds")
	if seconds(lag) > r.MaxLag {
		return fmt.Errorf("redis last heard from its master %d seconds ago, more than %s", lag, r.MaxLag)
	}
	return nil
}

func seconds(n int) time.Duration { return time.Duration(min(n, 1<<30)) * time.Second }

// parseInfo reads the lines of INFO: "name:value".
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			info[name] = value
		}
	}
	return info
}
