CREATE TABLE drawdown.charges
(
    `partition` UInt32 CODEC(Delta(4), ZSTD(1)),
    `offset` UInt64 CODEC(Delta(8), ZSTD(1)),
    `n` UInt32 CODEC(ZSTD(1)),
    `at` DateTime64(3, 'UTC') COMMENT 'when it was charged: the clock of the log' CODEC(Delta(8), ZSTD(1)),
    `time` DateTime64(3, 'UTC') COMMENT 'when the usage happened' CODEC(Delta(8), ZSTD(1)),
    `account` String CODEC(ZSTD(1)),
    `connection` String CODEC(ZSTD(1)),
    `source_connector` LowCardinality(String),
    `destination_connector` LowCardinality(String),
    `job` UInt64 CODEC(Delta(8), ZSTD(1)),
    `attempt` UInt64 CODEC(Delta(8), ZSTD(1)),
    `stream` LowCardinality(String) COMMENT 'empty where the event named none',
    `event` String COMMENT 'id of the usage event' CODEC(ZSTD(1)),
    `kind` LowCardinality(String) COMMENT 'of the source connector',
    `meter` Enum8('records' = 0, 'bytes' = 1, 'operations' = 2),
    `quantity` UInt64 COMMENT 'of the meter' CODEC(ZSTD(1)),
    `credits` Decimal(38, 9) DEFAULT toDecimal128(credits_nano, 0) * toDecimal128('0.000000001', 9) CODEC(ZSTD(1)),
    `waived` Decimal(38, 9) DEFAULT ((toDecimal128(waived_nano_high, 0) * toDecimal128('18446744073709551616', 0)) + toDecimal128(waived_nano_low, 0)) * toDecimal128('0.000000001', 9) COMMENT 'what a free event would have cost' CODEC(ZSTD(1)),
    `category` Enum8('billed' = 0, 'free' = 1),
    `rates` LowCardinality(String) COMMENT 'version of the rate card',
    `burned` Array(Tuple(
        grant String,
        credits Decimal(38, 9))) DEFAULT arrayMap((g, c) -> (g, toDecimal128(c, 0) * toDecimal128('0.000000001', 9)), burned_grants, burned_nano) COMMENT 'what it took from which grant' CODEC(ZSTD(1)),
    `overdraft` Decimal(38, 9) DEFAULT toDecimal128(overdraft_nano, 0) * toDecimal128('0.000000001', 9) COMMENT 'the part that no grant covered' CODEC(ZSTD(1)),
    `credits_nano` UInt64 EPHEMERAL,
    `waived_nano_low` UInt64 EPHEMERAL,
    `waived_nano_high` UInt64 EPHEMERAL,
    `burned_grants` Array(String) EPHEMERAL,
    `burned_nano` Array(UInt64) EPHEMERAL,
    `overdraft_nano` UInt64 EPHEMERAL,
    INDEX jobs job TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (account, connection, at, partition, offset, n)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 8192;

CREATE TABLE drawdown.ledger
(
    `partition` UInt32 CODEC(Delta(4), ZSTD(1)),
    `offset` UInt64 CODEC(Delta(8), ZSTD(1)),
    `n` UInt32 CODEC(ZSTD(1)),
    `at` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    `account` String CODEC(ZSTD(1)),
    `type` LowCardinality(String),
    `line` String COMMENT 'the entry as JSON' CODEC(ZSTD(3))
)
ENGINE = MergeTree
ORDER BY (account, partition, offset, n)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 8192;

CREATE TABLE drawdown.sink_blocks
(
    `stream` Enum8('charges' = 0, 'ledger' = 1),
    `partition` UInt32,
    `block` UInt64 COMMENT 'number of the block within its stream and partition',
    `from_offset` Int64 COMMENT 'the last row before the block; -1, -1 where there is none',
    `from_n` Int32,
    `to_offset` Int64 COMMENT 'the last row of the block',
    `to_n` Int32,
    `rows` UInt64 COMMENT '0: a mark of what was read without finding rows',
    `month` UInt32 COMMENT 'of the rows, as 202602; 0 where there are none',
    `covered` Int64 COMMENT 'input offset before which no row is missing',
    `kafka_first` Int64 COMMENT 'record that holds the first row: where to read the block again',
    `kafka_next` Int64 COMMENT 'record to go on with after the block',
    `writer` UUID COMMENT 'the sink that wrote this row',
    `inserted_at` DateTime64(6, 'UTC') DEFAULT now64(6),
    `until` DateTime64(3, 'UTC') COMMENT 'instant of the log: what records before it caused is there with this block',
    `to_at` DateTime64(3, 'UTC') COMMENT 'at of the last row',
    `to_account` String COMMENT 'account of the last row',
    `to_connection` String COMMENT 'connection of the last row; of charges'
)
ENGINE = MergeTree
ORDER BY (stream, partition, block)
TTL toDateTime(inserted_at) + toIntervalDay(30) GROUP BY stream, partition SET block = max(block), from_offset = argMax(from_offset, block), from_n = argMax(from_n, block), to_offset = argMax(to_offset, block), to_n = argMax(to_n, block), rows = argMax(rows, block), month = argMax(month, block), covered = argMax(covered, block), kafka_first = argMax(kafka_first, block), kafka_next = argMax(kafka_next, block), writer = argMax(writer, block), inserted_at = argMax(inserted_at, block), until = argMax(until, block), to_at = argMax(to_at, block), to_account = argMax(to_account, block), to_connection = argMax(to_connection, block)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 8192;

CREATE TABLE drawdown.usage_by_day
(
    `account` String CODEC(ZSTD(1)),
    `connection` String CODEC(ZSTD(1)),
    `stream` LowCardinality(String),
    `day` Date CODEC(Delta(2), ZSTD(1)),
    `partition` UInt32 CODEC(Delta(4), ZSTD(1)),
    `events` UInt64 CODEC(ZSTD(1)),
    `credits` Decimal(76, 9) COMMENT 'billed' CODEC(ZSTD(1)),
    `waived` Decimal(76, 9) CODEC(ZSTD(1)),
    `records` UInt128 COMMENT 'quantity rated by records; likewise bytes and operations' CODEC(ZSTD(1)),
    `bytes` UInt128 CODEC(ZSTD(1)),
    `operations` UInt128 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (account, connection, stream, day, partition)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 8192;

CREATE MATERIALIZED VIEW drawdown.usage_by_day_view TO drawdown.usage_by_day
(
    `account` String,
    `connection` String,
    `stream` LowCardinality(String),
    `day` Date,
    `partition` UInt32,
    `events` UInt64,
    `credits` Decimal(76, 9),
    `waived` Decimal(76, 9),
    `records` UInt128,
    `bytes` UInt128,
    `operations` UInt128
)
AS SELECT
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
FROM drawdown.charges
GROUP BY
    account,
    connection,
    stream,
    day,
    partition;

CREATE TABLE drawdown.usage_by_hour
(
    `account` String CODEC(ZSTD(1)),
    `connection` String CODEC(ZSTD(1)),
    `stream` LowCardinality(String),
    `hour` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `partition` UInt32 CODEC(Delta(4), ZSTD(1)),
    `events` UInt64 CODEC(ZSTD(1)),
    `credits` Decimal(76, 9) COMMENT 'billed' CODEC(ZSTD(1)),
    `waived` Decimal(76, 9) CODEC(ZSTD(1)),
    `records` UInt128 COMMENT 'quantity rated by records; likewise bytes and operations' CODEC(ZSTD(1)),
    `bytes` UInt128 CODEC(ZSTD(1)),
    `operations` UInt128 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (account, connection, stream, hour, partition)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 8192;

CREATE MATERIALIZED VIEW drawdown.usage_by_hour_view TO drawdown.usage_by_hour
(
    `account` String,
    `connection` String,
    `stream` LowCardinality(String),
    `hour` DateTime('UTC'),
    `partition` UInt32,
    `events` UInt64,
    `credits` Decimal(76, 9),
    `waived` Decimal(76, 9),
    `records` UInt128,
    `bytes` UInt128,
    `operations` UInt128
)
AS SELECT
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
FROM drawdown.charges
GROUP BY
    account,
    connection,
    stream,
    hour,
    partition;
