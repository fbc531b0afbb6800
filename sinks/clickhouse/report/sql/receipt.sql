-- What a sync's charges took, by line of its receipt and grant. A charge that took from several grants has a row for each;
-- what is not of a grant is counted with its first, or with the row that a charge without grants has (position 0).
SELECT
    attempt, toString(stream), toString(kind), toString(meter), toString(rates), toString(category), burn.1 AS grant,
    tupleElement(min((offset, n, position)) AS first, 1), tupleElement(first, 2), tupleElement(first, 3),
    tupleElement(max((offset, n)) AS last, 1), tupleElement(last, 2),
    argMax(toString(source_connector), (offset, n)), argMax(toString(destination_connector), (offset, n)),
    toUnixTimestamp64Milli(min(at)), toUnixTimestamp64Milli(max(at)),
    countIf(position <= 1), sumIf(toUInt128(quantity), position <= 1),
    sumIf(toDecimal256(credits, 9), position <= 1), sumIf(toDecimal256(waived, 9), position <= 1),
    sum(toDecimal256(burn.2, 9)), sumIf(toDecimal256(overdraft, 9), position <= 1)
FROM charges
LEFT ARRAY JOIN burned AS burn, arrayEnumerate(burned) AS position
WHERE account = unhex({account:String}) AND connection = unhex({connection:String}) AND job = {job:UInt64}
GROUP BY attempt, stream, kind, meter, rates, category, grant
