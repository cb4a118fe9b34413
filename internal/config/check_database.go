package config

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers the driver mysql
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx
	_ "modernc.org/sqlite"             // registers the driver sqlite

	"github.com/health-exporter/health_exporter/checks"
)

// database are the keys of the checks of databases.
type database struct {
	Driver  string `yaml:"driver"`
	DSNFile string `yaml:"dsn_file"`
	DSNEnv  string `yaml:"dsn_env"`
}

// sqlDrivers are the drivers by the names that people know.
var sqlDrivers = map[string]string{"postgres": "pgx", "mysql": "mysql", "sqlite": "sqlite"}

func (d *database) check() error {
	var faults []error
	if sqlDrivers[d.Driver] == "" {
		faults = append(faults, &checks.OptionError{
			Field: "Driver", Value: d.Driver, Allowed: "one of " + strings.Join(slices.Sorted(maps.Keys(sqlDrivers)), ", "),
		})
	}
	return errors.Join(append(faults, secret{d.DSNFile, d.DSNEnv}.given("DSN", true))...)
}

// pool opens a small pool. It connects when it is first used.
func (d *database) pool() (*sql.DB, error) {
	dsn, err := secret{d.DSNFile, d.DSNEnv}.read()
	if err != nil {
		return nil, fmt.Errorf("reading the DSN: %w", err)
	}
	db, err := sql.Open(sqlDrivers[d.Driver], dsn)
	if err != nil {
		return nil, errors.New("the DSN is not one of the driver") // the error would show it
	}
	db.SetMaxOpenConns(2)
	db.SetMaxIdleConns(1)
	db.SetConnMaxLifetime(10 * time.Minute)
	return db, nil
}

// sqlCheck asks a database.
type sqlCheck struct {
	database   `yaml:",inline"`
	checks.SQL `yaml:",inline"`
}

func (c *sqlCheck) open(OtherCheck) (OpenCheck, error) {
	db, err := c.pool()
	if err != nil {
		return OpenCheck{}, err
	}
	check := c.SQL
	check.DB = db
	return OpenCheck{Run: check.Run, Close: db.Close}, nil
}

// migrationsCheck compares the schema of a database with what is wanted.
type migrationsCheck struct {
	database          `yaml:",inline"`
	checks.Migrations `yaml:",inline"`
}

// of are the options with a pool.
func (c *migrationsCheck) of(db *sql.DB) checks.Migrations {
	m := c.Migrations
	m.DB = db
	return m
}

func (c *migrationsCheck) check() error {
	return errors.Join(c.database.check(), c.of(new(sql.DB)).Check())
}

func (c *migrationsCheck) open(OtherCheck) (OpenCheck, error) {
	db, err := c.pool()
	if err != nil {
		return OpenCheck{}, err
	}
	return OpenCheck{Run: c.of(db).Run, Close: db.Close}, nil
}
