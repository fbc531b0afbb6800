-- A page of an account's ledger, the latest first. An account has one partition.
SELECT partition, offset, n, toUnixTimestamp64Milli(at) AS at_milli, type, line
FROM ledger
WHERE account = unhex({account:String})
    AND (offset, n) < ({before_offset:UInt64}, {before_n:UInt32})
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({types:String} = '' OR has(arrayMap(digits -> unhex(digits), splitByChar(',', {types:String})), type))
ORDER BY account DESC, partition DESC, offset DESC, n DESC
LIMIT {limit:UInt32}
