package checks_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// database opens a database of its own, with the statements run.
func database(t *testing.T, statements ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return db
}

func TestSQL(t *testing.T) {
	db := database(t, "CREATE TABLE empty (a int)")
	got := run(t, checks.SQL{DB: db}.Run)
	want(t, got, health.Pass, "database ok")
	if n := observed(t, got, "connections"); n != 1 {
		t.Errorf("%v connections", n)
	}
	got = run(t, checks.SQL{DB: db, Query: "SELECT a FROM none"}.Run)
	want(t, got, health.Fail, "Error connecting to database")
	if !strings.Contains(got.Err.Error(), "no such table") {
		t.Errorf("the error is %v", got.Err)
	}
	got = run(t, checks.SQL{DB: db, Query: "SELECT a FROM empty"}.Run)
	want(t, got, health.Fail, "Error connecting to database")

	away, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "none", "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	want(t, run(t, checks.SQL{DB: away}.Run), health.Fail, "Error connecting to database")
	want(t, run(t, checks.SQL{}.Run), health.Fail, `DB is "", must be set`)
}

// TestSQLPool: a pool with no connection left is not a database.
func TestSQLPool(t *testing.T) {
	db := database(t)
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := runWithin(t, 200*time.Millisecond, checks.SQL{DB: db}.Run)
	if got.Outcome != health.Fail || got.Reason != health.FailTimeout {
		t.Errorf("got %s %s %q", got.Outcome, got.Reason, got.Output)
	}
	conn.Close()
	// One connection must be enough, or a small pool would hang for good.
	all := checks.Migrations{DB: db, Query: "SELECT 1 UNION SELECT 2", Tables: []checks.Table{{Name: "sqlite_master"}, {Name: "sqlite_master"}}}
	for range 3 {
		want(t, run(t, checks.SQL{DB: db}.Run), health.Pass, "database ok")
		want(t, run(t, all.Run), health.Pass, "database up to date with migrations")
	}
}

func TestMigrationTables(t *testing.T) {
	db := database(t, "CREATE TABLE users (id int, mail text)", `CREATE TABLE "order" (id int)`, "INSERT INTO users VALUES (1, 'a')")
	tests := []struct {
		name    string
		tables  []checks.Table
		outcome health.Outcome
		output  string
	}{
		{"all", []checks.Table{{Name: "users", Columns: []string{"id", "mail"}}, {Name: `"order"`}}, health.Pass, "database up to date with migrations"},
		{"table", []checks.Table{{Name: "users"}, {Name: "events"}}, health.Fail, "events model out of date with migrations"},
		{"column", []checks.Table{{Name: "users", Columns: []string{"id", "phone"}}, {Name: "events"}}, health.Fail, "users model out of date with migrations"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want(t, run(t, checks.Migrations{DB: db, Tables: tt.tables}.Run), tt.outcome, tt.output)
		})
	}
}

// migrationTables are as the tools create them.
func migrationTables() []string {
	return []string{
		"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
		"CREATE TABLE django_migrations (id integer PRIMARY KEY AUTOINCREMENT, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied datetime NOT NULL)",
		"CREATE TABLE flyway_schema_history (installed_rank INT PRIMARY KEY, version VARCHAR(50), description VARCHAR(200), type VARCHAR(20), script VARCHAR(1000), checksum INT, installed_by VARCHAR(100), installed_on TIMESTAMP, execution_time INT, success BOOLEAN)",
		"CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
		"CREATE TABLE schema_migrations (version uint64, dirty bool)",
		"CREATE TABLE own (v int)",
	}
}

