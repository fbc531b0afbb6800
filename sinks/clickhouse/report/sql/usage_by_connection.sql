-- What an account used, by connection or stream and by point of a window: days that are final from the rollup, the rest of
-- the span from charges. A point is told by its first day, as the number of days since 1970.
SELECT
    connection,
    if({by:String} = 'stream', stream, '') AS name,
    toInt32(multiIf({window:String} = 'weekly', toMonday(day), {window:String} = 'monthly', toStartOfMonth(day), day)) AS point,
    sum(events), sum(credits), sum(waived), sum(records), sum(bytes), sum(operations)
FROM (
    SELECT connection, toString(stream) AS stream, day, events, credits, waived, records, bytes, operations
    FROM usage_by_day
    WHERE account = unhex({account:String})
        AND ({connection:String} = '' OR connection = unhex({connection:String}))
        AND day >= toDate(fromUnixTimestamp64Milli({rollup_from:Int64}, 'UTC'))
        AND day < toDate(fromUnixTimestamp64Milli({rollup_to:Int64}, 'UTC'))
    UNION ALL
    SELECT
        connection, toString(stream) AS stream, toDate(at) AS day, count() AS events,
        sum(toDecimal256(credits, 9)) AS credits, sum(toDecimal256(waived, 9)) AS waived,
        sumIf(toUInt128(quantity), meter = 'records') AS records,
        sumIf(toUInt128(quantity), meter = 'bytes') AS bytes,
        sumIf(toUInt128(quantity), meter = 'operations') AS operations
    FROM charges
    WHERE account = unhex({account:String})
        AND ({connection:String} = '' OR connection = unhex({connection:String}))
        AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND (at < fromUnixTimestamp64Milli({rollup_from:Int64}, 'UTC') OR at >= fromUnixTimestamp64Milli({rollup_to:Int64}, 'UTC'))
    GROUP BY connection, stream, day
)
GROUP BY connection, name, point
