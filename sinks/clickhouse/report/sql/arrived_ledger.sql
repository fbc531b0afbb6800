-- Whether a ledger entry is in the table, by its whole sorting key.
SELECT count() > 0 AS there
FROM ledger
WHERE account = unhex({account:String})
    AND partition = {partition:UInt32} AND toInt64(offset) = {offset:Int64} AND toInt32(n) = {n:Int32}
