package checks_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// A service looks at its database, and at the disk that it writes to.
func Example() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	checker, err := health.New(
		health.Check{Name: "database", Run: checks.SQL{DB: db}.Run, Remote: true},
		health.Check{Name: "disk", Run: checks.Disk{Path: "/", MinFree: checks.Number(1), MinInodes: checks.Number(0), AllowReadOnly: true}.Run},
	)
	if err != nil {
		log.Fatal(err)
	}
	defer checker.Close(context.Background())
	for _, status := range checker.Check(context.Background(), health.Ready) {
		fmt.Println(status.Check.Name, status.Result.Outcome)
	}
	// Output:
	// database pass
	// disk pass
}

// Two of three name servers are enough.
func ExampleQuorum() {
	up := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("no answer") }
	servers := checks.Composite{Need: 3, Parts: []checks.Part{
		{Name: "ns1", Run: up}, {Name: "ns2", Run: up}, {Name: "ns3", Run: down},
	}}
	fmt.Println(servers.Run(context.Background()))
	fmt.Println(checks.Quorum(servers.Parts...).Run(context.Background()))
	// Output:
	// 2 of 3 pass, 3 must; ns3: no answer
	// <nil>
}

// A nightly backup says that it is done, and is missed if it does not.
func ExampleHeartbeats() {
	backup, err := checks.NewHeartbeat(24*time.Hour, time.Hour, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/v1/beat/{id}", checks.Heartbeats{"backup": backup})

	fmt.Println(backup.Run(context.Background())) // it waits for the first beat
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/api/v1/beat/backup", nil))
	fmt.Println(answer.Code, backup.Run(context.Background()))
	// Output:
	// <nil>
	// 204 <nil>
}

// A program has been written for the schema of certain migrations.
func ExampleMigrations() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		"CREATE TABLE schema_migrations (version int, dirty bool)",
		"INSERT INTO schema_migrations VALUES (41, false)",
	} {
		if _, err := db.Exec(statement); err != nil {
			log.Fatal(err)
		}
	}
	schema := checks.Migrations{DB: db, Preset: "golang-migrate", Want: []string{"42"}}
	fmt.Println(schema.Run(context.Background()))
	// Output: database out of date with migrations: version is 41, want 42
}

// A plugin of Nagios is a check.
func ExampleExec() {
	plugin := checks.Exec{Command: []string{"/bin/sh", "-c", "echo 'LOAD WARNING | load1=5.2;5;10'; exit 1"}}
	err := plugin.Run(context.Background())
	fmt.Println(err, health.IsWarning(err))
	// Output: LOAD WARNING true
}
