package checks

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
)

// preset is how a migration tool keeps versions.
type preset struct {
	query, table, order string // put together they are the query
	history             bool   // the table has all versions ever applied
	// read takes the versions from the rows; fault says which migration went wrong.
	read func(*sql.Rows) (versions []string, fault string, err error)
}

// presetOf knows the tools. Names of columns are not quoted: the tools create them in
// lower case, and databases disagree on quotes.
func presetOf(name string) (preset, bool) {
	switch name {
	case "alembic": // a row for each branch
		return preset{"SELECT version_num FROM ", "alembic_version", "", false, currentVersions}, true
	case "django":
		return preset{"SELECT app, name FROM ", "django_migrations", "", true, djangoVersions}, true
	case "flyway":
		return preset{"SELECT version, type, success FROM ", "flyway_schema_history", " ORDER BY installed_rank", true, flywayVersions}, true
	case "goose":
		return preset{"SELECT version_id, is_applied FROM ", "goose_db_version", " ORDER BY id", true, gooseVersions}, true
	case "golang-migrate":
		return preset{"SELECT version, dirty FROM ", "schema_migrations", "", false, migrateVersions}, true
	}
	return preset{}, false
}

func (p preset) ask(ctx context.Context, db *sql.DB, query string) (versions []string, fault string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	if versions, fault, err = p.read(rows); err != nil {
		return nil, "", err
	}
	return versions, fault, rows.Err()
}

func currentVersions(rows *sql.Rows) (versions []string, fault string, err error) {
	for rows.Next() {
		var version sql.NullString
		if err := rows.Scan(&version); err != nil {
			return nil, "", err
		}
		if version.Valid {
			versions = append(versions, version.String)
		}
	}
	return versions, "", nil
}

func djangoVersions(rows *sql.Rows) (versions []string, fault string, err error) {
	for rows.Next() {
		var app, name string
		if err := rows.Scan(&app, &name); err != nil {
			return nil, "", err
		}
		versions = append(versions, app+"."+name)
	}
	return versions, "", nil
}

// flywayVersions follows the history: what was undone, or marked as deleted, is no
// longer applied. Repeatable migrations have no version.
func flywayVersions(rows *sql.Rows) (versions []string, fault string, err error) {
	for rows.Next() {
		var version, kind sql.NullString
		var success sql.NullBool
		if err := rows.Scan(&version, &kind, &success); err != nil {
			return nil, "", err
		}
		name := version.String
		if !version.Valid {
			name = "a repeatable one"
		}
		switch {
		case !success.Bool:
			fault = "migration failed: " + name
		case !version.Valid:
		case kind.String == "DELETE" || len(kind.String) > 4 && kind.String[:4] == "UNDO":
			versions = slices.DeleteFunc(versions, func(v string) bool { return v == name })
		case !slices.Contains(versions, name):
			versions = append(versions, name)
		}
	}
	return versions, fault, nil
}

// gooseVersions follows the history: old versions of goose add a row when a
// migration is taken back, new ones remove it. Version 0 is there from the beginning.
func gooseVersions(rows *sql.Rows) (versions []string, fault string, err error) {
	for rows.Next() {
		var version int64
		var applied sql.NullBool
		if err := rows.Scan(&version, &applied); err != nil {
			return nil, "", err
		}
		name := strconv.FormatInt(version, 10)
		versions = slices.DeleteFunc(versions, func(v string) bool { return v == name })
		if applied.Bool && version > 0 {
			versions = append(versions, name)
		}
	}
	return versions, "", nil
}

// migrateVersions reads the one row there is. A dirty version is one that failed half
// way.
func migrateVersions(rows *sql.Rows) (versions []string, fault string, err error) {
	for rows.Next() {
		var version int64
		var dirty sql.NullBool
		if err := rows.Scan(&version, &dirty); err != nil {
			return nil, "", err
		}
		name := strconv.FormatInt(version, 10)
		if dirty.Bool {
			fault = "version " + name + " is dirty"
		}
		versions = append(versions, name)
	}
	return versions, fault, nil
}
