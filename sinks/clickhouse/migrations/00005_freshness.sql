-- How far a block brings the table, and how to tell that it has arrived, so that a report can say how fresh it is.
--
-- until is for people: instants of the log. The other three are, with to_offset and to_n, the whole sorting key of the
-- block's last row: whether it is there is asked of a few granules, however large the table is.
--
-- Rows from before have the defaults: a report that meets them says less, and reads charges where it could read a
-- rollup.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE sink_blocks
    ADD COLUMN IF NOT EXISTS until DateTime64(3, 'UTC') COMMENT 'instant of the log: what records before it caused is there with this block' AFTER inserted_at,
    ADD COLUMN IF NOT EXISTS to_at DateTime64(3, 'UTC') COMMENT 'at of the last row' AFTER until,
    ADD COLUMN IF NOT EXISTS to_account String COMMENT 'account of the last row' AFTER to_at,
    ADD COLUMN IF NOT EXISTS to_connection String COMMENT 'connection of the last row; of charges' AFTER to_account;
-- +goose StatementEnd

-- +goose StatementBegin
ALTER TABLE sink_blocks MODIFY TTL toDateTime(inserted_at) + INTERVAL 30 DAY GROUP BY stream, partition SET
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
    inserted_at = argMax(inserted_at, block),
    until = argMax(until, block),
    to_at = argMax(to_at, block),
    to_account = argMax(to_account, block),
    to_connection = argMax(to_connection, block);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
ALTER TABLE sink_blocks MODIFY TTL toDateTime(inserted_at) + INTERVAL 30 DAY GROUP BY stream, partition SET
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
    inserted_at = argMax(inserted_at, block);
-- +goose StatementEnd

-- +goose StatementBegin
ALTER TABLE sink_blocks
    DROP COLUMN IF EXISTS until,
    DROP COLUMN IF EXISTS to_at,
    DROP COLUMN IF EXISTS to_account,
    DROP COLUMN IF EXISTS to_connection;
-- +goose StatementEnd
