package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"drawdown/consumer/fetch"
)

// lane writes one stream of one partition. It is one goroutine.
//
// Its only memory of what was written is in ClickHouse. After any failure it drops what it has read and begins again
// with resume, which is also how it starts: so there is one way to recover, and every start takes it.
type lane struct {
	*shared
	stream    Stream
	partition int32
	topic     string
	log       *slog.Logger
	gauges    laneMetrics

	intake    intake
	state     state
	noted     time.Time    // when the last intent was written or read
	notedNext int64        // its KafkaNext
	settled   bool         // it has no rows: nothing has to be completed after a crash
	fetched   Fetched      // records not yet loaded; nil where there are none
	record    SourceRecord // the one in the intake, if loaded
	loaded    bool
	latest    int64 // end of the topic, as last seen

	// lost is the intent that ClickHouse acknowledged last and does not have; its Try is 0 where there is none.
	lost Intent
}

// run works until the context ends, which is no error, or until somebody must act.
func (l *lane) run(ctx context.Context) error {
	defer l.drop()
	pause := backoff{min: l.config.RetryMin, max: l.config.RetryMax}
	for {
		err := l.work(ctx, pause.reset)
		l.drop()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errSuperseded):
			l.log.Info("another sink has written to this partition; going on from there")
		case stops(err):
			l.health.set(l, err)
			l.gauges.stopped.Set(1)
			l.log.Error("sink stopped for this partition", "error", err)
			return err
		default:
			l.health.set(l, err)
			l.gauges.errors.Inc()
			l.log.Warn("sink will try again", "error", err)
		}
		if !pause.wait(ctx) {
			return nil
		}
	}
}

// work resumes and then writes block after block. It returns only with an error.
func (l *lane) work(ctx context.Context, worked func()) error {
	if err := l.resume(ctx); err != nil {
		return err
	}
	for {
		if err := l.await(ctx); err != nil {
			return err
		}
		if err := l.next(ctx); err != nil {
			return err
		}
		l.health.set(l, nil)
		worked()
	}
}

// await waits for a record, or for the time to note how far the topic has been read. It holds no block meanwhile: most
// lanes wait most of the time.
func (l *lane) await(ctx context.Context) error {
	for !l.noteDue() {
		ok, err := l.peek(ctx, l.config.FetchWaitMax)
		if err != nil || ok {
			return err
		}
		l.health.set(l, nil) // nothing to do
	}
	return nil
}

// next writes the block that comes next.
func (l *lane) next(ctx context.Context) error {
	block := l.blocks.get()
	defer l.blocks.put(block)
	defer l.rows.release(block)
	err := l.gather(ctx, block, limits{
		until: endless, rows: l.config.BlockRowsMax, anywhere: l.config.BeginAnywhere && l.state.fresh,
	})
	if err != nil {
		return err
	}
	if block.Rows > 0 || l.noteDue() {
		return l.write(ctx, block)
	}
	// Records without rows, or with rows that are held: nothing to write, but known to be seen.
	l.state.fresh = l.state.fresh && block.Covered == l.state.covered
	l.state.covered, l.state.until = block.Covered, block.Until
	return nil
}

// resume finds out what ClickHouse has and completes the last block, of which only the intent may be there.
func (l *lane) resume(ctx context.Context) error {
	last, ok, err := l.store.Last(ctx, l.stream, l.partition)
	if err != nil {
		return err
	}
	if !ok {
		return l.begin(ctx)
	}
	if last.Rows > 0 {
		if err := l.complete(ctx, last); err != nil {
			return err
		}
	}
	l.follow(last)
	return nil
}

// begin is the state of a partition that no sink has noted anything of.
func (l *lane) begin(ctx context.Context) error {
	held, err := l.store.Held(ctx, l.stream, l.partition)
	if err != nil {
		return err
	}
	earliest, latest, err := l.source.Range(ctx, l.topic, l.partition)
	if err != nil {
		return err
	}
	l.state = state{held: held, covered: held.Offset + 1, kafka: earliest, fresh: held == none}
	if l.stream == Ledger && earliest > 0 && !(l.state.fresh && l.config.BeginAnywhere) {
		return &LostError{Stream: l.stream, Partition: l.partition, Next: 0, Earliest: earliest}
	}
	l.noted, l.notedNext, l.settled, l.latest = time.Now(), earliest, true, latest
	return nil
}

// follow sets the state to that after a complete block.
func (l *lane) follow(i Intent) {
	l.state = state{block: i.Block + 1, held: i.To, covered: i.Covered, until: i.Until, last: i.Last, kafka: i.KafkaNext}
	l.noted, l.notedNext, l.settled = time.Now(), i.KafkaNext, i.Rows == 0
}

