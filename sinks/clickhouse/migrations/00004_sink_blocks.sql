-- What the sink is about to insert, written before it is inserted. The last block of a stream's partition is the only
-- one that may not be complete, and its row says how to complete it.
--
-- The token of a row's insert is its (stream, partition, block): of two sinks that cut a block differently one wins,
-- and both go by the winner's row.
--
-- Old rows fold into one: only the last block matters.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE IF NOT EXISTS sink_blocks (
    stream      Enum8('charges' = 0, 'ledger' = 1),
    partition   UInt32,
    block       UInt64 COMMENT 'number of the block within its stream and partition',
    from_offset Int64 COMMENT 'the last row before the block; -1, -1 where there is none',
    from_n      Int32,
    to_offset   Int64 COMMENT 'the last row of the block',
    to_n        Int32,
    rows        UInt64 COMMENT '0: a mark of what was read without finding rows',
    month       UInt32 COMMENT 'of the rows, as 202602; 0 where there are none',
    covered     Int64 COMMENT 'input offset before which no row is missing',
    kafka_first Int64 COMMENT 'record that holds the first row: where to read the block again',
    kafka_next  Int64 COMMENT 'record to go on with after the block',
    writer      UUID COMMENT 'the sink that wrote this row',
    inserted_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (stream, partition, block)
TTL toDateTime(inserted_at) + INTERVAL 30 DAY GROUP BY stream, partition SET
    block = max(block),
    from_offset = argMax(from_offset, block),
    from_n = argMax(from_n, block),
    to_offset = argMax(to_offset, block),
    to_n = argMax(to_n, block),
    rows = argMax(rows, block),
    month = argMax(month, block),
    covered = argMax(covered, block),
    kafka_first = argMax(kafka_first, block),
    kafka_next = argMax(kafka_next, block),
    writer = argMax(writer, block),
    inserted_at = argMax(inserted_at, block)
SETTINGS non_replicated_deduplication_window = 10000,
         replicated_deduplication_window = 10000,
         replicated_deduplication_window_seconds = 604800;
-- +goose StatementEnd

-- +goose Down
DROP TABLE IF EXISTS sink_blocks;
