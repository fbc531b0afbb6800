-- The ledger entries of an account that follow a position, the oldest first.
SELECT partition, offset, n, toUnixTimestamp64Milli(at) AS at_milli, type, line
FROM ledger
WHERE account = unhex({account:String})
    AND (toInt64(offset), toInt64(n)) > ({after_offset:Int64}, {after_n:Int64})
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({types:String} = '' OR has(arrayMap(digits -> unhex(digits), splitByChar(',', {types:String})), type))
ORDER BY account, partition, offset, n
LIMIT {limit:UInt32}
