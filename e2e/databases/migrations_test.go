package databases

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/golang-migrate/migrate/v4"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/pressly/goose/v3"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// gooseMigrations are two versions, the second of which can be broken.
func gooseMigrations(second string) fs.FS {
	return fstest.MapFS{
		"1_first.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE shelves (id int);\n-- +goose Down\nDROP TABLE shelves;\n")},
		"2_second.sql": {Data: []byte("-- +goose Up\n" + second + "\n-- +goose Down\nDROP TABLE books;\n")},
	}
}

// The tables that the presets read are made by the tools themselves.
func TestMigrationsByGoose(t *testing.T) {
	_, db := startPostgres(t)
	check := checks.Migrations{DB: db, Preset: "goose", Want: []string{"2"}}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, gooseMigrations("CREATE TABLE books (id int);"))
	if err != nil {
		t.Fatal(err)
	}
	if s := runCheck(t, check.Run); s.Outcome != health.Fail {
		t.Errorf("before the first migration: %v %v", s.Outcome, s.Output)
	}
	if _, err := provider.UpByOne(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := runCheck(t, check.Run); s.Outcome != health.Fail || !strings.Contains(s.Err.Error(), "not applied: 2") {
		t.Errorf("after the first migration: %v %v", s.Outcome, s.Err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := runCheck(t, check.Run); s.Outcome != health.Pass {
		t.Errorf("after the second migration: %v %v", s.Outcome, s.Err)
	}
	if _, err := provider.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := runCheck(t, check.Run); s.Outcome != health.Fail {
		t.Errorf("after going back: %v", s.Outcome)
	}
}

func TestMigrationsByGolangMigrate(t *testing.T) {
	_, db := startPostgres(t)
	source, err := iofs.New(fstest.MapFS{
		"1_first.up.sql":  {Data: []byte("CREATE TABLE shelves (id int);")},
		"2_second.up.sql": {Data: []byte("CREATE TABEL books (id int);")}, // fails and leaves the version dirty
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tool, err := migrate.NewWithInstance("iofs", source, "postgres", driver)
	if err != nil {
		t.Fatal(err)
	}
	check := checks.Migrations{DB: db, Preset: "golang-migrate", Want: []string{"1"}}
	if s := runCheck(t, check.Run); s.Outcome != health.Fail {
		t.Errorf("before the first migration: %v %v", s.Outcome, s.Output)
	}
	if err := tool.Migrate(1); err != nil {
		t.Fatal(err)
	}
	if s := runCheck(t, check.Run); s.Outcome != health.Pass {
		t.Errorf("after the first migration: %v %v", s.Outcome, s.Err)
	}
	if err := tool.Up(); err == nil {
		t.Fatal("a broken migration went through")
	}
	if s := runCheck(t, check.Run); s.Outcome != health.Fail || !strings.Contains(s.Err.Error(), "dirty") {
		t.Errorf("after a broken migration: %v %v", s.Outcome, s.Err)
	}
	if err := errors.Join(tool.Close()); err != nil {
		t.Error(err)
	}
}
