-- The charges of an export in a span of time, after one position and up to another.
SELECT
    partition, offset, n, toUnixTimestamp64Milli(at) AS at_milli, toUnixTimestamp64Milli(time) AS time_milli, connection,
    toString(source_connector), toString(destination_connector), job, attempt, toString(stream), event, toString(kind),
    toString(meter), toString(rates), toString(category), quantity, credits, waived, overdraft, burned.grant, burned.credits
FROM charges
WHERE account = unhex({account:String})
    AND ({connection:String} = '' OR connection = unhex({connection:String}))
    AND ({any_job:UInt8} OR job = {job:UInt64})
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND (toInt64(offset), toInt64(n)) > ({after_offset:Int64}, {after_n:Int64})
    AND (offset, n) <= ({last_offset:UInt64}, {last_n:UInt32})
ORDER BY offset, n
LIMIT {limit:UInt32}
