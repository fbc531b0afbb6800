-- The last charge of each partition.
SELECT partition, last.1 AS last_offset, last.2 AS last_n, charges
FROM (
    SELECT partition, max((offset, n)) AS last, count() AS charges
    FROM charges
    GROUP BY partition
)
ORDER BY partition
