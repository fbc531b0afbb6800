package chargebatch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"drawdown"
)

// run is what one batch is built from.
type run struct {
	partition   int32
	first, next drawdown.Offset
	clock       drawdown.Time
	lines       []string // the contract's lines, in order
	build       func(*Builder)
}

// genRun draws a run of input records: a charge, a duplicate or nothing each.
func genRun(t *rapid.T) run {
	name := rapid.SampledFrom([]string{"acme", "globex", "shop.example:eu", "ünïcode \"quoted\"\x00", "a"})
	amount := rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64Range(1, 1<<40), rapid.Just(uint64(math.MaxInt64)))
	r := run{
		partition: rapid.Int32Range(0, math.MaxInt32).Draw(t, "partition"),
		first:     drawdown.Offset(rapid.Int64Range(0, 1<<50).Draw(t, "first")),
		clock:     drawdown.NoTime,
	}
	var add []func(*Builder)
	offset := r.first
	at := drawdown.Time(rapid.Int64Range(0, 1<<42).Draw(t, "at"))
	for range rapid.IntRange(0, 20).Draw(t, "records") {
		offset += drawdown.Offset(rapid.Int64Range(0, 3).Draw(t, "skipped"))
		at += drawdown.Time(rapid.Int64Range(0, 5000).Draw(t, "elapsed"))
		head := drawdown.Head{Offset: offset, N: rapid.IntRange(0, 300).Draw(t, "n"), At: at, Account: name.Draw(t, "account")}
		event := []byte(rapid.StringN(1, 20, 128).Draw(t, "event"))
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			d := &drawdown.Duplicate{Head: head, Event: event, Broadcast: rapid.Bool().Draw(t, "broadcast")}
			if d.Broadcast {
				d.Account = ""
			}
			r.lines = append(r.lines, string(drawdown.AppendDuplicate(nil, d)))
			add = append(add, func(b *Builder) { b.Duplicate(d) })
		case 1:
			// a record without a line here
		default:
			c := &drawdown.Charge{
				Head: head, Time: at + drawdown.Time(rapid.Int64Range(-1<<32, 3_600_000).Draw(t, "age")),
				Connection: name.Draw(t, "connection"), SourceConnector: name.Draw(t, "source"),
				DestinationConnector: name.Draw(t, "destination"), Job: rapid.Uint64Range(0, drawdown.MaxInteger).Draw(t, "job"),
				Attempt: rapid.Uint64Range(0, 3).Draw(t, "attempt"), Event: event, Kind: name.Draw(t, "kind"),
				Meter:    drawdown.Meter(rapid.IntRange(0, int(drawdown.MeterCount)-1).Draw(t, "meter")),
				Quantity: rapid.Uint64Range(0, drawdown.MaxInteger).Draw(t, "quantity"),
				Credits:  drawdown.Total128(0, amount.Draw(t, "credits")*2),
				Waived:   drawdown.Total128(amount.Draw(t, "waived high"), amount.Draw(t, "waived low")),
				Free:     rapid.Bool().Draw(t, "free"), Rates: name.Draw(t, "rates"),
				Overdraft: drawdown.Credits(amount.Draw(t, "overdraft")),
			}
			if rapid.Bool().Draw(t, "with stream") {
				c.Stream = []byte(name.Draw(t, "stream"))
			}
			for range rapid.IntRange(0, 3).Draw(t, "burns") {
				c.Burned = append(c.Burned, drawdown.Burn{Grant: name.Draw(t, "grant"), Credits: drawdown.Credits(amount.Draw(t, "burned"))})
			}
			r.lines = append(r.lines, string(drawdown.AppendCharge(nil, c)))
			add = append(add, func(b *Builder) { b.Charge(c) })
		}
		offset++
	}
	if at := rapid.Bool().Draw(t, "clock set"); at {
		r.clock = drawdown.Time(rapid.Int64Range(0, 1<<47).Draw(t, "clock"))
	}
	r.next = offset + drawdown.Offset(rapid.Int64Range(0, 2).Draw(t, "tail"))
	r.build = func(b *Builder) {
		b.Reset(r.partition, r.first)
		for _, entry := range add {
			entry(b)
		}
		if r.clock != drawdown.NoTime {
			b.Clock(r.clock)
		}
	}
	return r
}

