-- What connections used, by hour and by day, kept up to date by every insert into charges.
--
-- Buckets go by `at`, when the usage was charged, like balances and periods: an hour that has passed does not change,
-- even if usage of it arrives late. Ask charges for when usage happened.
--
-- partition adds no rows, since an account has one partition for ever; the sink counts by it whether a block has
-- arrived here. Sums are wide: credits of 38 digits and quantities of 53 bits could overflow their own types.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS usage_by_hour (
    account    String CODEC(ZSTD(1)),
    connection String CODEC(ZSTD(1)),
    stream     LowCardinality(String),
    hour       DateTime('UTC') CODEC(Delta, ZSTD(1)),
    partition  UInt32 CODEC(Delta, ZSTD(1)),
    events     UInt64 CODEC(ZSTD(1)),
    credits    Decimal(76, 9) COMMENT 'billed' CODEC(ZSTD(1)),
    waived     Decimal(76, 9) CODEC(ZSTD(1)),
    records    UInt128 COMMENT 'quantity rated by records; likewise bytes and operations' CODEC(ZSTD(1)),
    bytes      UInt128 CODEC(ZSTD(1)),
    operations UInt128 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (account, connection, stream, hour, partition)
SETTINGS non_replicated_deduplication_window = 10000,
         replicated_deduplication_window = 10000,
         replicated_deduplication_window_seconds = 604800;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS usage_by_day (
    account    String CODEC(ZSTD(1)),
    connection String CODEC(ZSTD(1)),
    stream     LowCardinality(String),
    day        Date CODEC(Delta, ZSTD(1)),
    partition  UInt32 CODEC(Delta, ZSTD(1)),
    events     UInt64 CODEC(ZSTD(1)),
    credits    Decimal(76, 9) COMMENT 'billed' CODEC(ZSTD(1)),
    waived     Decimal(76, 9) CODEC(ZSTD(1)),
    records    UInt128 COMMENT 'quantity rated by records; likewise bytes and operations' CODEC(ZSTD(1)),
    bytes      UInt128 CODEC(ZSTD(1)),
    operations UInt128 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, connection, stream, day, partition)
SETTINGS non_replicated_deduplication_window = 10000,
         replicated_deduplication_window = 10000,
         replicated_deduplication_window_seconds = 604800;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_by_hour_view TO usage_by_hour AS
SELECT
    account,
    connection,
    stream,
    toStartOfHour(at) AS hour,
    partition,
    count() AS events,
    sum(toDecimal256(credits, 9)) AS credits,
    sum(toDecimal256(waived, 9)) AS waived,
    sumIf(toUInt128(quantity), meter = 'records') AS records,
    sumIf(toUInt128(quantity), meter = 'bytes') AS bytes,
    sumIf(toUInt128(quantity), meter = 'operations') AS operations
FROM charges
GROUP BY account, connection, stream, hour, partition;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_by_day_view TO usage_by_day AS
SELECT
    account,
    connection,
    stream,
    toDate(at) AS day,
    partition,
    count() AS events,
    sum(toDecimal256(credits, 9)) AS credits,
    sum(toDecimal256(waived, 9)) AS waived,
    sumIf(toUInt128(quantity), meter = 'records') AS records,
    sumIf(toUInt128(quantity), meter = 'bytes') AS bytes,
    sumIf(toUInt128(quantity), meter = 'operations') AS operations
FROM charges
GROUP BY account, connection, stream, day, partition;
-- +goose StatementEnd

-- +goose Down
DROP VIEW IF EXISTS usage_by_day_view;
DROP VIEW IF EXISTS usage_by_hour_view;
DROP TABLE IF EXISTS usage_by_day;
DROP TABLE IF EXISTS usage_by_hour;
