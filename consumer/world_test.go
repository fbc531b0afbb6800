package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/chargebatch"
	"drawdown/balance/memstore"
	"drawdown/consumer/fetch"
)

// world is a log of one partition, its output topics and a store, with faults that a test turns on.
type world struct {
	t     testing.TB
	cfg   Config
	store *memstore.Store

	mu       sync.Mutex
	records  []fetch.Record
	outputs  map[string][]message
	grown    chan struct{} // closed and replaced when the log grows
	topics   TopicState
	earliest int64 // first offset that the log still has
	random   *rand.Rand
}

// part is one worker's connection to the world. It can be cut, as by a crash of the worker.
type part struct {
	*world
	// fault is asked before and after each call's effect; an error is what the worker sees.
	fault func(call string, after bool) error
}

var errAway = errors.New("server away")

func newWorld(t testing.TB) *world {
	cfg := Default()
	cfg.Partitions = []int32{0}
	cfg.BatchEventsMax, cfg.CacheAccountsMax = 50, 8
	return &world{
		t: t, cfg: cfg, store: memstore.New(), outputs: make(map[string][]message), grown: make(chan struct{}),
		topics: TopicState{
			Partitions:    map[string]int{cfg.MeteringTopic: 1, cfg.ChargesTopic: 1, cfg.LedgerTopic: 1, cfg.RejectedTopic: 1},
			TimestampType: logAppendTime,
		},
		random: rand.New(rand.NewPCG(1, 1)),
	}
}

// worker returns a worker on the world with a machine of its own.
func (w *world) worker(fault func(call string, after bool) error) *Worker {
	if fault == nil {
		fault = func(string, bool) error { return nil }
	}
	p := &part{world: w, fault: fault}
	return &Worker{
		cfg: w.cfg,
		deps: parts{
			Source: p, Topics: p, Store: &faultyStore{Store: w.store, fault: fault}, Keys: anyKey{},
			NewMachine: func(int32) machine { return newToyMachine() }, Now: time.Now,
		},
		producer: p, metrics: NewMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler), joined: errNotJoined,
	}
}

// anyKey takes every operation.
type anyKey struct{}

func (anyKey) Verify(_, _ []byte) bool { return true }

// append adds records to the log, appended now.
func (w *world) append(values ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, value := range values {
		w.records = append(w.records, fetch.Record{
			Offset: int64(len(w.records)), AppendTime: time.Now().UnixMilli(), Key: []byte("key"), Value: []byte(value),
		})
	}
	close(w.grown)
	w.grown = make(chan struct{})
}

func (w *world) end() drawdown.Offset {
	w.mu.Lock()
	defer w.mu.Unlock()
	return drawdown.Offset(len(w.records))
}

