//go:build integration

package clickhouse

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/balance/chargebatch"
	servers "drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/clickhouse/engine"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	m.Run()
}

// startDatabase starts the real engine with the project's tables.
func startDatabase(t testing.TB) (*servers.Server, *Database) {
	t.Helper()
	server, err := servers.Start(t.Context(), servers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	dsn := "http://" + server.Addr() + "/drawdown"
	for run, want := range []int{6, 0} {
		if applied, err := Migrate(t.Context(), dsn); err != nil || applied != want {
			t.Fatalf("run %d applied %d migrations, want %d: %v", run, applied, want, err)
		}
	}
	db, err := OpenDatabase(dsn, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return server, db
}

// texts reads a query's single column of strings.
func texts(t testing.TB, db *Database, query string) (rows []string) {
	t.Helper()
	result, err := db.conn.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer result.Close()
	for result.Next() {
		var row string
		if err := result.Scan(&row); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		rows = append(rows, row)
	}
	if err := result.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// blockOf makes a block of charges, as the lane does.
func blockOf(t testing.TB, s *state, charges ...*drawdown.Charge) *Block {
	t.Helper()
	var builder chargebatch.Builder
	builder.Reset(3, 0)
	for _, c := range charges {
		builder.Charge(c)
	}
	in := newIntake(Charges, 3)
	if err := in.load(builder.Append(nil, charges[len(charges)-1].Offset+1)); err != nil {
		t.Fatal(err)
	}
	b := new(Block)
	b.begin(Charges, 3, s)
	if usedUp, err := in.take(b, limits{until: endless, rows: 1000, anywhere: true}); err != nil || !usedUp {
		t.Fatalf("take: %v, %v", usedUp, err)
	}
	return b
}

// extremes are charges with the greatest and the oddest values that the contract allows.
func extremes() []*drawdown.Charge {
	at := drawdown.TimeOf(time.Date(2026, 2, 1, 0, 0, 0, 123e6, time.UTC))
	return []*drawdown.Charge{
		{Head: drawdown.Head{Offset: 5_000_000_000, N: 2, At: at, Account: "shop.example:eu"}, Time: at - 34*drawdown.Day,
			Connection: "c'1\"\\\n\x00ü", SourceConnector: "s", DestinationConnector: "d", Job: drawdown.MaxInteger, Attempt: 1,
			Stream: []byte("orders"), Event: []byte("e'1\t"), Kind: "database", Meter: drawdown.Bytes, Quantity: drawdown.MaxInteger,
			Credits: drawdown.Total128(0, math.MaxUint64), Rates: "v1",
			Burned:    []drawdown.Burn{{Grant: "g'1", Credits: 1}, {Grant: "g2", Credits: drawdown.MaxHeld}},
			Overdraft: drawdown.MaxHeld},
		{Head: drawdown.Head{Offset: 5_000_000_001, At: at, Account: "shop.example:eu"}, Time: at,
			Connection: "c2", SourceConnector: "s", DestinationConnector: "d", Event: []byte("e2"), Kind: "api",
			Meter: drawdown.Records, Quantity: 1, Waived: drawdown.Total128(1<<47-1, math.MaxUint64), Free: true, Rates: "v1"},
	}
}

// TestValuesArriveAsTheyAre: no value changes on its way into the tables, the rollups and the reports.
func TestValuesArriveAsTheyAre(t *testing.T) {
	_, db := startDatabase(t)
	block := blockOf(t, &state{held: none}, extremes()...)
	if err := db.Insert(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	got := texts(t, db, `SELECT toString(tuple(partition, offset, n, at, time, account, connection = 'c''1"\\\n\0ü', source_connector,
		destination_connector, job, attempt, stream, event, kind, meter, quantity, credits, waived, category, rates, burned, overdraft))
		FROM charges ORDER BY offset`)
	want := []string{
		`(3,5000000000,2,'2026-02-01 00:00:00.123','2025-12-29 00:00:00.123','shop.example:eu',1,'s','d',9007199254740991,1,'orders','e\'1\t',` +
			`'database','bytes',9007199254740991,18446744073.709551615,0,'billed','v1',[('g\'1',0.000000001),('g2',9000000000)],9000000000)`,
		`(3,5000000001,0,'2026-02-01 00:00:00.123','2026-02-01 00:00:00.123','shop.example:eu',0,'s','d',0,0,'','e2',` +
			`'api','records',1,0,2596148429267413814265248.164610047,'free','v1',[],0)`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\n%s\nwant\n%s\n%s", got[0], got[1], want[0], want[1])
	}
	usage, err := db.Usage(t.Context(), "shop.example:eu")
	if err != nil {
		t.Fatal(err)
	}
	count := func(n uint64) drawdown.Total { return drawdown.Total128(0, n) }
	wantUsage := []ConnectionUsage{
		{Account: "shop.example:eu", Connection: "c'1\"\\\n\x00ü", Events: 1, Credits: drawdown.Total128(0, math.MaxUint64),
			Quantity: [drawdown.MeterCount]drawdown.Total{drawdown.Bytes: count(drawdown.MaxInteger)}},
		{Account: "shop.example:eu", Connection: "c2", Events: 1, Waived: drawdown.Total128(1<<47-1, math.MaxUint64),
			Quantity: [drawdown.MeterCount]drawdown.Total{drawdown.Records: count(1)}},
	}
	if !reflect.DeepEqual(usage, wantUsage) {
		t.Errorf("usage: got\n%+v\nwant\n%+v", usage, wantUsage)
	}
	if others, err := db.Usage(t.Context(), "other"); err != nil || len(others) != 0 {
		t.Errorf("usage of an account without any: %v, %v", others, err)
	}
	totals, err := db.Totals(t.Context())
	if err != nil || totals.Charges != 2 || totals.Credits != drawdown.Total128(0, math.MaxUint64) ||
		totals.Waived != drawdown.Total128(1<<47-1, math.MaxUint64) {
		t.Errorf("totals: %+v, %v", totals, err)
	}
	positions, err := db.Positions(t.Context())
	if err != nil || !slices.Equal(positions, []PartitionPosition{{3, Position{5_000_000_001, 0}, 2}}) {
		t.Errorf("positions: %+v, %v", positions, err)
	}
}

// TestRepeatedInsertIsOne: what the sink relies on. An insert repeated with its token adds nothing to the table and
// its rollups, also where it had reached only the table, or the rollups only.
func TestRepeatedInsertIsOne(t *testing.T) {
	_, db := startDatabase(t)
	check := func(when string) {
		t.Helper()
		got := texts(t, db, `SELECT toString((SELECT count() FROM charges)) || ' ' || toString((SELECT sum(events) FROM usage_by_hour)) ||
			' ' || toString((SELECT sum(events) FROM usage_by_day))`)
		if got[0] != "2 2 2" {
			t.Errorf("%s: rows in charges, events by hour and by day: %s, want 2 2 2", when, got[0])
		}
	}
	block := blockOf(t, &state{held: none}, extremes()...)
	insertIt := func() {
		t.Helper()
		if err := db.Insert(t.Context(), block); err != nil {
			t.Fatal(err)
		}
	}
	do := func(statements ...string) {
		t.Helper()
		for _, statement := range statements {
			if err := db.conn.Exec(t.Context(), statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
	// A crash between the table and a rollup: the view is away while the block is inserted.
	for _, view := range []string{"usage_by_hour_view", "usage_by_day_view"} {
		do("DETACH TABLE " + view)
	}
	insertIt()
	for _, view := range []string{"usage_by_hour_view", "usage_by_day_view"} {
		do("ATTACH TABLE " + view)
	}
	if got := texts(t, db, "SELECT toString(sum(events)) FROM usage_by_hour"); got[0] != "0" {
		t.Fatalf("the rollup was written without its view: %s", got[0])
	}
	insertIt()
	check("after a crash before the rollups")
	insertIt()
	check("after a repetition")
}

// TestIntents: of several intents for a number the first wins, also with other content.
func TestIntents(t *testing.T) {
	_, db := startDatabase(t)
	if _, ok, err := db.Last(t.Context(), Charges, 3); ok || err != nil {
		t.Fatalf("an intent before any: %v, %v", ok, err)
	}
	if held, err := db.Held(t.Context(), Charges, 3); held != none || err != nil {
		t.Fatalf("held before any row: %v, %v", held, err)
	}
	block := blockOf(t, &state{held: none}, extremes()...)
	first := block.Intent
	first.Writer[0], first.KafkaFirst, first.KafkaNext = 1, 7, 9
	first.Until, first.Last = 1_770_000_000_001, Key{1_770_000_000_000, "a'1", "c'1\"\\\n\x00ü"}
	second := first
	second.Writer[0], second.To, second.Rows = 2, Position{5_000_000_000, 2}, 1
	for _, intent := range []Intent{first, second} {
		if err := db.Propose(t.Context(), intent); err != nil {
			t.Fatal(err)
		}
	}
	last, ok, err := db.Last(t.Context(), Charges, 3)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if last.Age < 0 || last.Age > time.Minute {
		t.Errorf("age %v", last.Age)
	}
	last.Age = 0
	if last != first {
		t.Errorf("got  %+v\nwant %+v", last, first)
	}
	counts, err := db.Count(t.Context(), first)
	if err != nil || counts != (Counts{Since: 1}) {
		t.Errorf("before the insert: %+v, %v", counts, err)
	}
	if err := db.Insert(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	counts, err = db.Count(t.Context(), first)
	if err != nil || counts != (Counts{Rows: 2, Month: 2, Hour: 2, Day: 2, Since: 1}) {
		t.Errorf("after the insert: %+v, %v", counts, err)
	}
	if held, err := db.Held(t.Context(), Charges, 3); held != first.To || err != nil {
		t.Errorf("held: %v, %v", held, err)
	}
	// A number that only another partition or stream has is not seen.
	if _, ok, err := db.Last(t.Context(), Ledger, 3); ok || err != nil {
		t.Errorf("an intent of another stream: %v, %v", ok, err)
	}
}

// TestFill: a block that only the table has is added to the rollups, once.
func TestFill(t *testing.T) {
	_, db := startDatabase(t)
	block := blockOf(t, &state{held: none}, extremes()...)
	for _, view := range []string{"usage_by_hour_view", "usage_by_day_view"} {
		if err := db.conn.Exec(t.Context(), "DETACH TABLE "+view); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Insert(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Fill(t.Context(), block.Intent, true, true); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := db.Count(t.Context(), block.Intent)
	if err != nil || counts != (Counts{Rows: 2, Month: 2, Hour: 2, Day: 2}) {
		t.Errorf("%+v, %v", counts, err)
	}
	usage, err := db.Usage(t.Context(), "")
	if err != nil || len(usage) != 2 || usage[0].Credits != drawdown.Total128(0, math.MaxUint64) {
		t.Errorf("%+v, %v", usage, err)
	}
}

// TestOldIntentsFold: the table of intents does not grow for ever, and the last one stays.
func TestOldIntentsFold(t *testing.T) {
	_, db := startDatabase(t)
	for _, statement := range []string{
		`INSERT INTO sink_blocks SELECT 'charges', 3, number, number, 0, number + 1, 0, 10, 202602, number + 2, 0, number + 5,
			generateUUIDv4(), now64(6) - INTERVAL 40 DAY, fromUnixTimestamp64Milli(number), fromUnixTimestamp64Milli(number),
			'a' || toString(number), 'c' FROM numbers(100)`,
		`OPTIMIZE TABLE sink_blocks FINAL`,
	} {
		if err := db.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	last, ok, err := db.Last(t.Context(), Charges, 3)
	if err != nil || !ok || last.Block != 99 || last.From.Offset != 99 || last.To.Offset != 100 || last.Covered != 101 || last.KafkaNext != 104 ||
		last.Until != 99 || last.Last != (Key{99, "a99", "c"}) {
		t.Errorf("%+v, %v, %v", last, ok, err)
	}
	if got := texts(t, db, "SELECT toString(count()) FROM sink_blocks"); got[0] != "1" {
		t.Errorf("%s rows are left, want 1", got[0])
	}
}

// TestSinkOnTheEngine: everything together, with the engine killed in the middle again and again.
func TestSinkOnTheEngine(t *testing.T) {
	server, db := startDatabase(t)
	const partitions = 2
	random := rand.New(rand.NewPCG(1, 2))
	source := newFakeSource(newFakeStore(random, false), partitions, chargesTopic, ledgerTopic)
	var stories []*story
	var publishing sync.WaitGroup
	for p := range int32(partitions) {
		s := tell(random, p, 2000)
		stories = append(stories, s)
		own := rand.New(rand.NewPCG(3, uint64(p)))
		publishing.Go(func() { s.publish(own, source, func() bool { return t.Context().Err() == nil }) })
	}
	publishing.Wait()
	config := testConfig()
	config.BlockRowsMax, config.RowsInMemoryMax = 100, 1000
	config.BlockAgeMax, config.FetchWaitMax, config.RetryMax = 20*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var sinks sync.WaitGroup
	for range 2 {
		sinks.Go(func() {
			if err := newTestSink(t, config, db, source).Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	want := wantRows(stories)
	rows := func() (charges, ledger uint64) {
		err := db.conn.QueryRow(ctx, "SELECT (SELECT count() FROM charges), (SELECT count() FROM ledger)").Scan(&charges, &ledger)
		if err != nil {
			t.Logf("counting: %v", err) // the engine is away
		}
		return charges, ledger
	}
	for kill := 1; ; {
		charges, ledger := rows()
		if charges >= uint64(len(want[Charges])) && ledger >= uint64(len(want[Ledger])) {
			break
		}
		if charges > uint64(kill*len(want[Charges])/5) {
			kill++
			if err := server.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := server.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	settled := func() bool {
		for _, stream := range []Stream{Charges, Ledger} {
			for p := range int32(partitions) {
				last, ok, err := db.Last(ctx, stream, p)
				if err != nil || !ok || last.To != stories[p].last(stream) {
					return false
				}
				counts, err := db.Count(ctx, last)
				repair, repairErr := repairOf(&last, counts)
				if err != nil || repairErr != nil || repair != complete {
					return false
				}
			}
		}
		return true
	}
	for !settled() {
		if t.Context().Err() != nil {
			t.Fatal("never settled")
		}
	}
	cancel()
	sinks.Wait()
	checkTables(t, db, stories)
}

// last is the position of a story's last row.
func (s *story) last(stream Stream) Position {
	if stream == Charges {
		c := s.charges[len(s.charges)-1]
		return Position{c.Offset, c.N}
	}
	e := s.entries[len(s.entries)-1].Where()
	return Position{e.Offset, e.N}
}

// checkTables compares every row, and every rollup with the rows.
func checkTables(t *testing.T, db *Database, stories []*story) {
	t.Helper()
	var wantCharges, wantLedger []string
	for _, s := range stories {
		for _, c := range s.charges {
			wantCharges = append(wantCharges, fmt.Sprintf("%d %d %d %s %s", s.partition, c.Offset, c.N, c.Event, c.Credits))
		}
		for _, e := range s.entries {
			wantLedger = append(wantLedger, fmt.Sprintf("%d %s", s.partition, drawdown.AppendLedger(nil, e)))
		}
	}
	got := texts(t, db, `SELECT concatWithSeparator(' ', partition, offset, n, event, credits) FROM charges ORDER BY partition, offset, n`)
	if !slices.Equal(got, wantCharges) {
		t.Errorf("charges: %d rows, want %d", len(got), len(wantCharges))
	}
	got = texts(t, db, `SELECT concatWithSeparator(' ', partition, line) FROM ledger ORDER BY partition, offset, n`)
	if !slices.Equal(got, wantLedger) {
		t.Errorf("ledger: %d rows, want %d", len(got), len(wantLedger))
	}
	for _, rollup := range [][2]string{{"usage_by_hour", "hour"}, {"usage_by_day", "day"}} {
		start := map[string]string{"hour": "toStartOfHour(at)", "day": "toDate(at)"}[rollup[1]]
		differing := texts(t, db, fmt.Sprintf(`SELECT toString(tuple(*)) FROM (
			SELECT account, connection, stream, %[2]s AS bucket, sum(events) AS e, sum(credits) AS c, sum(records) AS r FROM %[1]s GROUP BY ALL
			EXCEPT SELECT account, connection, stream, %[3]s AS bucket, count() AS e, sum(toDecimal256(credits, 9)) AS c, sum(toUInt128(quantity)) AS r
			FROM charges GROUP BY ALL)`, rollup[0], rollup[1], start))
		if len(differing) > 0 {
			t.Errorf("%s differs from charges: %v", rollup[0], differing)
		}
		if got := texts(t, db, "SELECT toString(sum(events) = (SELECT count() FROM charges)) FROM "+rollup[0]); got[0] != "1" {
			t.Errorf("%s has not as many events as charges has rows", rollup[0])
		}
	}
}

var update = flag.Bool("update", false, "write testdata/tables.sql anew")

// TestTablesAsMigrated compares what the migrations make, as the engine describes it, with a snapshot: a change of a
// migration that somebody may have applied shows.
func TestTablesAsMigrated(t *testing.T) {
	const snapshot = "testdata/tables.sql"
	_, db := startDatabase(t)
	got := strings.Join(texts(t, db, `SELECT formatQuery(create_table_query) || ';\n' FROM system.tables
		WHERE database = 'drawdown' AND name != 'goose_db_version' ORDER BY name`), "\n")
	if *update {
		if err := os.WriteFile(snapshot, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the tables are not those of %s; if that is meant: go test -tags integration -run TablesAsMigrated ./sinks/clickhouse -update\n%s", snapshot, got)
	}
}

// BenchmarkInsert is the time for a block of 200,000 rows, with its rollups.
func BenchmarkInsert(b *testing.B) {
	_, db := startDatabase(b)
	charges := make([]*drawdown.Charge, 200_000)
	at := drawdown.TimeOf(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	for i := range charges {
		account := fmt.Sprintf("account-%05d", i%10_000)
		charges[i] = &drawdown.Charge{Head: drawdown.Head{Offset: drawdown.Offset(i), At: at, Account: account}, Time: at,
			Connection: account + "-a", SourceConnector: "postgres", DestinationConnector: "snowflake", Job: 1, Stream: []byte("orders"),
			Event: fmt.Appendf(nil, "%032x", i), Kind: "database", Meter: drawdown.Bytes, Quantity: uint64(i), Credits: drawdown.Total128(0, uint64(i)),
			Rates: "v1", Burned: []drawdown.Burn{{Grant: account + ":sub", Credits: drawdown.Credits(i)}}}
	}
	var builder chargebatch.Builder
	builder.Reset(3, 0)
	for _, c := range charges {
		builder.Charge(c)
	}
	value := builder.Append(nil, drawdown.Offset(len(charges)))
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		in := newIntake(Charges, 3)
		if err := in.load(value); err != nil {
			b.Fatal(err)
		}
		block := new(Block)
		block.begin(Charges, 3, &state{block: uint64(i), held: none})
		if _, err := in.take(block, limits{until: endless, rows: 1 << 20, anywhere: true}); err != nil {
			b.Fatal(err)
		}
		if err := db.Insert(b.Context(), block); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(charges)), "ns/row")
}
