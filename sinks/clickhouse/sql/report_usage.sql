-- What each connection used over its lifetime.
SELECT account, connection, sum(events) AS events, sum(credits) AS credits, sum(waived) AS waived,
    sum(records) AS records, sum(bytes) AS bytes, sum(operations) AS operations
FROM usage_by_day
WHERE {account:String} = '' OR account = {account:String}
GROUP BY account, connection
ORDER BY account, connection
