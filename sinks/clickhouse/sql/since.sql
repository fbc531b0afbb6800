-- How many blocks of a stream were written since a block of one of its partitions.
SELECT count()
FROM sink_blocks
WHERE stream = {stream:String} AND inserted_at >= (
    SELECT min(inserted_at) FROM sink_blocks
    WHERE stream = {stream:String} AND partition = {partition:UInt32} AND block = {block:UInt64}
)