// complete makes sure that a block is there as a whole, in its table and in the rollups, once.
func (l *lane) complete(ctx context.Context, last Intent) error {
	for attempt := 0; ; attempt++ {
		counts, err := l.store.Count(ctx, last)
		if err != nil {
			return err
		}
		if err := l.confirm(ctx, last); err != nil {
			return err
		}
		repair, err := repairOf(&last, counts)
		if err != nil || repair == complete {
			return err
		}
		if attempt > 0 {
			return &DivergedError{last, fmt.Sprintf("after it was completed, counts are still wrong: %+v", counts)}
		}
		l.log.Info("completing the last block", "block", last.Block, "rows", last.Rows, "counts", fmt.Sprintf("%+v", counts))
		if repair == fill {
			err = l.store.Fill(ctx, last, counts.Hour != counts.Month, counts.Day != counts.Month)
		} else {
			err = l.repeat(ctx, last)
		}
		if err != nil {
			return err
		}
	}
}

// confirm makes sure that the intent is the last one, and this writer's that counts.
func (l *lane) confirm(ctx context.Context, i Intent) error {
	last, ok, err := l.store.Last(ctx, l.stream, l.partition)
	if err != nil {
		return err
	}
	switch {
	case !ok || last.Block < i.Block:
		l.lost = i
		l.lost.Try++
		return errIntentLost
	case last.Block != i.Block || last.Writer != i.Writer:
		return errSuperseded
	default:
		return nil
	}
}

// repeat builds the block of an intent from the topic again, and inserts it with the same token.
func (l *lane) repeat(ctx context.Context, i Intent) error {
	block := l.blocks.get()
	defer l.blocks.put(block)
	defer l.rows.release(block)
	l.drop()
	// Room for all of it at once: a block that must be whole can't be written early where memory is short.
	if !l.rows.reserve(ctx, block, int(i.Rows)) {
		return ctx.Err()
	}
	l.state = state{block: i.Block, held: i.From, covered: i.From.Offset + 1, kafka: i.KafkaFirst, repeats: true}
	// The first record may begin far after From: what lies between is known to hold no charge.
	if err := l.gather(ctx, block, limits{until: i.To, rows: i.Rows, whole: true, anywhere: true}); err != nil {
		return err
	}
	if block.To != i.To && l.state.kafka >= l.latest {
		// It was read once, so it is there; a broker that has just become leader may not show it yet.
		return fmt.Errorf("%s, partition %d: the topic ends before the rows of block %d are there again", l.stream, l.partition, i.Block)
	}
	if block.Rows != i.Rows || block.To != i.To || block.Month != i.Month {
		return &DivergedError{i, fmt.Sprintf("the topic gives %d rows up to %v for it", block.Rows, block.To)}
	}
	block.Intent = i
	return l.insert(ctx, block)
}

// write makes one block part of ClickHouse: first the intent, then, if this sink's intent is the one that counts, the
// rows.
func (l *lane) write(ctx context.Context, block *Block) error {
	block.Writer = uuid.New()
	if block.Block == l.lost.Block {
		block.Try = l.lost.Try
	}
	block.seal()
	if err := l.store.Propose(ctx, block.Intent); err != nil {
		return err
	}
	if block.Rows > 0 {
		if err := l.insert(ctx, block); err != nil {
			return err
		}
	} else if err := l.confirm(ctx, block.Intent); err != nil {
		return err
	}
	l.follow(block.Intent)
	l.gauges.wrote(block)
	l.gauges.behind(l.lag())
	return nil
}

// insert sends a block. How many do so at a time is bounded. The intent is looked at when everything else is ready:
// a sink that was stopped for long, while others went on, must not insert what its token no longer tells from new.
func (l *lane) insert(ctx context.Context, block *Block) error {
	if err := l.inserts.Acquire(ctx, 1); err != nil {
		return err
	}
	defer l.inserts.Release(1)
	if err := l.confirm(ctx, block.Intent); err != nil {
		return err
	}
	begin := time.Now()
	if err := l.store.Insert(ctx, block); err != nil {
		return err
	}
	l.gauges.duration.Observe(time.Since(begin).Seconds())
	return nil
}

