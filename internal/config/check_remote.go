package config

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers the driver mysql
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx
	"github.com/prometheus/common/config"
	_ "modernc.org/sqlite" // registers the driver sqlite

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/checks/amqp"
	"github.com/health-exporter/health_exporter/checks/celery"
)

// secret is a text that does not stand in the file: it is read from another one, or
// from an environment variable, when the check is opened and by each that reads anew.
type secret struct{ file, env string }

// given tells what is wrong with where a secret comes from.
func (s secret) given(key string, required bool) error {
	switch {
	case s.file != "" && s.env != "":
		return &checks.OptionError{Field: key + "File", Value: s.file, Allowed: "empty when " + keyOf(key) + "_env is given"}
	case s.file == "" && s.env == "" && required:
		return &checks.OptionError{Field: key + "File", Value: "", Allowed: "a file, or " + keyOf(key) + "_env a variable, that has it"}
	}
	return nil
}

func (s secret) read() (string, error) {
	if s.env != "" {
		value, ok := os.LookupEnv(s.env)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", s.env)
		}
		return value, nil
	}
	if s.file == "" {
		return "", nil
	}
	text, err := os.ReadFile(s.file)
	return strings.TrimSpace(string(text)), err
}

// database are the keys of the checks of databases.
type database struct {
	far
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
	return errors.Join(append(faults, secret{d.DSNFile, d.DSNEnv}.given("Dsn", true))...)
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
	database `yaml:",inline"`
	Query    string `yaml:"query"`
}

func (c *sqlCheck) open(OtherCheck) (OpenCheck, error) {
	db, err := c.pool()
	if err != nil {
		return OpenCheck{}, err
	}
	return OpenCheck{Run: checks.SQL{DB: db, Query: c.Query}.Run, Close: db.Close}, nil
}

// migrationsCheck compares the schema of a database with what is wanted.
type migrationsCheck struct {
	database     `yaml:",inline"`
	Preset       string         `yaml:"preset"`
	VersionTable string         `yaml:"version_table"`
	Query        string         `yaml:"query"`
	Want         []string       `yaml:"want"`
	Tables       []tableSection `yaml:"tables"`
}

type tableSection struct {
	Name    string   `yaml:"name"`
	Columns []string `yaml:"columns"`
}

func (c *migrationsCheck) migrations(db *sql.DB) checks.Migrations {
	m := checks.Migrations{DB: db, Preset: c.Preset, VersionTable: c.VersionTable, Query: c.Query, Want: c.Want}
	for _, t := range c.Tables {
		m.Tables = append(m.Tables, checks.Table{Name: t.Name, Columns: t.Columns})
	}
	return m
}

func (c *migrationsCheck) check() error {
	return errors.Join(c.database.check(), c.migrations(new(sql.DB)).Check())
}

func (c *migrationsCheck) open(OtherCheck) (OpenCheck, error) {
	db, err := c.pool()
	if err != nil {
		return OpenCheck{}, err
	}
	return OpenCheck{Run: c.migrations(db).Run, Close: db.Close}, nil
}

// redisCheck pings a Redis server.
type redisCheck struct {
	far
	Address      string            `yaml:"address"`
	Username     string            `yaml:"username"`
	PasswordFile string            `yaml:"password_file"`
	PasswordEnv  string            `yaml:"password_env"`
	Database     int               `yaml:"database"`
	TLS          bool              `yaml:"tls"`
	TLSConfig    *config.TLSConfig `yaml:"tls_config"`
	MaxLag       time.Duration     `yaml:"max_lag"`
	MinReplicas  int               `yaml:"min_replicas"`
}

func (c *redisCheck) redis(password string) checks.Redis {
	return checks.Redis{
		Address: c.Address, Username: c.Username, Password: password, Database: c.Database,
		MaxLag: c.MaxLag, MinReplicas: c.MinReplicas,
	}
}

func (c *redisCheck) check() error {
	password := ""
	if c.PasswordFile != "" || c.PasswordEnv != "" {
		password = "given"
	}
	return errors.Join(secret{c.PasswordFile, c.PasswordEnv}.given("Password", false), c.redis(password).Check())
}

