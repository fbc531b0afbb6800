-- A page of an account's purchases, the latest first, each with all of its lines in order.
SELECT
    if(type = 'grant.refunded', JSONExtractString(line, 'grant'), JSONExtractString(line, 'purchase')) AS purchase,
    tupleElement(min((offset, n)) AS first, 1), tupleElement(first, 2),
    tupleElement(arraySort(groupArray((offset, n, toUnixTimestamp64Milli(at), toString(type), line))) AS lines, 3),
    tupleElement(lines, 4), tupleElement(lines, 5)
FROM ledger
WHERE account = unhex({account:String}) AND type IN (
    'purchase.requested', 'purchase.settled', 'purchase.failed', 'purchase.declined', 'purchase.retried', 'grant.refunded'
)
GROUP BY purchase
HAVING first < ({before_offset:UInt64}, {before_n:UInt32})
ORDER BY first DESC
LIMIT {limit:UInt32}
