package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
	"drawdown/balance/memstore"
	"drawdown/balance/redisstore"
	"drawdown/consumer/decode"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
	"drawdown/consumer/signature"
	"drawdown/internal/loggen"
)

// endOfTime is after every time that a record may have: the logs of this test jump through centuries.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// spread writes a random log to Kafka as its producers would: an account's records to its partition, broadcasts to
// every one, operations signed (but for some), with the log time as the record's time.
func (c *cluster) spread(random *rand.Rand, log []byte) {
	c.t.Helper()
	var batches [clusterPartitions][]protocol.Record
	var d decode.Decoder
	last := drawdown.Time(0)
	for line := range bytes.Lines(log) {
		value := bytes.TrimSuffix(line, []byte("\n"))
		var rec drawdown.Record
		d.Reset()
		d.Decode(value, drawdown.NoTime, &rec)
		if rec.LogTime != drawdown.NoTime {
			last = rec.LogTime
		}
		first, count := int32(random.IntN(clusterPartitions)), int32(1)
		switch {
		case rec.Type.IsBroadcast():
			first, count = 0, clusterPartitions
		case rec.Account != nil && random.IntN(50) > 0: // else perhaps misplaced
			first = murmur.Partition(rec.Account, clusterPartitions)
		}
		var headers []protocol.Header
		if rec.Type.IsOperation() && random.IntN(60) > 0 {
			header, err := c.keys.Sign(value)
			if err != nil {
				c.t.Fatal(err)
			}
			headers = []protocol.Header{{Key: signature.Header, Value: header}}
		}
		for partition := first; partition < first+count; partition++ {
			batches[partition] = append(batches[partition], protocol.Record{
				Key: protocol.NewBytes(bytes.Clone(rec.Account)), Value: protocol.NewBytes(bytes.Clone(value)), Headers: headers,
				Time: time.UnixMilli(int64(last)),
			})
		}
	}
	client := kafka.Client{Addr: c.addr(), Transport: c.transport}
	for partition, records := range batches {
		for chunk := range slices.Chunk(records, 1+random.IntN(500)) {
			answer, err := client.Produce(c.t.Context(), &kafka.ProduceRequest{
				Topic: c.cfg.MeteringTopic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: protocol.NewRecordReader(chunk...),
			})
			if err = errors.Join(err, answerError(answer)); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

func answerError(answer *kafka.ProduceResponse) error {
	if answer == nil {
		return nil
	}
	return answer.Error
}

// line is one line of output, by where it belongs.
type line struct {
	partition int32
	offset    drawdown.Offset
	n         int
}

// recorder collects what the engine says, as lines of the contract.
type recorder struct {
	partition int32
	lines     map[line]string
}

func (r *recorder) note(h *drawdown.Head, text []byte) {
	r.lines[line{r.partition, h.Offset, h.N}] = string(text)
}
func (r *recorder) Charge(c *drawdown.Charge)     { r.note(&c.Head, drawdown.AppendCharge(nil, c)) }
func (r *recorder) Ledger(e drawdown.Entry)       { r.note(e.Where(), drawdown.AppendLedger(nil, e)) }
func (r *recorder) Rejected(x *drawdown.Rejected) { r.note(&x.Head, drawdown.AppendRejected(nil, x)) }
func (r *recorder) Duplicate(x *drawdown.Duplicate) {
	r.note(&x.Head, drawdown.AppendDuplicate(nil, x))
}

// replay runs the engine alone over the log as it stands in Kafka.
func (c *cluster) replay() (lines map[line]string, balances map[string]string) {
	c.t.Helper()
	lines, balances = make(map[line]string), make(map[string]string)
	source := &kafkaSource{cfg: &c.cfg, client: c.client()}
	ends := c.ends(c.cfg.MeteringTopic)
	for partition := range int32(clusterPartitions) {
		engine := balance.NewPartition(partition)
		decoder := &decoder{partition: partition, partitions: clusterPartitions, keys: c.keys}
		out := &recorder{partition, lines}
		for next := drawdown.Offset(0); int64(next) < ends[partition]; {
			answer, err := source.read(c.t.Context(), partition, next)
			if err != nil {
				c.t.Fatal(err)
			}
			for i := range answer.records {
				rec := &decoder.decode(answer.records[i : i+1])[0]
				if rec.Account != nil && engine.Missing(rec.Account) {
					if _, err := engine.Restore(balance.Stored{Account: string(rec.Account)}); err != nil {
						c.t.Fatal(err)
					}
				}
				engine.Apply(rec, out)
			}
			next = answer.next
			answer.release()
		}
		for _, b := range engine.Balances() {
			balances[b.Account] = string(drawdown.AppendBalance(nil, &b))
		}
	}
	return lines, balances
}

func (c *cluster) client() *fetch.Client {
	c.t.Helper()
	client, err := fetch.NewClient(fetch.Config{Transport: c.transport, Addr: c.addr(), AllowCreateTime: true, Contiguous: true})
	if err != nil {
		c.t.Fatal(err)
	}
	return client
}

// published reads the output topics back into lines. What is repeated must be the same.
func (c *cluster) published() map[line]string {
	c.t.Helper()
	lines := make(map[line]string)
	note := func(key line, text []byte) {
		if before, repeated := lines[key]; repeated && before != string(text) {
			c.t.Errorf("%+v was published in two forms:\n%s\n%s", key, before, text)
		}
		lines[key] = string(text)
	}
	for partition := range int32(clusterPartitions) {
		for _, record := range c.read(c.cfg.ChargesTopic, partition) {
			var b chargebatch.Batch
			if err := b.Decode(record.Value); err != nil {
				c.t.Fatal(err)
			}
			for i := range b.Charges.Rows {
				var charge drawdown.Charge
				b.Charge(i, &charge)
				note(line{b.Partition, charge.Offset, charge.N}, drawdown.AppendCharge(nil, &charge))
			}
			for i := range b.Duplicates.Rows {
				var duplicate drawdown.Duplicate
				b.Duplicate(i, &duplicate)
				note(line{b.Partition, duplicate.Offset, duplicate.N}, drawdown.AppendDuplicate(nil, &duplicate))
			}
		}
		for _, record := range c.read(c.cfg.LedgerTopic, partition) {
			event, err := ledgerevent.Decode(record.Value)
			if err != nil {
				c.t.Fatal(err)
			}
			note(line{event.Partition, event.Offset, event.N}, event.Line)
		}
	}
	rejects, err := NewRejects(c.cfg, c.transport, c.addr(), slog.New(slog.DiscardHandler))
	if err != nil {
		c.t.Fatal(err)
	}
	var d decode.Decoder
	for r, err := range rejects.List(c.t.Context(), AllRejects()) {
		if err != nil {
			c.t.Fatal(err)
		}
		var rec drawdown.Record
		d.Decode(r.Value, drawdown.NoTime, &rec)
		rejected := drawdown.Rejected{
			Head:   drawdown.Head{Offset: r.Offset, N: r.N, At: r.At, Account: r.Account},
			Reason: r.Reason, Broadcast: rec.Type.IsBroadcast(),
		}
		note(line{r.Partition, r.Offset, r.N}, drawdown.AppendRejected(nil, &rejected))
	}
	return lines
}

// balances reads every account of a store back, as a worker does.
func (c *cluster) balances(store balance.Store) map[string]string {
	c.t.Helper()
	found := make(map[string]string)
	for partition := range int32(clusterPartitions) {
		engine := balance.NewPartition(partition)
		entries, err := store.Catalogue(c.t.Context(), partition)
		if err != nil {
			c.t.Fatal(err)
		}
		var d decode.Decoder
		if err := engine.RestoreCatalogue(entries, func(value []byte, rec *drawdown.Record) { d.Decode(value, drawdown.NoTime, rec) }); err != nil {
			c.t.Fatal(err)
		}
		l := &loader{partition: partition, store: store, machine: engine, retrier: newRetrier(time.Second)}
		for cursor, more := "", true; more; more = cursor != "" {
			ids, next, err := store.Accounts(c.t.Context(), partition, cursor)
			if err != nil {
				c.t.Fatal(err)
			}
			l.missing = ids
			stored, err := store.Load(c.t.Context(), partition, ids)
			if err != nil {
				c.t.Fatal(err)
			}
			keys, err := l.restore(stored)
			if err == nil {
				err = l.loadSegments(c.t.Context(), keys)
			}
			if err != nil {
				c.t.Fatal(err)
			}
			cursor = next
		}
		for _, b := range engine.Balances() {
			found[b.Account] = string(drawdown.AppendBalance(nil, &b))
		}
	}
	return found
}

// compare reports lines that differ.
func compare[K comparable](t *testing.T, what string, found, want map[K]string) {
	t.Helper()
	shown := 0
	for key, text := range want {
		if found[key] != text && shown < 5 {
			shown++
			t.Errorf("%s %+v: found\n%s\nwant\n%s", what, key, found[key], text)
		}
	}
	for key, text := range found {
		if _, wanted := want[key]; !wanted && shown < 5 {
			shown++
			t.Errorf("%s %+v: not wanted:\n%s", what, key, text)
		}
	}
}

// faultyTransport is a connection to Kafka with faults.
type faultyTransport struct {
	kafka.RoundTripper
	fault func(call string, after bool) error
}

func (f *faultyTransport) RoundTrip(ctx context.Context, addr net.Addr, request kafka.Request) (kafka.Response, error) {
	if err := f.fault("kafka", false); err != nil {
		return nil, err
	}
	response, err := f.RoundTripper.RoundTrip(ctx, addr, request)
	if lost := f.fault("kafka", true); lost != nil {
		if closer, ok := response.(io.Closer); ok {
			_ = closer.Close()
		}
		return nil, lost
	}
	return response, err
}

// engineWorker returns a worker with the real engine on all partitions.
func (c *cluster) engineWorker(store balance.Store, fault func(string, bool) error) *Worker {
	c.t.Helper()
	w, err := New(c.cfg, Deps{
		Transport: &faultyTransport{c.transport, fault}, Addr: c.addr(),
		Store: &faultyStore{Store: store, fault: fault}, Keys: c.keys, Registerer: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	w.deps.Now = func() time.Time { return endOfTime }
	return w
}

// TestWorkerIsReplay runs random logs through workers that are killed at random, and compares every line of the output
// topics and every balance in the store with the engine's replay of the same log.
func TestWorkerIsReplay(t *testing.T) {
	for _, kind := range []string{"memory", "redis"} {
		charged := 0
		for seed := range uint64(8) {
			t.Run(kind+" seed "+strconv.Itoa(int(seed)), func(t *testing.T) {
				onCluster(t, func(t *testing.T, c *cluster) {
					store, closeStore := openStore(t, kind)
					defer closeStore()
					if workerIsReplay(t, c, store, seed) {
						charged++
					}
				})
			})
		}
		if charged < 4 && !t.Failed() {
			t.Errorf("%s: only %d of 8 logs have charges", kind, charged)
		}
	}
}

// workerIsReplay reports whether the log had a charge: some moods of random logs are about money only.
func workerIsReplay(t *testing.T, c *cluster, store balance.Store, seed uint64) (charged bool) {
	random := rand.New(rand.NewPCG(seed, 7))
	c.cfg.Partitions = []int32{0, 1, 2, 3}
	c.cfg.TickInterval, c.cfg.RetryPauseMax, c.cfg.DrainTimeout = time.Hour, 200*time.Millisecond, time.Second
	c.cfg.BatchEventsMax = 1 + random.IntN(300)
	c.cfg.FetchBytesMax = 4 << 10 << random.IntN(6)
	c.cfg.CacheAccountsMax = 1 + random.IntN(30)
	c.cfg.MessageBytesMax = 20<<10 + random.IntN(100<<10)
	c.spread(random, loggen.Generate(seed, 1500, loggen.Options{Accounts: 20}))
	for range 5 {
		stop := run(t, c.engineWorker(store, faults(random, 5+random.IntN(100), 20+random.IntN(300))))
		stopOther := func() {}
		if random.IntN(3) == 0 { // another owner of the same partitions
			stopOther = run(t, c.engineWorker(store, faults(random, 20, 20+random.IntN(300))))
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		stop()
		stopOther()
	}
	last := c.engineWorker(store, faults(random, 100, 0))
	stop := run(t, last)
	c.caughtUpIn(store, last)
	stop()
	lines, balances := c.replay()
	compare(t, "line", c.published(), lines)
	compare(t, "balance of", c.balances(store), balances)
	if len(lines) < 500 {
		t.Errorf("the log causes %d lines only", len(lines))
	}
	return strings.Contains(fmt.Sprint(lines), `"type":"charge"`)
}

// openStore opens an empty store in virtual time.
func openStore(t *testing.T, kind string) (balance.Store, func()) {
	if kind == "memory" {
		return memstore.New(), func() {}
	}
	server := miniredis.NewMiniRedis() // without a listener: it is dialled in memory
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Dialer: func(context.Context, string, string) (net.Conn, error) {
		return server.Dial()
	}})
	store, err := redisstore.New(client, "drawdown:")
	if err != nil {
		t.Fatal(err)
	}
	return store, func() {
		_ = client.Close()
		server.Close()
	}
}