func TestMigrationVersions(t *testing.T) {
	const ok = "database up to date with migrations"
	const late = "database out of date with migrations"
	alembic := "INSERT INTO alembic_version VALUES ('ae10'), ('be20')"
	django := "INSERT INTO django_migrations (app, name, applied) VALUES ('auth', '0001_initial', '2026-01-01'), ('auth', '0002_more', '2026-01-01')"
	flyway := "INSERT INTO flyway_schema_history (installed_rank, version, type, success) VALUES (1, '1', 'SQL', 1), (2, '1.1', 'SQL', 1), (3, NULL, 'SQL', 1), (4, '2', 'SQL', 1), (5, '2', 'UNDO_SQL', 1)"
	goose := "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1), (20260101, 1), (20260101, 0), (2, 1)"
	tests := []struct {
		name    string
		insert  string
		check   checks.Migrations
		outcome health.Outcome
		output  string
	}{
		{"alembic", alembic, checks.Migrations{Preset: "alembic", Want: []string{"be20", "ae10"}}, health.Pass, ok},
		{"alembic any", alembic, checks.Migrations{Preset: "alembic"}, health.Pass, ok},
		{"alembic ahead", alembic, checks.Migrations{Preset: "alembic", Want: []string{"ae10"}}, health.Fail, late + ": version is ae10, be20, want ae10"},
		{"alembic behind", alembic, checks.Migrations{Preset: "alembic", Want: []string{"ae10", "ce30"}}, health.Fail, late + ": version is ae10, be20, want ae10, ce30"},
		{"alembic empty", "", checks.Migrations{Preset: "alembic"}, health.Fail, late + ": there is no version"},
		{"django", django, checks.Migrations{Preset: "django", Want: []string{"auth.0001_initial"}}, health.Pass, ok},
		{"django behind", django, checks.Migrations{Preset: "django", Want: []string{"auth.0001_initial", "auth.0003_x", "mail.0001_y"}}, health.Fail, late + ": not applied: auth.0003_x, mail.0001_y"},
		{"django empty", "", checks.Migrations{Preset: "django"}, health.Fail, late + ": there is no version"},
		{"flyway", flyway, checks.Migrations{Preset: "flyway", Want: []string{"1.1"}}, health.Pass, ok},
		{"flyway undone", flyway, checks.Migrations{Preset: "flyway", Want: []string{"2"}}, health.Fail, late + ": not applied: 2"},
		{"flyway failed", flyway + ", (6, '3', 'SQL', 0)", checks.Migrations{Preset: "flyway"}, health.Fail, late + ": migration failed: 3"},
		{"flyway repeatable failed", flyway + ", (6, NULL, 'SQL', 0)", checks.Migrations{Preset: "flyway"}, health.Fail, late + ": migration failed: a repeatable one"},
		{"goose", goose, checks.Migrations{Preset: "goose", Want: []string{"1", "2"}}, health.Pass, ok},
		{"goose taken back", goose, checks.Migrations{Preset: "goose", Want: []string{"20260101"}}, health.Fail, late + ": not applied: 20260101"},
		{"goose begun", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)", checks.Migrations{Preset: "goose"}, health.Fail, late + ": there is no version"},
		{"migrate", "INSERT INTO schema_migrations VALUES (7, 0)", checks.Migrations{Preset: "golang-migrate", Want: []string{"7"}}, health.Pass, ok},
		{"migrate behind", "INSERT INTO schema_migrations VALUES (7, 0)", checks.Migrations{Preset: "golang-migrate", Want: []string{"8"}}, health.Fail, late + ": version is 7, want 8"},
		{"migrate dirty", "INSERT INTO schema_migrations VALUES (7, 1)", checks.Migrations{Preset: "golang-migrate", Want: []string{"7"}}, health.Fail, late + ": version 7 is dirty"},
		{"own table", "INSERT INTO own VALUES (5)", checks.Migrations{Query: "SELECT v FROM own", Want: []string{"5"}}, health.Pass, ok},
		{"other name", "INSERT INTO alembic_version VALUES ('x')", checks.Migrations{Preset: "alembic", VersionTable: "main.alembic_version"}, health.Pass, ok},
		{"no table", "", checks.Migrations{Preset: "alembic", VersionTable: "none"}, health.Fail, late},
		{"wrong columns", "", checks.Migrations{Preset: "goose", VersionTable: "own"}, health.Fail, late},
		{"null", "INSERT INTO own VALUES (NULL)", checks.Migrations{Query: "SELECT v FROM own"}, health.Fail, late + ": there is no version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			statements := migrationTables()
			if tt.insert != "" {
				statements = append(statements, tt.insert)
			}
			tt.check.DB = database(t, statements...)
			want(t, run(t, tt.check.Run), tt.outcome, tt.output)
		})
	}
}

func TestMigrationFaults(t *testing.T) {
	err := checks.Migrations{Preset: "rails", Query: "SELECT 1", VersionTable: "a;b", Tables: []checks.Table{{Columns: []string{"a,b"}}}}.Check()
	for _, part := range []string{
		`DB is "", must be set`, `Preset is "rails", must be alembic, django, flyway, goose or golang-migrate`,
		`Query is "SELECT 1", must be empty with a Preset`, `VersionTable is "a;b", must be a name`,
		`Tables[0].Name is "", must be a name`, `Tables[0].Columns[0] is "a,b", must be a name`,
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in:\n%v", part, err)
		}
	}
	err = checks.Migrations{DB: new(sql.DB), Want: []string{"1"}}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "Preset is \"\", must be set, or Query, or Tables") || !strings.Contains(err.Error(), "Want is \"1\"") {
		t.Errorf("got %v", err)
	}
}
