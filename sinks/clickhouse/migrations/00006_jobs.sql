-- Which jobs a granule of charges has. Within a connection charges are in order of time, and so, nearly, of jobs: a receipt
-- and a page of syncs read a few granules of each connection in place of all of its years.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE charges ADD INDEX IF NOT EXISTS jobs job TYPE minmax GRANULARITY 1;
-- +goose StatementEnd

-- +goose StatementBegin
ALTER TABLE charges MATERIALIZE INDEX jobs;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE charges DROP INDEX IF EXISTS jobs;
