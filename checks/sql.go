package checks

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/health-exporter/health_exporter/health"
)

// SQL fails if the database does not answer. It uses the program's own pool
// of connections, so that it also fails if the pool has none left.
type SQL struct {
	// DB is the program's own pool. Required.
	DB *sql.DB `yaml:"-"`
	// Query is asked after the ping, and must give a row; default SELECT 1.
	Query string `yaml:"query"`
}

// The outputs of SQL. The error itself, which may contain hosts and
// users, is for the log only.
const (
	saysOK   = "database ok"
	saysDown = "Error connecting to database"
)

// Check reports what is wrong with the options.
func (s SQL) Check() error { return require(s.DB != nil, "DB", "", "set") }

// Run pings and asks once.
func (s SQL) Run(ctx context.Context) error {
	if err := s.Check(); err != nil {
		return err
	}
	err := reach(ctx, s.DB)
	stats := s.DB.Stats()
	health.Observe(ctx, "connections", stats.OpenConnections, "connections")
	health.Observe(ctx, "connectionsInUse", stats.InUse, "connections")
	health.Observe(ctx, "waits", stats.WaitCount, "waits")
	health.Observe(ctx, "waited", stats.WaitDuration.Seconds(), "seconds")
	if err != nil {
		return err
	}
	if err := hasRow(ctx, s.DB, cmp.Or(s.Query, "SELECT 1")); err != nil {
		health.Say(ctx, saysDown)
		return err
	}
	health.Say(ctx, saysOK)
	return nil
}

// reach pings the database.
func reach(ctx context.Context, db *sql.DB) error {
	if err := db.PingContext(ctx); err != nil {
		health.Say(ctx, saysDown)
		return fmt.Errorf("pinging the database: %w", err)
	}
	return nil
}

// hasRow fails if the query does, or gives no row.
func hasRow(ctx context.Context, db *sql.DB, query string) error {
	rows, err := selectOne(ctx, db, query)
	if err == nil && rows == 0 {
		err = errors.New("asking the database: there is no row")
	}
	return err
}

// selectOne asks for a row and counts it.
func selectOne(ctx context.Context, db *sql.DB, query string) (rows int, err error) {
	result, err := db.QueryContext(ctx, query)
	if err != nil {
		return 0, fmt.Errorf("asking the database: %w", err)
	}
	defer result.Close()
	if result.Next() {
		rows = 1
	}
	if err := cmp.Or(result.Err(), result.Close()); err != nil {
		return 0, fmt.Errorf("asking the database: %w", err)
	}
	return rows, nil
}