// gather fills a block with the rows that come next. It returns when the block is full or old enough, or holds the last
// row wanted; or without rows, when the topic has no more.
func (l *lane) gather(ctx context.Context, b *Block, limit limits) error {
	b.begin(l.stream, l.partition, &l.state)
	due := endOfTime
	for {
		ok, err := l.peek(ctx, l.patience(due))
		if err != nil {
			return err
		}
		if !ok {
			if l.ripe(due) || (b.Rows == 0 || limit.whole) && l.state.kafka >= l.latest {
				return nil
			}
			continue
		}
		if !limit.whole && !l.rows.reserve(ctx, b, l.intake.size()) {
			return ctx.Err() // memory is short: what is there goes first
		}
		before := b.Rows
		usedUp, err := l.intake.take(b, limit)
		if err != nil {
			return l.recordError(err)
		}
		if !limit.whole {
			l.rows.keep(b)
		}
		limit.anywhere = false
		if before == 0 && b.Rows > 0 {
			b.KafkaFirst = l.record.Offset
			if !limit.whole {
				due = time.Now().Add(l.config.BlockAgeMax)
			}
		}
		if !usedUp {
			b.KafkaNext = l.record.Offset
			return nil
		}
		l.loaded, l.state.kafka = false, l.record.Offset+1
		b.KafkaNext = l.state.kafka
		if b.To == limit.until || l.ripe(due) {
			return nil
		}
	}
}

// catchUpAges is how many times BlockAgeMax a block may grow while more of the topic is there to be read. A lane that is
// behind has rows that are late anyway; with few and large inserts it catches up sooner, since ClickHouse takes a
// row of a large block at a fraction of what it takes in a small one, and has less to merge after.
const catchUpAges = 5

// ripe reports whether a block is written although it is not full: it is old, and there is no more to read without
// waiting for it, or it has grown on for long enough.
func (l *lane) ripe(due time.Time) bool {
	behind := l.state.kafka < l.latest
	return l.old(due) && (!behind || l.old(due.Add((catchUpAges-1)*l.config.BlockAgeMax)))
}

// endOfTime is when a block without rows, or one that must be whole, is old.
var endOfTime = time.Unix(1<<40, 0)

func (l *lane) old(due time.Time) bool { return !time.Now().Before(due) }

// patience is how long to wait for a record.
func (l *lane) patience(due time.Time) time.Duration {
	return max(0, min(l.config.FetchWaitMax, time.Until(due)))
}

// noteDue reports whether the last intent should be followed by a mark: it has rows, or lies far behind what was read.
// After a mark a restart needs nothing from the topic but what is new, however little of it retention has left.
func (l *lane) noteDue() bool {
	return (!l.settled || l.state.kafka != l.notedNext) && time.Since(l.noted) >= l.config.NoteAfter
}

// peek makes sure that a record is loaded, and reports whether one came within the wait.
func (l *lane) peek(ctx context.Context, wait time.Duration) (bool, error) {
	if l.loaded {
		return true, nil
	}
	if l.fetched == nil {
		fetched, err := l.source.Fetch(ctx, l.topic, l.partition, l.state.kafka, wait)
		var outOfRange *fetch.OutOfRangeError
		if errors.As(err, &outOfRange) {
			return false, l.reposition(ctx)
		}
		if err != nil {
			return false, err
		}
		l.fetched, l.latest = fetched, fetched.Latest()
	}
	record, ok, err := l.fetched.Next()
	if err != nil {
		return false, err
	}
	if !ok {
		l.state.kafka = max(l.state.kafka, l.fetched.NextOffset())
		l.fetched.Release()
		l.fetched = nil
		l.gauges.behind(l.lag())
		return false, nil
	}
	if err := l.intake.load(record.Value); err != nil {
		return false, &RecordError{l.stream, l.partition, record.Offset, err}
	}
	l.record, l.loaded = record, true
	return true, nil
}

// reposition goes to the beginning of a topic that does not have the record to go on with. Where to read is only a
// hint: what is held is dropped again, and what is missing is noticed. Ledger entries don't join like charges do, so
// for them it must be certain that none was removed unread.
func (l *lane) reposition(ctx context.Context) error {
	earliest, latest, err := l.source.Range(ctx, l.topic, l.partition)
	if err != nil {
		return err
	}
	if (l.stream == Ledger || l.state.repeats) && earliest > l.state.kafka {
		return &LostError{Stream: l.stream, Partition: l.partition, Next: l.state.kafka, Earliest: earliest}
	}
	l.log.Warn("the topic does not have the record to go on with; beginning at its earliest", "record", l.state.kafka,
		"earliest", earliest, "latest", latest)
	l.state.kafka = earliest
	return nil
}

func (l *lane) recordError(err error) error {
	if stops(err) {
		return err
	}
	return &RecordError{l.stream, l.partition, l.record.Offset, err}
}

// drop forgets what was read.
func (l *lane) drop() {
	if l.fetched != nil {
		l.fetched.Release()
	}
	l.fetched, l.loaded = nil, false
}

// lag is how many records of the topic are not yet read, and the age of the last one that was, if any is not.
func (l *lane) lag() (records int64, age time.Duration) {
	records = max(0, l.latest-l.state.kafka)
	if records > 0 && !l.record.AppendTime.IsZero() {
		age = max(0, time.Since(l.record.AppendTime))
	}
	return records, age
}
