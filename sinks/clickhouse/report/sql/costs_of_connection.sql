-- What each sync of a connection cost in a span of time, in all and by meter.
SELECT
    tupleElement(max((offset, n)) AS last, 1), tupleElement(last, 2),
    argMax(toString(source_connector), (offset, n)), argMax(toString(destination_connector), (offset, n)),
    argMax(toString(meter), (offset, n)),
    sum(toDecimal256(credits, 9)),
    sumIf(toDecimal256(credits, 9), meter = 'records'), sumIf(toUInt128(quantity), meter = 'records'),
    sumIf(toDecimal256(credits, 9), meter = 'bytes'), sumIf(toUInt128(quantity), meter = 'bytes'),
    sumIf(toDecimal256(credits, 9), meter = 'operations'), sumIf(toUInt128(quantity), meter = 'operations')
FROM charges
WHERE account = unhex({account:String})
    AND connection = unhex({connection:String})
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY connection, job
