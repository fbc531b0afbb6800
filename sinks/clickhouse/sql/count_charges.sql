-- What is there of a block of charges, and of its month in the table and in the rollups.
SELECT
    (
        SELECT tuple(
            countIf((toInt64(offset), toInt32(n)) > ({from_offset:Int64}, {from_n:Int32})),
            count()
        )
        FROM charges
        WHERE partition = {partition:UInt32} AND toYYYYMM(at) = {month:UInt32}
            AND (toInt64(offset), toInt32(n)) <= ({to_offset:Int64}, {to_n:Int32})
    ) AS counted,
    counted.1 AS rows,
    counted.2 AS month,
    (SELECT sum(events) FROM usage_by_hour WHERE partition = {partition:UInt32} AND toYYYYMM(hour) = {month:UInt32}) AS hour,
    (SELECT sum(events) FROM usage_by_day WHERE partition = {partition:UInt32} AND toYYYYMM(day) = {month:UInt32}) AS day
