package checks

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/health"
)

// Migrations fails if the schema of the database is not the one that the program
// was written for: by the version that a migration tool keeps in a table of its own,
// by asking for a row of each table, or both.
//
// The schema hardly ever changes while a program runs: give the health.Check a long
// PassTTL or Interval.
type Migrations struct {
	// DB is the program's own pool. Required.
	DB *sql.DB `yaml:"-"`

	// Preset names the tool whose table is looked at: alembic, django, flyway, goose or
	// golang-migrate. With Preset or Query empty, and the other too, there must be Tables.
	Preset string `yaml:"preset"`
	// VersionTable is the table if it is not the tool's usual one.
	VersionTable string `yaml:"version_table"`
	// Query is for other tools: it gives the current versions, one a row, in one column.
	Query string `yaml:"query"`
	// Want are the versions that the program needs. Of tools that keep a history
	// (django, flyway, goose) each must have been applied, whatever came after; Django's
	// are written app.name. Of others the current versions must be these and no others.
	// Without Want there must be some version, and none that failed.
	Want []string `yaml:"want"`

	// Tables must exist and have their columns.
	Tables []Table `yaml:"tables"`
}

// Table is a table that the program uses. Names are written as in a query, quoted if
// they must be; they must never come from outside the program.
type Table struct {
	Name string `yaml:"name"`
	// Columns are those the program uses; none means all there are, which finds
	// missing tables but no missing columns.
	Columns []string `yaml:"columns"`
}

// The outputs of Migrations.
const (
	saysUpToDate  = "database up to date with migrations"
	saysOutOfDate = "database out of date with migrations"
)

// Check reports what is wrong with the options.
func (m Migrations) Check() error {
	_, known := presetOf(m.Preset)
	faults := []error{
		require(m.DB != nil, "DB", "", "set"),
		require(m.Preset == "" || known, "Preset", m.Preset, "alembic, django, flyway, goose or golang-migrate"),
		require(m.Preset == "" || m.Query == "", "Query", m.Query, "empty with a Preset"),
		require(m.Preset != "" || m.Query != "" || len(m.Tables) > 0, "Preset", m.Preset, "set, or Query, or Tables"),
		require(len(m.Want) == 0 || m.Preset != "" || m.Query != "", "Want", strings.Join(m.Want, ", "), "empty without Preset and Query"),
		require(m.VersionTable == "" || m.Preset != "" && isName(m.VersionTable), "VersionTable", m.VersionTable, "a name, with a Preset"),
	}
	for i, table := range m.Tables {
		faults = append(faults, require(isName(table.Name), fmt.Sprintf("Tables[%d].Name", i), table.Name, "a name"))
		for j, column := range table.Columns {
			faults = append(faults, require(isName(column), fmt.Sprintf("Tables[%d].Columns[%d]", i, j), column, "a name"))
		}
	}
	return errors.Join(faults...)
}

// isName reports whether text can be a name in a query. It finds mistakes, such as a
// list in place of a name; it makes nothing safe that comes from outside.
func isName(text string) bool {
	return text != "" && !strings.ContainsAny(text, ";,()'\n\r\x00") && !strings.Contains(text, "--") && !strings.Contains(text, "/*")
}

// Run looks at the version, then at the tables.
func (m Migrations) Run(ctx context.Context) error {
	if err := m.Check(); err != nil {
		return err
	}
	if err := reach(ctx, m.DB); err != nil {
		return err
	}
	if err := m.versions(ctx); err != nil {
		return err
	}
	for _, table := range m.Tables {
		if _, err := selectOne(ctx, m.DB, "SELECT "+cmp.Or(strings.Join(table.Columns, ", "), "*")+" FROM "+table.Name+" LIMIT 1"); err != nil {
			health.Say(ctx, table.Name+" model out of date with migrations")
			return err
		}
	}
	health.Say(ctx, saysUpToDate)
	return nil
}

// versions compares the versions of the database with those that are needed.
func (m Migrations) versions(ctx context.Context) error {
	if m.Preset == "" && m.Query == "" {
		return nil
	}
	p, ok := presetOf(m.Preset)
	if !ok {
		p = preset{read: currentVersions}
	}
	query := m.Query
	if query == "" {
		query = p.query + cmp.Or(m.VersionTable, p.table) + p.order
	}
	have, fault, err := p.ask(ctx, m.DB, query)
	if err != nil {
		health.Say(ctx, saysOutOfDate)
		return fmt.Errorf("reading the versions of migrations: %w", err)
	}
	if fault == "" {
		fault = m.compare(have, p.history)
	}
	if fault != "" {
		return errors.New(saysOutOfDate + ": " + fault)
	}
	health.Observe(ctx, "migrations", len(have), "migrations")
	return nil
}

// compare says how the versions differ from those that are needed.
func (m Migrations) compare(have []string, history bool) string {
	if len(have) == 0 {
		return "there is no version"
	}
	if len(m.Want) == 0 {
		return ""
	}
	var missing []string
	for _, version := range m.Want {
		if !slices.Contains(have, version) {
			missing = append(missing, version)
		}
	}
	switch {
	case len(missing) > 0 && history:
		return "not applied: " + strings.Join(missing, ", ")
	case history:
		return ""
	case len(missing) > 0 || len(have) != len(m.Want):
		return fmt.Sprintf("version is %s, want %s", strings.Join(have, ", "), strings.Join(m.Want, ", "))
	}
	return ""
}
