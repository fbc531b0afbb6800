package report

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// freshness is how far the tables are, for the partition of one account. It is read before the rows of an answer, so the
// answer has all of that and perhaps more.
type freshness struct {
	asOf time.Time
	// final is the first day whose rollups may still lack something. What the sink has not completed comes after all
	// blocks before it, so it can't be of an earlier day.
	final time.Time
}

// freshness reads how far a stream is: charges or ledger.
//
// The blocks before the last are complete, in the table and in its rollups, since the sink begins a block only after
// the one before was completed. Of the last block only the intent is certain. It counts for the answer if its last row
// is in the table (a block arrives as a whole), and never for the rollups, unless it is a mark without rows.
func (r *Reports) freshness(ctx context.Context, stream, account string) (f freshness, err error) {
	type block struct {
		rows  uint64
		until int64
	}
	var blocks []block
	last := parameters{}
	p := parameters{"stream": stream}.text("account", account)
	err = r.each(ctx, "blocks", p, func(rows driver.Rows) error {
		var b block
		var key lastRow
		if err := rows.Scan(&b.rows, &b.until, &key.partition, &key.offset, &key.n, &key.at, &key.account, &key.connection); err != nil {
			return err
		}
		if len(blocks) == 0 {
			last = key.parameters()
		}
		blocks = append(blocks, b)
		return nil
	})
	f.final = beginning
	if err != nil || len(blocks) == 0 {
		return f, err
	}
	var before int64 // until of the block before the last
	if len(blocks) > 1 {
		before = blocks[1].until
	}
	arrived := blocks[0].rows == 0
	if arrived {
		before = blocks[0].until
	} else if arrived, err = r.arrived(ctx, stream, last); err != nil {
		return f, err
	}
	f.asOf = instant(before)
	if arrived {
		f.asOf = instant(blocks[0].until)
	}
	f.final = floorDay(time.UnixMilli(before))
	return f, nil
}

// arrived reports whether a row is in its table.
func (r *Reports) arrived(ctx context.Context, stream string, key parameters) (there bool, err error) {
	err = r.each(ctx, "arrived_"+stream, key, func(rows driver.Rows) error { return rows.Scan(&there) })
	return there, err
}

// lastRow is the sorting key of a block's last row.
type lastRow struct {
	partition           uint32
	offset              int64
	n                   int32
	at                  int64
	account, connection string
}

func (k *lastRow) parameters() parameters {
	return parameters{}.text("account", k.account).text("connection", k.connection).integer("at", k.at).
		integer("partition", int64(k.partition)).integer("offset", k.offset).integer("n", int64(k.n))
}

const (
	charges = "charges"
	ledger  = "ledger"
)
