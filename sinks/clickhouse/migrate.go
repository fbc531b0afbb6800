package clickhouse

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database's tables up to date and returns how many migrations it applied. It creates the database
// if it is not there. It may run at any time, by several programs at once, beside running sinks.
func Migrate(ctx context.Context, dsn string) (applied int, err error) {
	options, err := ch.ParseDSN(dsn)
	if err != nil {
		return 0, fmt.Errorf("migrate ClickHouse: read its address: %w", err)
	}
	if err := createDatabase(ctx, *options); err != nil {
		return 0, err
	}
	db := ch.OpenDB(options)
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, fmt.Errorf("migrate ClickHouse: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectClickHouse, db, files)
	if err != nil {
		return 0, fmt.Errorf("migrate ClickHouse: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return len(results), fmt.Errorf("migrate ClickHouse: %w", err)
	}
	return len(results), nil
}

func createDatabase(ctx context.Context, options ch.Options) error {
	name := options.Auth.Database
	if name == "" || name == "default" {
		return nil
	}
	options.Auth.Database = "default"
	db := ch.OpenDB(&options)
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS {name:Identifier}", ch.Named("name", name)); err != nil {
		return fmt.Errorf("migrate ClickHouse: create database %s: %w", name, err)
	}
	return nil
}
