//go:build unix

package databases

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/checks/amqp"
	"github.com/health-exporter/health_exporter/checks/celery"
	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
)

func TestPostgreSQLChecks(t *testing.T) {
	t.Parallel()
	p, db := startPostgres(t)
	execute(t, db,
		"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
		"CREATE TABLE django_migrations (id bigint PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)",
		"CREATE TABLE flyway_schema_history (installed_rank integer PRIMARY KEY, version varchar(50), description varchar(200), type varchar(20), success boolean NOT NULL)",
		"CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now())",
		"CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
		`CREATE TABLE "user" (id int)`)
	databaseChecks(t, p, db, `"user"`)
}

func TestMariaDBChecks(t *testing.T) {
	t.Parallel()
	p, db := startMariaDB(t)
	db.SetMaxOpenConns(1) // so that all statements are about the same database
	execute(t, db,
		"CREATE DATABASE app", "USE app",
		"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
		"CREATE TABLE django_migrations (id bigint PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied datetime(6) NOT NULL)",
		"CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200), type varchar(20), success tinyint(1) NOT NULL)",
		"CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NULL DEFAULT now())",
		"CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
		"CREATE TABLE `user` (id int)")
	databaseChecks(t, p, db, "`user`")
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// databaseChecks checks a database that has the tables of all migration tools, and
// kills it in the end.
func databaseChecks(t *testing.T, p *harness.Process, db *sql.DB, user string) {
	t.Helper()
	const ok, late = "database up to date with migrations", "database out of date with migrations"
	execute(t, db,
		"INSERT INTO alembic_version VALUES ('ae10')",
		"INSERT INTO django_migrations (id, app, name, applied) VALUES (1, 'auth', '0001_initial', '2026-01-01')",
		"INSERT INTO flyway_schema_history (installed_rank, version, description, type, success) VALUES (1, '1', 'a', 'SQL', true), (2, NULL, 'b', 'SQL', true)",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (2, true), (2, false)",
		"INSERT INTO schema_migrations VALUES (7, false)")
	wantCheck(t, runCheck(t, checks.SQL{DB: db}.Run), health.Pass, "database ok")
	for _, tt := range []struct {
		preset, want, not, output string
	}{
		{"alembic", "ae10", "be20", late + ": version is ae10, want be20"},
		{"django", "auth.0001_initial", "auth.0002_more", late + ": not applied: auth.0002_more"},
		{"flyway", "1", "2", late + ": not applied: 2"},
		{"goose", "1", "2", late + ": not applied: 2"},
		{"golang-migrate", "7", "8", late + ": version is 7, want 8"},
	} {
		m := checks.Migrations{DB: db, Preset: tt.preset}
		wantCheck(t, runCheck(t, m.Run), health.Pass, ok)
		m.Want = []string{tt.want}
		wantCheck(t, runCheck(t, m.Run), health.Pass, ok)
		m.Want = []string{tt.not}
		wantCheck(t, runCheck(t, m.Run), health.Fail, tt.output)
	}
	execute(t, db, "UPDATE schema_migrations SET dirty = true", "UPDATE flyway_schema_history SET success = false WHERE version = '1'")
	wantCheck(t, runCheck(t, checks.Migrations{DB: db, Preset: "golang-migrate"}.Run), health.Fail, late+": version 7 is dirty")
	wantCheck(t, runCheck(t, checks.Migrations{DB: db, Preset: "flyway"}.Run), health.Fail, late+": migration failed: 1")
	tables := checks.Migrations{DB: db, Tables: []checks.Table{{Name: user, Columns: []string{"id"}}}}
	wantCheck(t, runCheck(t, tables.Run), health.Pass, ok)
	tables.Tables[0].Columns = []string{"id", "mail"}
	wantCheck(t, runCheck(t, tables.Run), health.Fail, user+" model out of date with migrations")

	p.Kill()
	wantCheck(t, runCheck(t, checks.SQL{DB: db}.Run), health.Fail, "Error connecting to database")
	wantCheck(t, runCheck(t, tables.Run), health.Fail, "Error connecting to database")
}

func TestRedisChecks(t *testing.T) {
	t.Parallel()
	master, address := startRedis(t, "--requirepass", "se cret")
	_, replica := startRedis(t, "--replicaof", "127.0.0.1 "+address[len("127.0.0.1:"):], "--masterauth", "se cret", "--repl-ping-replica-period", "1")
	first := checks.Redis{Address: address, Password: "se cret", MinReplicas: 1, MaxLag: 10 * time.Second}
	second := checks.Redis{Address: replica, MaxLag: 10 * time.Second}
	harness.Await(t, 30*time.Second, "the replica follows", func() error {
		for _, run := range []func(context.Context) error{first.Run, second.Run} {
			if r := runCheck(t, run); r.Outcome != health.Pass || r.Output != "redis ok" {
				return fmt.Errorf("%s %v", r.Outcome, r.Output)
			}
		}
		return nil
	})
	wantCheck(t, runCheck(t, checks.Redis{Address: address}.Run), health.Fail, "cannot connect to redis server")
	wantCheck(t, runCheck(t, checks.Redis{Address: address, Password: "wrong"}.Run), health.Fail, "cannot connect to redis server")
	wantCheck(t, runCheck(t, checks.Redis{Address: replica, Database: 99}.Run), health.Fail, "cannot connect to redis server")
	first.MinReplicas = 2
	wantCheck(t, runCheck(t, first.Run), health.Fail, "redis has 1 replicas in line, want 2")

	master.Kill()
	wantCheck(t, runCheck(t, first.Run), health.Fail,
		"Error connecting to the backend: dial tcp "+address+": connect: connection refused Check that the Redis server is running.")
	harness.Await(t, 30*time.Second, "the replica misses its master", func() error {
		if r := runCheck(t, second.Run); r.Output != `redis has lost its master: the link is "down"` {
			return fmt.Errorf("%s %v", r.Outcome, r.Output)
		}
		return nil
	})
}

func TestRabbitMQChecks(t *testing.T) {
	t.Parallel()
	p, address := startRabbitMQ(t)
	url := "amqp://guest:guest@" + address + "/"
	broker := amqp.Queue{URL: url}
	awaitUp(t, p, func() error { return broker.Run(t.Context()) })
	wantCheck(t, runCheck(t, broker.Run), health.Pass, "broker ok")

	conn, err := amqp091.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channel.QueueDeclare("jobs", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		confirmed, err := channel.PublishWithDeferredConfirmWithContext(t.Context(), "", "jobs", false, false, amqp091.Publishing{Body: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		confirmed.Wait()
	}
	queue := amqp.Queue{URL: url, Name: "jobs", MaxDepth: 3}
	wantCheck(t, runCheck(t, queue.Run), health.Pass, "queue jobs: 3 messages, 0 consumers")
	queue.WarnDepth = 2
	wantCheck(t, runCheck(t, queue.Run), health.Warn, "queue jobs: 3 messages, 0 consumers, more than 2 messages")
	queue.MaxDepth = 2
	wantCheck(t, runCheck(t, queue.Run), health.Fail, "queue jobs: 3 messages, 0 consumers, more than 2 messages")
	queue.MinConsumers = 1
	wantCheck(t, runCheck(t, queue.Run), health.Fail, "queue jobs: 3 messages, 0 consumers, want 1 consumers")
	wantCheck(t, runCheck(t, amqp.Queue{URL: url, Name: "none"}.Run), health.Fail,
		`looking at queue none: Exception (404) Reason: "NOT_FOUND - no queue 'none' in vhost '/'"`)
	if r := runCheck(t, amqp.Queue{URL: "amqp://guest:wrong@" + address + "/"}.Run); r.Outcome != health.Fail {
		t.Errorf("a wrong password gives %s %q", r.Outcome, r.Output)
	}
	celeryChecks(t, url)
}

func TestCeleryOverRedis(t *testing.T) {
	t.Parallel()
	_, address := startRedis(t)
	celeryChecks(t, "redis://"+address+"/1")
}

// celeryChecks checks workers as they come and go.
func celeryChecks(t *testing.T, broker string) {
	t.Helper()
	const none = "No running Celery workers were found."
	workers := celery.Workers{Broker: broker, Wait: 5 * time.Second}
	wantCheck(t, runCheck(t, workers.Run), health.Fail, none)
	p := startCelery(t, broker, "one@here")
	startCelery(t, broker, "two@here")
	workers.Names = []string{"one@here", "two@here"}
	got := runCheck(t, workers.Run)
	wantCheck(t, got, health.Pass, "celery ok")
	if got.Duration > 4*time.Second {
		t.Errorf("it took %s, although all had answered", got.Duration)
	}
	if n := got.Observations[len(got.Observations)-1].ObservedValue; n != 2 {
		t.Errorf("%v workers", n)
	}
	p.Terminate(t)
	workers.Wait = time.Second
	wantCheck(t, runCheck(t, workers.Run), health.Fail, "celery workers do not answer: one@here")
	workers.Names, workers.Min = nil, 2
	wantCheck(t, runCheck(t, workers.Run), health.Fail, "1 celery workers answer, want 2: two@here")
}
