-- The last row of a partition.
SELECT toInt64(offset), toInt32(n)
FROM {table:Identifier}
WHERE partition = {partition:UInt32}
ORDER BY offset DESC, n DESC
LIMIT 1
