-- A page of an account's syncs, the one whose first charge is the latest first.
SELECT
    connection, job,
    tupleElement(min((offset, n)) AS first, 1), tupleElement(first, 2),
    argMax(toString(source_connector), (offset, n)), argMax(toString(destination_connector), (offset, n)),
    uniqExact(attempt),
    toUnixTimestamp64Milli(min(at)), toUnixTimestamp64Milli(max(at)),
    count(), sum(toDecimal256(credits, 9)), sum(toDecimal256(waived, 9)),
    sumIf(toUInt128(quantity), meter = 'records'),
    sumIf(toUInt128(quantity), meter = 'bytes'),
    sumIf(toUInt128(quantity), meter = 'operations')
FROM charges
WHERE account = unhex({account:String})
    AND ({connection:String} = '' OR connection = unhex({connection:String}))
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY connection, job
HAVING first < ({before_offset:UInt64}, {before_n:UInt32})
ORDER BY first DESC
LIMIT {limit:UInt32}
