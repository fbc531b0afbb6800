-- A row for each charge, forever. What identifies a row is (partition, offset, n): where its usage event stands in the log.
--
-- The sink sends amounts as whole nano-credits (the ephemeral columns) and ClickHouse makes decimals of them: exact,
-- and much cheaper than decimals made by the client.
--
-- The deduplication windows make the repetition of an insert harmless; by default a table that is not replicated has none.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS charges (
    partition             UInt32 CODEC(Delta, ZSTD(1)),
    offset                UInt64 CODEC(Delta, ZSTD(1)),
    n                     UInt32 CODEC(ZSTD(1)),
    at                    DateTime64(3, 'UTC') COMMENT 'when it was charged: the clock of the log' CODEC(Delta, ZSTD(1)),
    time                  DateTime64(3, 'UTC') COMMENT 'when the usage happened' CODEC(Delta, ZSTD(1)),
    account               String CODEC(ZSTD(1)),
    connection            String CODEC(ZSTD(1)),
    source_connector      LowCardinality(String),
    destination_connector LowCardinality(String),
    job                   UInt64 CODEC(Delta, ZSTD(1)),
    attempt               UInt64 CODEC(Delta, ZSTD(1)),
    stream                LowCardinality(String) COMMENT 'empty where the event named none',
    event                 String COMMENT 'id of the usage event' CODEC(ZSTD(1)),
    kind                  LowCardinality(String) COMMENT 'of the source connector',
    meter                 Enum8('records' = 0, 'bytes' = 1, 'operations' = 2),
    quantity              UInt64 COMMENT 'of the meter' CODEC(ZSTD(1)),
    credits               Decimal(38, 9) DEFAULT toDecimal128(credits_nano, 0) * toDecimal128('0.000000001', 9) CODEC(ZSTD(1)),
    waived                Decimal(38, 9) DEFAULT (toDecimal128(waived_nano_high, 0) * toDecimal128('18446744073709551616', 0) + toDecimal128(waived_nano_low, 0)) * toDecimal128('0.000000001', 9) COMMENT 'what a free event would have cost' CODEC(ZSTD(1)),
    category              Enum8('billed' = 0, 'free' = 1),
    rates                 LowCardinality(String) COMMENT 'version of the rate card',
    burned                Array(Tuple(grant String, credits Decimal(38, 9))) DEFAULT arrayMap((g, c) -> (g, toDecimal128(c, 0) * toDecimal128('0.000000001', 9)), burned_grants, burned_nano) COMMENT 'what it took from which grant' CODEC(ZSTD(1)),
    overdraft             Decimal(38, 9) DEFAULT toDecimal128(overdraft_nano, 0) * toDecimal128('0.000000001', 9) COMMENT 'the part that no grant covered' CODEC(ZSTD(1)),
    credits_nano          UInt64 EPHEMERAL,
    waived_nano_low       UInt64 EPHEMERAL,
    waived_nano_high      UInt64 EPHEMERAL,
    burned_grants         Array(String) EPHEMERAL,
    burned_nano           Array(UInt64) EPHEMERAL,
    overdraft_nano        UInt64 EPHEMERAL
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (account, connection, at, partition, offset, n)
SETTINGS non_replicated_deduplication_window = 10000,
         replicated_deduplication_window = 10000,
         replicated_deduplication_window_seconds = 604800;
-- +goose StatementEnd

-- +goose Down
DROP TABLE IF EXISTS charges;
