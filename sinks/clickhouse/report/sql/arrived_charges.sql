-- Whether a charge is in the table, by its whole sorting key.
SELECT count() > 0 AS there
FROM charges
WHERE account = unhex({account:String}) AND connection = unhex({connection:String})
    AND at = fromUnixTimestamp64Milli({at:Int64}, 'UTC')
    AND partition = {partition:UInt32} AND toInt64(offset) = {offset:Int64} AND toInt32(n) = {n:Int32}