func (c *redisCheck) open(OtherCheck) (OpenCheck, error) {
	return OpenCheck{Run: func(ctx context.Context) error {
		password, err := secret{c.PasswordFile, c.PasswordEnv}.read() // each time: passwords rotate
		if err != nil {
			return fmt.Errorf("reading the password: %w", err)
		}
		r := c.redis(password)
		if r.TLS, err = tlsOf(c.TLS, c.TLSConfig); err != nil {
			return err
		}
		return r.Run(ctx)
	}}, nil
}

// tlsOf is how to speak TLS; nil if not at all.
func tlsOf(on bool, options *config.TLSConfig) (*tls.Config, error) {
	if !on && options == nil {
		return nil, nil
	}
	if options == nil {
		options = &config.TLSConfig{}
	}
	made, err := config.NewTLSConfig(options)
	if err != nil {
		return nil, fmt.Errorf("reading TLS options: %w", err)
	}
	return made, nil
}

// broker are the keys of the checks that have a message broker: its URL holds a
// password.
type broker struct {
	far
	URLFile   string            `yaml:"url_file"`
	URLEnv    string            `yaml:"url_env"`
	TLSConfig *config.TLSConfig `yaml:"tls_config"`
}

func (b *broker) check() error { return secret{b.URLFile, b.URLEnv}.given("Url", true) }

func (b *broker) read() (url string, options *tls.Config, err error) {
	if url, err = (secret{b.URLFile, b.URLEnv}).read(); err != nil {
		return "", nil, fmt.Errorf("reading the URL of the broker: %w", err)
	}
	options, err = tlsOf(false, b.TLSConfig)
	return url, options, err
}

// amqpCheck looks at a queue.
type amqpCheck struct {
	broker       `yaml:",inline"`
	Queue        string `yaml:"queue"`
	MinConsumers int    `yaml:"min_consumers"`
	MaxDepth     int    `yaml:"max_depth"`
	WarnDepth    int    `yaml:"warn_depth"`
}

func (c *amqpCheck) queue(url string, options *tls.Config) amqp.Queue {
	return amqp.Queue{
		URL: url, TLS: options, Name: c.Queue, MinConsumers: c.MinConsumers, MaxDepth: c.MaxDepth, WarnDepth: c.WarnDepth,
	}
}

func (c *amqpCheck) check() error {
	return errors.Join(c.broker.check(), renamed(c.queue("amqp://host", nil).Check(), "Name", "Queue"))
}

func (c *amqpCheck) open(OtherCheck) (OpenCheck, error) {
	return OpenCheck{Run: func(ctx context.Context) error {
		url, options, err := c.read()
		if err != nil {
			return err
		}
		return c.queue(url, options).Run(ctx)
	}}, nil
}

// celeryCheck pings Celery's workers.
type celeryCheck struct {
	broker   `yaml:",inline"`
	Min      int           `yaml:"min"`
	Workers  []string      `yaml:"workers"`
	Wait     time.Duration `yaml:"wait"`
	Exchange string        `yaml:"exchange"`
}

func (c *celeryCheck) workers(url string, options *tls.Config) celery.Workers {
	return celery.Workers{
		Broker: url, TLS: options, Min: c.Min, Names: c.Workers, Wait: c.Wait, Exchange: c.Exchange,
	}
}

func (c *celeryCheck) check() error {
	return errors.Join(c.broker.check(), renamed(c.workers("amqp://host", nil).Check(), "Names", "Workers"))
}

func (c *celeryCheck) open(OtherCheck) (OpenCheck, error) {
	return OpenCheck{Run: func(ctx context.Context) error {
		url, options, err := c.read()
		if err != nil {
			return err
		}
		return c.workers(url, options).Run(ctx)
	}}, nil
}

// renamed calls an option by another name.
func renamed(err error, field, key string) error {
	if err == nil {
		return nil
	}
	var list []error
	for _, each := range unjoin(err) {
		if option, ok := errors.AsType[*checks.OptionError](each); ok && option.Field == field {
			each = &checks.OptionError{Field: key, Value: option.Value, Allowed: option.Allowed}
		}
		list = append(list, each)
	}
	return errors.Join(list...)
}