func linesOf(b *Batch) []string {
	var lines []string
	b.EachRow(
		func(c *drawdown.Charge) { lines = append(lines, string(drawdown.AppendCharge(nil, c))) },
		func(d *drawdown.Duplicate) { lines = append(lines, string(drawdown.AppendDuplicate(nil, d))) },
	)
	return lines
}

// TestRoundTrip: the contract's lines can be written again from a record, whatever was built and read before with
// the same Builder and Batch.
func TestRoundTrip(t *testing.T) {
	var builder Builder
	var batch Batch
	rapid.Check(t, func(t *rapid.T) {
		r := genRun(t)
		r.build(&builder)
		prefix := []byte("before")
		value := builder.Append(prefix, r.next)
		if !slices.Equal(value[:len(prefix)], prefix) {
			t.Fatalf("Append overwrote what was there: %q", value[:len(prefix)])
		}
		value = value[len(prefix):]
		if len(value) > builder.Len() {
			t.Fatalf("Len() = %d, but the record has %d bytes", builder.Len(), len(value))
		}
		if err := batch.Decode(value); err != nil {
			t.Fatal(err)
		}
		if batch.Partition != r.partition || batch.First != r.first || batch.Next != r.next || batch.Clock != r.clock {
			t.Fatalf("head: got %d [%d, %d) %v, want %d [%d, %d) %v", batch.Partition, batch.First, batch.Next, batch.Clock,
				r.partition, r.first, r.next, r.clock)
		}
		if got := linesOf(&batch); !slices.Equal(got, r.lines) {
			t.Fatalf("got\n%q\nwant\n%q", got, r.lines)
		}
		if batch.Charges.Rows+batch.Duplicates.Rows != builder.Rows() {
			t.Fatalf("%d + %d rows, want %d", batch.Charges.Rows, batch.Duplicates.Rows, builder.Rows())
		}
	})
}

// TestTextsOutliveTheRecord: a sink keeps texts after it has read the next record into the same Batch and the same
// buffer.
func TestTextsOutliveTheRecord(t *testing.T) {
	var builder Builder
	builder.Reset(3, 10)
	builder.Charge(exampleCharge(10))
	value := builder.Append(nil, 11)
	var batch Batch
	if err := batch.Decode(value); err != nil {
		t.Fatal(err)
	}
	event, account := batch.Charges.Event[0], batch.Strings[batch.Charges.AccountIndex[0]]
	clear(value)
	if event != "event-10" || account != "acme" {
		t.Fatalf("texts changed with the buffer: %q, %q", event, account)
	}
}

func exampleCharge(offset drawdown.Offset) *drawdown.Charge {
	return &drawdown.Charge{
		Head: drawdown.Head{Offset: offset, At: 1_780_000_000_000, Account: "acme"}, Time: 1_779_999_999_000,
		Connection: "conn", SourceConnector: "postgres", DestinationConnector: "snowflake", Job: 7, Attempt: 1,
		Stream: []byte("orders"), Event: fmt.Appendf(nil, "event-%d", offset), Kind: "database", Meter: drawdown.Bytes,
		Quantity: 1234, Credits: drawdown.Total128(0, 42), Rates: "v1",
		Burned: []drawdown.Burn{{Grant: "acme:sub:2026-02-01T00:00:00Z", Credits: 40}}, Overdraft: 2,
	}
}

