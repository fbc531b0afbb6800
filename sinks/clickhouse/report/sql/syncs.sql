-- A page of an account's syncs, the one whose first charge is the latest first. It looks for syncs that were charged after
-- an instant (since), reads all of their charges within the bounds, and keeps those that began after that instant:
-- others may be missing further back. Syncs that began at or after the cursor were on pages before.
SELECT
    connection, job,
    tupleElement(min((offset, n)) AS first, 1), tupleElement(first, 2),
    argMax(toString(source_connector), (offset, n)), argMax(toString(destination_connector), (offset, n)),
    uniqExact(attempt),
    toUnixTimestamp64Milli(min(at) AS first_at), toUnixTimestamp64Milli(max(at)),
    count(), sum(toDecimal256(credits, 9)), sum(toDecimal256(waived, 9)),
    sumIf(toUInt128(quantity), meter = 'records'),
    sumIf(toUInt128(quantity), meter = 'bytes'),
    sumIf(toUInt128(quantity), meter = 'operations')
FROM charges
WHERE account = unhex({account:String})
    AND ({connection:String} = '' OR connection = unhex({connection:String}))
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({since:Int64} <= {from:Int64} OR (connection, job) IN (
        SELECT DISTINCT connection, job
        FROM charges
        WHERE account = unhex({account:String})
            AND ({connection:String} = '' OR connection = unhex({connection:String}))
            AND at >= fromUnixTimestamp64Milli(greatest({from:Int64}, {since:Int64}), 'UTC')
            AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
            AND (offset, n) < ({before_offset:UInt64}, {before_n:UInt32})
    ))
GROUP BY connection, job
HAVING first < ({before_offset:UInt64}, {before_n:UInt32}) AND first_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
ORDER BY first DESC
LIMIT {limit:UInt32}
