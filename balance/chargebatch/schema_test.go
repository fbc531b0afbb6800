package chargebatch

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"drawdown"
)

// schema compiles charges.proto, so that records can be read as an outside reader does: by the published schema and a
// protobuf library, without this package's code.
func schema(t testing.TB) protoreflect.MessageDescriptor {
	t.Helper()
	source, err := os.ReadFile("charges.proto")
	if err != nil {
		t.Fatal(err)
	}
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"charges.proto": string(source)}),
	}}
	files, err := compiler.Compile(context.Background(), "charges.proto")
	if err != nil {
		t.Fatal(err)
	}
	message := files[0].Messages().ByName("ChargeBatch")
	if message == nil || message.FullName() != "drawdown.charges.v1.ChargeBatch" {
		t.Fatalf("no ChargeBatch: %v", message)
	}
	return message
}

// reader reads fields by their published names.
type reader struct {
	t       interface{ Fatalf(string, ...any) }
	message protoreflect.Message
}

func (r reader) field(name string) protoreflect.Value {
	field := r.message.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		r.t.Fatalf("%s has no field %s", r.message.Descriptor().Name(), name)
	}
	return r.message.Get(field)
}

func (r reader) sub(name string) reader { return reader{r.t, r.field(name).Message()} }

// at is the value of row i: 0 where the column was left out.
func (r reader) at(column string, i int) uint64 {
	list := r.field(column).List()
	if list.Len() == 0 {
		return 0
	}
	switch v := list.Get(i).Interface().(type) {
	case uint64:
		return v
	case uint32:
		return uint64(v)
	case int64:
		return uint64(v)
	case protoreflect.EnumNumber:
		return uint64(v)
	case bool:
		if v {
			return 1
		}
		return 0
	default:
		r.t.Fatalf("%s holds a %T", column, v)
		return 0
	}
}

// readPublished rebuilds the contract's lines of charges and duplicates as charges.proto tells it.
func readPublished(batch reader) (lines []string) {
	text := func(index uint64) string { return batch.field("strings").List().Get(int(index)).String() }
	charges, duplicates := batch.sub("charges"), batch.sub("duplicates")

	type line struct {
		offset uint64
		text   string
	}
	var all []line
	offset, at, burn := batch.field("first_offset").Uint(), int64(0), 0
	for i := range int(charges.field("rows").Uint()) {
		offset += charges.at("offset_deltas", i)
		at += int64(charges.at("at_deltas", i))
		c := drawdown.Charge{
			Head: drawdown.Head{Offset: drawdown.Offset(offset), N: int(charges.at("n", i)), At: drawdown.Time(at),
				Account: text(charges.at("accounts", i))},
			Time:                 drawdown.Time(at - int64(charges.at("ages", i))),
			Connection:           text(charges.at("connections", i)),
			SourceConnector:      text(charges.at("source_connectors", i)),
			DestinationConnector: text(charges.at("destination_connectors", i)),
			Job:                  charges.at("jobs", i),
			Attempt:              charges.at("attempts", i),
			Event:                []byte(charges.field("events").List().Get(i).String()),
			Kind:                 text(charges.at("kinds", i)),
			Meter:                drawdown.Meter(charges.at("meters", i)),
			Quantity:             charges.at("quantities", i),
			Credits:              drawdown.Total128(0, charges.at("credits", i)),
			Waived:               drawdown.Total128(charges.at("waived_high", i), charges.at("waived_low", i)),
			Free:                 charges.at("free", i) == 1,
			Rates:                text(charges.at("rates", i)),
			Overdraft:            drawdown.Credits(charges.at("overdrafts", i)),
		}
		if stream := charges.at("streams", i); stream > 0 {
			c.Stream = []byte(text(stream - 1))
		}
		for range charges.at("burn_counts", i) {
			c.Burned = append(c.Burned, drawdown.Burn{Grant: text(charges.at("burn_grants", burn)),
				Credits: drawdown.Credits(charges.at("burn_credits", burn))})
			burn++
		}
		all = append(all, line{offset, string(drawdown.AppendCharge(nil, &c))})
	}
	offset, at = batch.field("first_offset").Uint(), 0
	for i := range int(duplicates.field("rows").Uint()) {
		offset += duplicates.at("offset_deltas", i)
		at += int64(duplicates.at("at_deltas", i))
		d := drawdown.Duplicate{
			Head:      drawdown.Head{Offset: drawdown.Offset(offset), N: int(duplicates.at("n", i)), At: drawdown.Time(at)},
			Event:     []byte(duplicates.field("events").List().Get(i).String()),
			Broadcast: duplicates.at("broadcasts", i) == 1,
		}
		if account := duplicates.at("accounts", i); account > 0 {
			d.Account = text(account - 1)
		}
		all = append(all, line{offset, string(drawdown.AppendDuplicate(nil, &d))})
	}
	slices.SortStableFunc(all, func(a, b line) int { return int(a.offset) - int(b.offset) })
	for _, l := range all {
		lines = append(lines, l.text)
	}
	return lines
}

// TestPublishedSchema: a protobuf library with charges.proto reads every entry out of a record, and finds no field
// that the schema does not name.
func TestPublishedSchema(t *testing.T) {
	descriptor := schema(t)
	var builder Builder
	rapid.Check(t, func(t *rapid.T) {
		r := genRun(t)
		r.build(&builder)
		message := dynamicpb.NewMessage(descriptor)
		if err := proto.Unmarshal(builder.Append(nil, r.next), message); err != nil {
			t.Fatal(err)
		}
		batch := reader{t, message}
		for _, m := range []reader{batch, batch.sub("charges"), batch.sub("duplicates")} {
			if unknown := m.message.GetUnknown(); len(unknown) > 0 {
				t.Fatalf("%s: fields that the schema does not name: %x", m.message.Descriptor().Name(), unknown)
			}
		}
		if got := readPublished(batch); !slices.Equal(got, r.lines) {
			t.Fatalf("got\n%q\nwant\n%q", got, r.lines)
		}
		if got := batch.field("schema").Uint(); got != Schema {
			t.Fatalf("schema %d", got)
		}
		clock := message.Descriptor().Fields().ByName("clock")
		if message.Has(clock) != (r.clock != drawdown.NoTime) || message.Has(clock) && message.Get(clock).Int() != int64(r.clock) {
			t.Fatalf("clock: got %v, want %v", message.Get(clock), r.clock)
		}
	})
}

// TestForeignWriter: a record written again by a protobuf library, which orders and packs as it likes, is read the
// same.
func TestForeignWriter(t *testing.T) {
	descriptor := schema(t)
	var builder Builder
	var batch Batch
	rapid.Check(t, func(t *rapid.T) {
		r := genRun(t)
		r.build(&builder)
		message := dynamicpb.NewMessage(descriptor)
		if err := proto.Unmarshal(builder.Append(nil, r.next), message); err != nil {
			t.Fatal(err)
		}
		value, err := proto.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Decode(value); err != nil {
			t.Fatal(err)
		}
		if got := linesOf(&batch); !slices.Equal(got, r.lines) {
			t.Fatalf("got\n%q\nwant\n%q", got, r.lines)
		}
	})
}