func TestBuilderRefusesWhatCanNotBeRead(t *testing.T) {
	for name, fault := range map[string]func(*Builder){
		"offsets going back": func(b *Builder) { b.Charge(exampleCharge(12)); b.Charge(exampleCharge(11)) },
		"before the range":   func(b *Builder) { b.Charge(exampleCharge(9)) },
		"after the range":    func(b *Builder) { b.Charge(exampleCharge(12)); b.Append(nil, 11) },
		"too many credits": func(b *Builder) {
			c := exampleCharge(10)
			c.Credits = drawdown.Total128(1, 0)
			b.Charge(c)
		},
		"too much waived": func(b *Builder) {
			c := exampleCharge(10)
			c.Waived = drawdown.TotalOfWords(0, 0, 1)
			b.Charge(c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			var b Builder
			b.Reset(0, 10)
			fault(&b)
		})
	}
}

// withCharges returns a record with the given fields in its Charges message.
func withCharges(fields func(charges []byte) []byte) []byte {
	value := appendVarint(nil, fieldSchema, Schema)
	value = appendVarint(value, fieldFirstOffset, 5)
	value = appendVarint(value, fieldNextOffset, 8)
	value = protowire.AppendTag(value, fieldStrings, protowire.BytesType)
	value = protowire.AppendString(value, "text")
	value = protowire.AppendTag(value, fieldCharges, protowire.BytesType)
	return protowire.AppendBytes(value, fields(nil))
}

func appendEvent(dst []byte, event string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, chargeEvent, protowire.BytesType), event)
}