// usage is a usage event of an account.
func usage(account string, quantity, attempt int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"e","source":"test","type":"sync.usage","subject":%q,"time":%q,`+
		`"data":{"connection":"c","source_connector":"s","destination_connector":"d","job":1,"attempt":%d,"records":%d}}`,
		account, drawdown.TimeOf(time.Now()), attempt, quantity)
}

func (p *part) read(ctx context.Context, _ int32, from drawdown.Offset) (*fetched, error) {
	if err := p.fault("fetch", false); err != nil {
		return nil, err
	}
	timer := time.NewTimer(p.cfg.FetchWaitMax)
	defer timer.Stop()
	for {
		p.mu.Lock()
		end, grown, earliest := int64(len(p.records)), p.grown, p.earliest
		count := min(int64(p.random.IntN(40)+1), end-int64(from))
		answer := &fetched{next: from, end: end}
		if count > 0 && int64(from) >= earliest {
			answer.records = p.records[from : int64(from)+count]
			answer.next += drawdown.Offset(count)
		}
		p.mu.Unlock()
		if int64(from) < earliest || int64(from) > end {
			return nil, &fetch.OutOfRangeError{Topic: p.cfg.MeteringTopic, Offset: int64(from), Earliest: earliest, Latest: end}
		}
		if count > 0 {
			return answer, p.fault("fetch", true)
		}
		select {
		case <-grown:
		case <-timer.C:
			return answer, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *part) Offsets(_ context.Context, topic string, _ []int32) (map[int32]fetch.Range, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return map[int32]fetch.Range{0: {Latest: int64(len(p.outputs[topic]))}}, p.fault("offsets", false)
}

func (p *part) State(context.Context) (TopicState, error) { return p.topics, p.fault("topics", false) }

func (p *part) publish(ctx context.Context, r *retrier, partition int32, publications []publication, failed func()) error {
	_, err := p.append(ctx, r, partition, publications, failed)
	return err
}

func (p *part) append(ctx context.Context, r *retrier, _ int32, publications []publication, failed func()) ([]int64, error) {
	last := make([]int64, len(publications))
	err := r.do(ctx, "publish", func(ctx context.Context) error {
		err := p.fault("publish", false)
		if err == nil {
			for i := range publications {
				last[i] = p.take(&publications[i])
			}
			err = p.fault("publish", true)
		}
		if err != nil {
			failed()
		}
		return err
	})
	return last, err
}

// take appends messages to a topic, copied, and returns the offset of the last.
func (p *part) take(from *publication) int64 {
	if from.topic == p.cfg.MeteringTopic {
		for _, m := range from.messages {
			p.world.append(string(m.value))
		}
		return int64(p.end()) - 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range from.messages {
		copied := message{key: bytes.Clone(m.key), value: bytes.Clone(m.value)}
		for _, header := range m.headers {
			copied.headers = append(copied.headers, protocol.Header{Key: header.Key, Value: bytes.Clone(header.Value)})
		}
		p.outputs[from.topic] = append(p.outputs[from.topic], copied)
	}
	return int64(len(p.outputs[from.topic])) - 1
}

// faultyStore is a store behind a connection with faults.
type faultyStore struct {
	balance.Store
	// fault is asked before and after each call's effect; an error is what the worker sees.
	fault func(call string, after bool) error
}

func (s *faultyStore) Position(ctx context.Context, partition int32) (balance.Position, error) {
	if err := s.fault("position", false); err != nil {
		return balance.Position{}, err
	}
	return s.Store.Position(ctx, partition)
}

func (s *faultyStore) Claim(ctx context.Context, partition int32, token string) (balance.Epoch, balance.Position, error) {
	if err := s.fault("claim", false); err != nil {
		return balance.Epoch{}, balance.Position{}, err
	}
	epoch, position, err := s.Store.Claim(ctx, partition, token)
	if lost := s.fault("claim", true); lost != nil {
		return balance.Epoch{}, balance.Position{}, lost
	}
	return epoch, position, err
}

func (s *faultyStore) Load(ctx context.Context, partition int32, accounts []string) ([]balance.Stored, error) {
	if err := s.fault("load", false); err != nil {
		return nil, err
	}
	return s.Store.Load(ctx, partition, accounts)
}

func (s *faultyStore) Commit(ctx context.Context, c *balance.Commit) (balance.Outcome, error) {
	if err := s.fault("commit", false); err != nil {
		return balance.Outcome{}, err
	}
	outcome, err := s.Store.Commit(ctx, c)
	if lost := s.fault("commit", true); lost != nil {
		return balance.Outcome{}, lost
	}
	return outcome, err
}

func (s *faultyStore) Due(ctx context.Context, partition int32, until drawdown.Time, limit int) ([]balance.DueAccount, error) {
	if err := s.fault("due", false); err != nil {
		return nil, err
	}
	return s.Store.Due(ctx, partition, until, limit)
}

// effect is one thing that a record caused, as readers downstream see it.
type effect struct {
	offset drawdown.Offset
	n      int
	topic  string
}

// effects reads the output topics as their readers do: what is repeated is dropped by offset and n, after a check that
// it is the same.
func (w *world) effects() map[effect]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := make(map[effect]string)
	note := func(key effect, content string) {
		if before, repeated := found[key]; repeated && before != content {
			w.t.Errorf("offset %d, n %d of %s was published in two forms:\n%s\n%s", key.offset, key.n, key.topic, before, content)
		}
		found[key] = content
	}
	covered := drawdown.Offset(0)
	for _, m := range w.outputs[w.cfg.ChargesTopic] {
		var b chargebatch.Batch
		if err := b.Decode(m.value); err != nil {
			w.t.Fatal(err)
		}
		if b.First > covered {
			w.t.Errorf("no record of charges covers the offsets from %d to %d: a reader must think that some are missing", covered, b.First)
		}
		covered = max(covered, b.Next)
		for i := range b.Charges.Rows {
			var c drawdown.Charge
			b.Charge(i, &c)
			note(effect{c.Offset, c.N, "charge"}, string(drawdown.AppendCharge(nil, &c)))
		}
		for i := range b.Duplicates.Rows {
			note(effect{drawdown.Offset(b.Duplicates.Offset[i]), int(b.Duplicates.N[i]), "duplicate"}, b.Duplicates.Event[i])
		}
	}
	for _, m := range w.outputs[w.cfg.LedgerTopic] {
		key := ledgerKey(w.t, m.value)
		note(key, string(m.key)+string(m.value))
	}
	for _, m := range w.outputs[w.cfg.RejectedTopic] {
		headers := make(map[string]string)
		for _, header := range m.headers {
			headers[header.Key] = string(header.Value)
		}
		offset, _ := strconv.Atoi(headers[HeaderOffset])
		n, _ := strconv.Atoi(headers[HeaderN])
		note(effect{drawdown.Offset(offset), n, "rejected"}, headers[HeaderReason]+string(m.value))
	}
	return found
}

// want replays the log without any worker.
func (w *world) want() (map[effect]string, map[string][]byte) {
	replayed := newWorld(w.t)
	replayed.records = w.records
	p := &part{world: replayed, fault: func(string, bool) error { return nil }}
	m := newToyMachine()
	var o outputs
	b := &batch{tally: newTally()}
	o.begin(0, 0, w.cfg.MessageBytesMax)
	o.batch = b
	d := &decoder{partitions: 1, keys: anyKey{}}
	for i := range w.records {
		rec := &d.decode(w.records[i : i+1])[0]
		o.source = &w.records[i]
		if rec.Account != nil && m.Missing(rec.Account) {
			if _, err := m.Restore(balance.Stored{Account: string(rec.Account)}); err != nil {
				w.t.Fatal(err)
			}
		}
		m.Apply(rec, &o)
	}
	o.closeCharges(drawdown.Offset(len(w.records)), m.clock)
	for _, publication := range b.publications(&w.cfg) {
		p.take(&publication)
	}
	cores := make(map[string][]byte)
	for id, a := range m.accounts {
		if a.version > 0 {
			cores[id] = m.core(a)
		}
	}
	return replayed.effects(), cores
}

// stored returns the cores of the accounts in the store.
func (w *world) stored() map[string][]byte {
	ctx := context.Background()
	ids, next, err := w.store.Accounts(ctx, 0, "")
	if err != nil || next != "" {
		w.t.Fatalf("accounts: %v, next page %q", err, next)
	}
	loaded, err := w.store.Load(ctx, 0, ids)
	if err != nil {
		w.t.Fatal(err)
	}
	cores := make(map[string][]byte)
	for _, s := range loaded {
		cores[s.Account] = s.Core
	}
	return cores
}
