package consumer

import (
	"context"
	"strconv"
	"time"

	"drawdown"
	"drawdown/balance"
)

const (
	// tickAccountsMax bounds the accounts looked at in one interval, beyond those that already have their tick.
	tickAccountsMax = 1000
	// tickRepeatAfter is when a tick is repeated that was applied without moving its account: the broker's clock is
	// behind this one.
	tickRepeatAfter = time.Second
	// tickPendingMax bounds the ticks that are appended but not yet applied, while the partition lags: the rest waits
	// until some of them are.
	tickPendingMax = 20_000
)

// ticker appends tick records for accounts that are due, so that what must happen at a time happens on time for idle
// accounts too. A tick decides nothing: the account advances to the clock of the partition, and a tick more or less
// changes only when that is written (contract, section 3).
type ticker struct {
	cfg       *Config
	partition int32
	token     string // of the claim: makes ids unique
	store     balance.Store
	producer  appender
	retrier   *retrier
	metrics   *Metrics
	gauge     *partitionGauge
	now       func() time.Time

	count    int64
	appended map[string]tick // those whose account is still due
}

// tick is a tick record that was appended.
type tick struct {
	due    drawdown.Time   // the instant that it was for
	offset drawdown.Offset // where it stands in the log
	at     time.Time
}

// run looks for due accounts until the context ends.
func (t *ticker) run(ctx context.Context) error {
	t.appended = make(map[string]tick)
	interval := time.NewTicker(t.cfg.TickInterval)
	defer interval.Stop()
	for {
		select {
		case <-interval.C:
			if err := t.once(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// once appends a tick for each account that is due and has none on its way.
func (t *ticker) once(ctx context.Context) error {
	now := t.now()
	var due []balance.DueAccount
	err := t.retrier.do(ctx, "tick", func(ctx context.Context) (err error) {
		due, err = t.store.Due(ctx, t.partition, drawdown.TimeOf(now), tickAccountsMax+len(t.appended))
		return err
	})
	if err == nil {
		err = t.append(ctx, t.choose(due, now), now)
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the ticker was told to end, whatever that made of the last call
	}
	return err
}

// choose forgets ticks whose account is no longer due at that instant, and returns the accounts that need one.
func (t *ticker) choose(due []balance.DueAccount, now time.Time) []balance.DueAccount {
	pending := make(map[string]tick, len(due))
	var wanted []balance.DueAccount
	for _, account := range due {
		sent, known := t.appended[account.Account]
		if known && sent.due == account.Due && !t.overdue(sent, now) {
			pending[account.Account] = sent
		} else if len(t.appended)+len(wanted) < tickPendingMax {
			wanted = append(wanted, account)
		}
	}
	t.appended = pending
	return wanted
}

// overdue reports whether a tick has been applied without effect.
func (t *ticker) overdue(sent tick, now time.Time) bool {
	return t.gauge.committedOffset() > sent.offset && now.Sub(sent.at) >= tickRepeatAfter
}

// append appends a tick for each of the accounts.
func (t *ticker) append(ctx context.Context, accounts []balance.DueAccount, now time.Time) error {
	if len(accounts) == 0 {
		return nil
	}
	messages := make([]message, len(accounts))
	for i := range accounts {
		messages[i] = message{key: []byte(accounts[i].Account), value: t.record(accounts[i].Account, now)}
	}
	last, err := t.producer.append(ctx, t.retrier, t.partition,
		[]publication{{topic: t.cfg.MeteringTopic, messages: messages}}, func() {})
	if err != nil {
		return err
	}
	for _, account := range accounts {
		// The last of them is not before this one: until it is applied nothing is repeated.
		t.appended[account.Account] = tick{due: account.Due, offset: drawdown.Offset(last[0]), at: now}
	}
	t.metrics.ticks.Add(float64(len(accounts)))
	return nil
}

// record returns a tick record. Account ids and tokens need no escape in JSON.
func (t *ticker) record(account string, now time.Time) []byte {
	t.count++
	value := append([]byte(nil), `{"specversion":"1.0","id":"`...)
	value = append(value, t.token...)
	value = append(value, '-')
	value = strconv.AppendInt(value, t.count, 10)
	value = append(value, `","source":"drawdown/worker","type":"tick","subject":"`...)
	value = append(value, account...)
	value = append(value, `","time":"`...)
	value = drawdown.TimeOf(now).Append(value)
	return append(value, `"}`...)
}
