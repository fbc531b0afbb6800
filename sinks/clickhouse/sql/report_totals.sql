-- All charges together, counted row by row.
SELECT count() AS charges, sum(toDecimal256(credits, 9)) AS credits, sum(toDecimal256(waived, 9)) AS waived
FROM charges
