-- Adds a block that charges has to usage_by_hour, like the view.
INSERT INTO usage_by_hour (account, connection, stream, hour, partition, events, credits, waived, records, bytes, operations)
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
WHERE partition = {partition:UInt32} AND toYYYYMM(at) = {month:UInt32}
    AND (toInt64(offset), toInt32(n)) > ({from_offset:Int64}, {from_n:Int32})
    AND (toInt64(offset), toInt32(n)) <= ({to_offset:Int64}, {to_n:Int32})
GROUP BY account, connection, stream, hour, partition
