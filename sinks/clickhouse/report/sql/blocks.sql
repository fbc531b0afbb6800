-- The last two blocks of the account's partition, the latest first: of several intents for one number the first counts.
WITH
    (
        SELECT partition
        FROM (
            SELECT partition FROM charges WHERE account = unhex({account:String}) LIMIT 1
            UNION ALL
            SELECT partition FROM ledger WHERE account = unhex({account:String}) LIMIT 1
        )
        LIMIT 1
    ) AS own,
    (
        SELECT block FROM sink_blocks
        WHERE stream = {stream:String} AND partition = own
        ORDER BY block DESC LIMIT 1
    ) AS latest
SELECT
    rows, toUnixTimestamp64Milli(until) AS until_milli, partition, to_offset, to_n,
    toUnixTimestamp64Milli(to_at) AS to_at_milli, to_account, to_connection
FROM sink_blocks
WHERE stream = {stream:String} AND partition = own AND block + 1 >= latest
ORDER BY block DESC, inserted_at, writer
LIMIT 1 BY block