// TestDecodeRefuses: what no Builder writes is an error, not a charge.
func TestDecodeRefuses(t *testing.T) {
	row := func(field protowire.Number, v uint64) []byte {
		return withCharges(func(charges []byte) []byte {
			return appendEvent(appendVarint(appendVarint(charges, chargeRows, 1), field, v), "e")
		})
	}
	if err := new(Batch).Decode(row(chargeQuantity, 9)); err != nil {
		t.Fatalf("a row with an unpacked column is valid: %v", err)
	}
	for name, value := range map[string][]byte{
		"nothing":              {},
		"not protobuf":         []byte("{}"),
		"no schema":            appendVarint(nil, fieldNextOffset, 3),
		"a range going back":   appendVarint(appendVarint(nil, fieldSchema, 1), fieldFirstOffset, 3),
		"fewer events":         withCharges(func(c []byte) []byte { return appendVarint(c, chargeRows, 1) }),
		"a billion rows":       withCharges(func(c []byte) []byte { return appendVarint(c, chargeRows, 1e9) }),
		"more events":          withCharges(func(c []byte) []byte { return appendEvent(c, "e") }),
		"an event of bytes":    withCharges(func(c []byte) []byte { return appendEvent(appendVarint(c, chargeRows, 1), "\xff") }),
		"an offset beyond":     row(chargeOffset, 3),
		"a text beyond":        row(chargeAccount, 1),
		"a stream beyond":      row(chargeStream, 2),
		"a meter beyond":       row(chargeMeter, 3),
		"a flag beyond":        row(chargeFree, 2),
		"an overdraft beyond":  row(chargeOverdraft, 1<<63),
		"a burn without count": row(chargeBurnCredits, 1),
		"a count without burn": row(chargeBurnCount, 1),
		"texts as a number":    appendVarint(appendVarint(nil, fieldSchema, 1), fieldStrings, 3),
	} {
		if err := new(Batch).Decode(value); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var newer *NewerSchemaError
	if err := new(Batch).Decode(appendVarint(nil, fieldSchema, 2)); !errors.As(err, &newer) || newer.Schema != 2 {
		t.Errorf("a newer schema: %v", err)
	}
}

// TestDecodeSkipsUnknownFields: fields added later under the same schema are ignored.
func TestDecodeSkipsUnknownFields(t *testing.T) {
	var builder Builder
	builder.Reset(3, 10)
	builder.Charge(exampleCharge(10))
	value := builder.Append(nil, 11)
	value = appendVarint(value, 99, 7)
	value = protowire.AppendBytes(protowire.AppendTag(value, 100, protowire.BytesType), []byte("new"))
	value = protowire.AppendFixed64(protowire.AppendTag(value, 101, protowire.Fixed64Type), 1)
	var batch Batch
	if err := batch.Decode(value); err != nil || batch.Charges.Rows != 1 {
		t.Fatalf("%d rows, %v", batch.Charges.Rows, err)
	}
}

func FuzzDecode(f *testing.F) {
	var builder Builder
	builder.Reset(3, 10)
	builder.Charge(exampleCharge(10))
	builder.Duplicate(&drawdown.Duplicate{Head: drawdown.Head{Offset: 11, Account: "acme"}, Event: []byte("again")})
	builder.Clock(5)
	f.Add(builder.Append(nil, 13))
	f.Add(withCharges(func(c []byte) []byte { return appendEvent(appendVarint(c, chargeRows, 1), "e") }))
	f.Fuzz(func(t *testing.T, value []byte) {
		var batch, again Batch
		if batch.Decode(value) != nil {
			return
		}
		// What can be read can be written, and then says the same.
		var builder Builder
		builder.Reset(batch.Partition, batch.First)
		batch.EachRow(builder.Charge, builder.Duplicate)
		builder.Clock(batch.Clock)
		if err := again.Decode(builder.Append(nil, batch.Next)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(linesOf(&batch), linesOf(&again)) {
			t.Fatalf("got\n%q\nwant\n%q", linesOf(&again), linesOf(&batch))
		}
	})
}

// benchmarkCharges are like those of a busy partition: 1,250 accounts with two connections of four streams each.
func benchmarkCharges() []*drawdown.Charge {
	charges := make([]*drawdown.Charge, 10_000)
	accounts := make([]string, 1250)
	grants := make([]string, len(accounts))
	connections := make([]string, 2*len(accounts))
	for i := range accounts {
		accounts[i], grants[i] = fmt.Sprintf("account-%05d", i), fmt.Sprintf("account-%05d:sub:2026-02-01T00:00:00Z", i)
		connections[2*i], connections[2*i+1] = fmt.Sprintf("connection-%05d-a", i), fmt.Sprintf("connection-%05d-b", i)
	}
	streams := [][]byte{[]byte("orders"), []byte("users"), []byte("products"), []byte("events")}
	for i := range charges {
		c := exampleCharge(drawdown.Offset(i))
		account := i * 7919 % len(accounts)
		c.Account, c.Connection, c.Stream = accounts[account], connections[2*account+i%2], streams[i%4]
		c.Event = fmt.Appendf(nil, "%032x", i)
		c.Burned = []drawdown.Burn{{Grant: grants[account], Credits: 42}}
		charges[i] = c
	}
	return charges
}

func BenchmarkBuilder(b *testing.B) {
	charges := benchmarkCharges()
	var builder Builder
	var value []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(charges) == 0 {
			if i > 0 {
				value = builder.Append(value[:0], drawdown.Offset(len(charges)))
			}
			builder.Reset(1, 0)
		}
		builder.Charge(charges[i%len(charges)])
	}
	if len(value) > 0 {
		b.ReportMetric(float64(len(value))/float64(len(charges)), "bytes/charge")
	}
}

func BenchmarkDecode(b *testing.B) {
	charges := benchmarkCharges()
	var builder Builder
	builder.Reset(1, 0)
	for _, c := range charges {
		builder.Charge(c)
	}
	value := builder.Append(nil, drawdown.Offset(len(charges)))
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		if err := batch.Decode(value); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(charges)), "ns/charge")
}

// TestBuilderAllocatesNothing: in steady state an entry costs no allocation, Reset and Append included.
func TestBuilderAllocatesNothing(t *testing.T) {
	charges := benchmarkCharges()
	var builder Builder
	var value []byte
	build := func() {
		builder.Reset(1, 0)
		for _, c := range charges {
			builder.Charge(c)
		}
		value = builder.Append(value[:0], drawdown.Offset(len(charges)))
	}
	build()
	if allocs := testing.AllocsPerRun(5, build); allocs != 0 {
		t.Errorf("%v allocations for %d charges", allocs, len(charges))
	}
}
