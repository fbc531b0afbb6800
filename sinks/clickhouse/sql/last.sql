-- The last intent of a stream's partition. Of several for one number the first counts: whoever reads it reads the same.
SELECT
    block, from_offset, from_n, to_offset, to_n, rows, month, covered, kafka_first, kafka_next, writer,
    toUnixTimestamp64Milli(until), toUnixTimestamp64Milli(to_at), to_account, to_connection,
    dateDiff('millisecond', inserted_at, now64(6)) AS age
FROM sink_blocks
WHERE stream = {stream:String} AND partition = {partition:UInt32}
ORDER BY block DESC, inserted_at, writer
LIMIT 1
