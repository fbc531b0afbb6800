-- How many charges an export has in each hour, and the last of each. All of it is of one moment.
SELECT toUInt64(toUnixTimestamp(toStartOfHour(at))) AS hour, count(), tupleElement(max((offset, n)) AS last, 1), tupleElement(last, 2)
FROM charges
WHERE account = unhex({account:String})
    AND ({connection:String} = '' OR connection = unhex({connection:String}))
    AND ({any_job:UInt8} OR job = {job:UInt64})
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY hour
ORDER BY hour
