package checks_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// redisServer reads commands and answers by a table; what is not in it is an error.
func redisServer(t *testing.T, answers map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	t.Cleanup(func() { l.Close(); wait.Wait() })
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					command, err := readCommand(r)
					if err != nil {
						return
					}
					answer, ok := answers[command]
					if !ok {
						answer = "-ERR unknown command\r\n"
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			})
		}
	})
	return l.Addr().String()
}

func readCommand(r *bufio.Reader) (string, error) {
	length := func(kind byte) (int, error) {
		line, err := r.ReadString('\n')
		if err != nil || line[0] != kind {
			return 0, fmt.Errorf("%q: %w", line, err)
		}
		return strconv.Atoi(strings.TrimSpace(line[1:]))
	}
	n, err := length('*')
	if err != nil {
		return "", err
	}
	words := make([]string, n)
	for i := range words {
		size, err := length('$')
		if err != nil {
			return "", err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return "", err
		}
		words[i] = string(word[:size])
	}
	return strings.Join(words, " "), nil
}

func bulk(text string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }

func TestRedis(t *testing.T) {
	const pong, ok = "+PONG\r\n", "+OK\r\n"
	master := "# Replication\r\nrole:master\r\nconnected_slaves:3\r\n" +
		"slave0:ip=a,port=1,state=online,offset=1,lag=0\r\nslave1:ip=b,port=1,state=online,offset=1,lag=30\r\nslave2:ip=c,port=1,state=wait_bgsave,offset=1,lag=0\r\n"
	replica := func(link, ago string) map[string]string {
		return map[string]string{"PING": pong, "INFO replication": bulk("role:slave\r\nmaster_link_status:" + link + "\r\nmaster_last_io_seconds_ago:" + ago + "\r\n")}
	}
	tests := []struct {
		name    string
		answers map[string]string
		check   checks.Redis
		outcome health.Outcome
		output  string
		err     string
	}{
		{"ping", map[string]string{"PING": pong}, checks.Redis{}, health.Pass, "redis ok", ""},
		{"password", map[string]string{"AUTH pw": ok, "PING": pong}, checks.Redis{Password: "pw"}, health.Pass, "redis ok", ""},
		{"user and database", map[string]string{"AUTH me p w": ok, "SELECT 3": ok, "PING": pong}, checks.Redis{Username: "me", Password: "p w", Database: 3}, health.Pass, "redis ok", ""},
		{"wrong password", map[string]string{"AUTH pw": "-WRONGPASS no\r\n"}, checks.Redis{Password: "pw"}, health.Fail, "cannot connect to redis server", "authenticating: WRONGPASS no"},
		{"no database", nil, checks.Redis{Database: 99}, health.Fail, "cannot connect to redis server", "selecting database 99: ERR unknown command"},
		{"password needed", map[string]string{"PING": "-NOAUTH Authentication required.\r\n"}, checks.Redis{}, health.Fail, "cannot connect to redis server", "NOAUTH Authentication required."},
		{"loading", map[string]string{"PING": "-LOADING\r\n"}, checks.Redis{}, health.Fail, "cannot connect to redis server", "LOADING"},
		{"no pong", map[string]string{"PING": ":1\r\n"}, checks.Redis{}, health.Fail, "cannot connect to redis server", `the answer to PING is "1"`},
		{"no RESP", map[string]string{"PING": "HTTP/1.1 400 Bad Request\r\n"}, checks.Redis{}, health.Fail, "cannot connect to redis server", "the server does not speak RESP"},
		{"master", map[string]string{"PING": pong, "INFO replication": bulk(master)}, checks.Redis{MinReplicas: 2}, health.Pass, "redis ok", ""},
		{"master lags", map[string]string{"PING": pong, "INFO replication": bulk(master)}, checks.Redis{MinReplicas: 2, MaxLag: 29 * time.Second}, health.Fail, "redis has 1 replicas in line, want 2", "redis has 1 replicas in line, want 2"},
		{"replica", replica("up", "3"), checks.Redis{MaxLag: 3 * time.Second}, health.Pass, "redis ok", ""},
		{"replica lags", replica("up", "3"), checks.Redis{MaxLag: 2 * time.Second}, health.Fail, "redis last heard from its master 3 seconds ago, more than 2s", "redis last heard from its master 3 seconds ago, more than 2s"},
		{"replica alone", replica("down", "-1"), checks.Redis{MaxLag: time.Hour}, health.Fail, `redis has lost its master: the link is "down"`, `redis has lost its master: the link is "down"`},
		{"no role", map[string]string{"PING": pong, "INFO replication": "*0\r\n"}, checks.Redis{MaxLag: 1}, health.Fail, `the server does not report its role: ""`, `the server does not report its role: ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Address = redisServer(t, tt.answers)
			got := run(t, tt.check.Run)
			want(t, got, tt.outcome, tt.output)
			if text := fmt.Sprint(got.Err); tt.err != "" && text != tt.err {
				t.Errorf("the error is %q, want %q", text, tt.err)
			}
		})
	}
}

// TestRedisAway: what there is to say tells a server that is down from one that
// hangs.
func TestRedisAway(t *testing.T) {
	l := testport.Listen(t)
	got := runWithin(t, 200*time.Millisecond, checks.Redis{Address: l.Addr().String()}.Run)
	if got.Outcome != health.Fail || got.Reason != health.FailTimeout {
		t.Errorf("got %s %s %q", got.Outcome, got.Reason, got.Output)
	}
	l.Close()
	got = run(t, checks.Redis{Address: l.Addr().String()}.Run)
	want(t, got, health.Fail, "Error connecting to the backend: dial tcp "+l.Addr().String()+": connect: connection refused Check that the Redis server is running.")
}

func TestRedisFaults(t *testing.T) {
	err := checks.Redis{Address: "redis", Username: "me", Database: -1, MaxLag: -1, MinReplicas: -1}.Run(t.Context())
	if err == nil || strings.Count(err.Error(), "\n") != 4 || !strings.Contains(err.Error(), `Address is "redis", must be host:port or the path of a Unix socket`) {
		t.Errorf("got %v", err)
	}
}
