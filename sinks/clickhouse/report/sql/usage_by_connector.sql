-- What an account used, by source or destination and by point of a window. A point is told by its first day, as the number
-- of days since 1970.
SELECT
    if({by:String} = 'source', toString(source_connector), toString(destination_connector)) AS connector,
    '' AS name,
    toInt32(multiIf({window:String} = 'weekly', toMonday(toDate(at)), {window:String} = 'monthly', toStartOfMonth(toDate(at)), toDate(at))) AS point,
    count(), sum(toDecimal256(credits, 9)), sum(toDecimal256(waived, 9)),
    sumIf(toUInt128(quantity), meter = 'records'),
    sumIf(toUInt128(quantity), meter = 'bytes'),
    sumIf(toUInt128(quantity), meter = 'operations')
FROM charges
WHERE account = unhex({account:String})
    AND ({connection:String} = '' OR connection = unhex({connection:String}))
    AND at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY connector, name, point
