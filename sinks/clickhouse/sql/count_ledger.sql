-- What is there of a block of ledger entries.
SELECT count() AS rows
FROM ledger
WHERE partition = {partition:UInt32}
    AND (toInt64(offset), toInt32(n)) > ({from_offset:Int64}, {from_n:Int32})
    AND (toInt64(offset), toInt32(n)) <= ({to_offset:Int64}, {to_n:Int32})
