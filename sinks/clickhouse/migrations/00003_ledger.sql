-- A row for each ledger entry and notice: what every entry has, and the line itself for the rest
-- (JSONExtractString(line, 'grant')).
--
-- Not partitioned: what was due while an account was idle is stamped with the past, so one block can hold entries of
-- many months, and an insert is atomic within one table partition only.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS ledger (
    partition UInt32 CODEC(Delta, ZSTD(1)),
    offset    UInt64 CODEC(Delta, ZSTD(1)),
    n         UInt32 CODEC(ZSTD(1)),
    at        DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    account   String CODEC(ZSTD(1)),
    type      LowCardinality(String),
    line      String COMMENT 'the entry as JSON' CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (account, partition, offset, n)
SETTINGS non_replicated_deduplication_window = 10000,
         replicated_deduplication_window = 10000,
         replicated_deduplication_window_seconds = 604800;
-- +goose StatementEnd

-- +goose Down
DROP TABLE IF EXISTS ledger;
