package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
)

// three are records of every shape: all fields, nothing, empty fields.
var three = []sample{
	{key: []byte("acct_1"), value: []byte(`{"type":"sync.usage"}`), at: 1000, headers: []protocol.Header{
		{Key: "signature", Value: []byte("first")}, {Key: "empty", Value: []byte{}}, {Key: "absent"}, {Key: "signature", Value: []byte("second")}}},
	{at: 5000},
	{key: []byte{}, value: []byte{}, at: 2000},
}

func TestNextReadsWhatTheLibraryWrote(t *testing.T) {
	for _, codec := range []protocol.Attributes{0, protocol.Gzip, protocol.Snappy, protocol.Lz4, protocol.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			s := testSet(t, 40, stamped(libraryBatch(t, 40, codec, three...)))
			all, err := drain(s)
			if err != nil {
				t.Fatal(err)
			}
			if want := []int64{40, 41, 42}; !slices.Equal(offsets(all), want) {
				t.Fatalf("offsets %v, want %v", offsets(all), want)
			}
			for i, g := range all {
				want := got{offset: 40 + int64(i), at: logTime, key: three[i].key, value: three[i].value, headers: three[i].headers}
				if !reflect.DeepEqual(g, want) {
					t.Errorf("record %d is\n%+v, want\n%+v", i, g, want)
				}
			}
			if s.NextOffset() != 43 {
				t.Errorf("next offset %d, want 43", s.NextOffset())
			}
		})
	}
}

func TestHeaderFindsTheLastOfItsName(t *testing.T) {
	s := testSet(t, 0, stamped(libraryBatch(t, 0, 0, three...)))
	var rec Record
	if ok, err := s.Next(&rec); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, c := range []struct {
		name, want string
		isNil, ok  bool
	}{
		{name: "signature", want: "second", ok: true},
		{name: "empty", ok: true},
		{name: "absent", isNil: true, ok: true},
		{name: "other", isNil: true},
	} {
		v, ok := rec.Header(c.name)
		if string(v) != c.want || ok != c.ok || (v == nil) != c.isNil {
			t.Errorf("Header(%q) = %q (nil %v), %v", c.name, v, v == nil, ok)
		}
	}
	if rec.HeaderCount() != 4 {
		t.Errorf("%d headers, want 4", rec.HeaderCount())
	}
}

func TestAppendTimeIsTheBatchsForEveryRecord(t *testing.T) {
	all, err := drain(testSet(t, 0, stamped(libraryBatch(t, 0, 0, three...)), withCreateTime))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if g.at != logTime {
			t.Errorf("offset %d has time %d, want the broker's %d", g.offset, g.at, int64(logTime))
		}
	}
}

func TestCreateTimeIsRefusedUnlessAllowed(t *testing.T) {
	b := libraryBatch(t, 7, 0, three...)
	_, err := drain(testSet(t, 7, b))
	var refused *CreateTimeError
	if !errors.As(err, &refused) || refused.Offset != 7 || refused.Partition != 3 {
		t.Fatalf("got %v, want a CreateTimeError at offset 7", err)
	}
	all, err := drain(testSet(t, 7, b, withCreateTime))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{1000, 5000, 2000} {
		if all[i].at != want {
			t.Errorf("record %d has time %d, want its producer's %d", i, all[i].at, want)
		}
	}
}

func TestRecordsBeforeTheOffsetAskedForAreSkipped(t *testing.T) {
	data := concat(
		stamped(libraryBatch(t, 10, 0, three...)),             // 10 to 12: before
		stamped(libraryBatch(t, 13, protocol.Zstd, three...)), // 13 to 15: from the middle on
		stamped(libraryBatch(t, 16, 0, three...)),
	)
	all, err := drain(testSet(t, 15, data))
	if want := []int64{15, 16, 17, 18}; err != nil || !slices.Equal(offsets(all), want) {
		t.Fatalf("offsets %v, error %v; want %v", offsets(all), err, want)
	}
}

func TestPartOfALaterBatchIsDropped(t *testing.T) {
	whole, next := stamped(libraryBatch(t, 0, 0, three...)), stamped(libraryBatch(t, 3, 0, three...))
	for cut := range next {
		s := testSet(t, 0, concat(whole, next[:cut]))
		all, err := drain(s)
		if err != nil || len(all) != 3 || s.NextOffset() != 3 {
			t.Fatalf("cut at %d: %d records, next %d, error %v", cut, len(all), s.NextOffset(), err)
		}
	}
}

func TestPartOfTheFirstBatchIsAnError(t *testing.T) {
	whole := stamped(libraryBatch(t, 0, 0, three...))
	for cut := 1; cut < len(whole); cut++ {
		_, err := drain(testSet(t, 0, whole[:cut]))
		var corrupt *CorruptBatchError
		if !errors.As(err, &corrupt) {
			t.Fatalf("cut at %d: error %v; a fetch loop would bring the same part for ever", cut, err)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	good := stamped(libraryBatch(t, 5, 0, three...))
	for bit := range len(good) * 8 {
		if at := bit / 8; at < atLength || (at >= prefixBytes && at < atMagic) {
			continue // base offset and leader epoch are the broker's and under no checksum
		}
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		all, err := drain(testSet(t, 5, concat(bad, stamped(libraryBatch(t, 8, 0, three...)))))
		if err == nil || len(all) != 0 {
			t.Fatalf("bit %d of byte %d flipped: %d records, error %v", bit%8, bit/8, len(all), err)
		}
		if Retriable(err) {
			t.Fatalf("bit %d of byte %d flipped: %v passes for retriable", bit%8, bit/8, err)
		}
	}
}

func TestControlBatchIsCountedAndSkipped(t *testing.T) {
	control := stamped(libraryBatch(t, 3, protocol.Control|protocol.Transactional, sample{key: []byte{0, 0, 0, 1}, value: []byte{0, 0, 0, 0, 0, 0}}))
	s := testSet(t, 0, concat(stamped(libraryBatch(t, 0, 0, three...)), control), withoutGaps)
	all, err := drain(s)
	if err != nil || len(all) != 3 || s.NextOffset() != 4 {
		t.Fatalf("%d records, next %d, error %v; want 3 records and next 4", len(all), s.NextOffset(), err)
	}
	s = testSet(t, 3, control)
	if all, err := drain(s); err != nil || len(all) != 0 || s.NextOffset() != 4 {
		t.Fatalf("alone: %d records, next %d, error %v; want none and next 4", len(all), s.NextOffset(), err)
	}
}

func TestCompactedBatchKeepsItsOffsets(t *testing.T) {
	records := concat(handRecord(0, 2, "a", "x"), handRecord(0, 5, "b", "y"))
	data := handBatch(100, 9, 2, attrLogAppendTime, records)
	s := testSet(t, 90, data)
	all, err := drain(s)
	if err != nil || !slices.Equal(offsets(all), []int64{102, 105}) || s.NextOffset() != 110 {
		t.Fatalf("offsets %v, next %d, error %v; want 102, 105 and next 110", offsets(all), s.NextOffset(), err)
	}
	s = testSet(t, 100, handBatch(100, 9, 0, attrLogAppendTime, nil))
	if all, err := drain(s); err != nil || len(all) != 0 || s.NextOffset() != 110 {
		t.Fatalf("emptied: %d records, next %d, error %v; want none and next 110", len(all), s.NextOffset(), err)
	}
}

func TestContiguousRefusesGaps(t *testing.T) {
	one := func(delta int64) []byte { return handRecord(0, delta, "k", "v") }
	for name, c := range map[string]struct {
		data            []byte
		expected, found int64
	}{
		"before the first batch": {handBatch(12, 0, 1, attrLogAppendTime, one(0)), 10, 12},
		"between batches":        {concat(handBatch(10, 0, 1, attrLogAppendTime, one(0)), handBatch(12, 0, 1, attrLogAppendTime, one(0))), 11, 12},
		"in a batch":             {handBatch(10, 2, 2, attrLogAppendTime, concat(one(0), one(2))), 11, 12},
		"at the end of a batch":  {handBatch(10, 2, 2, attrLogAppendTime, concat(one(0), one(1))), 12, 13},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := drain(testSet(t, 10, c.data, withoutGaps))
			var gap *GapError
			if !errors.As(err, &gap) || gap.Expected != c.expected || gap.Found != c.found {
				t.Fatalf("got %v, want a gap from %d to %d", err, c.expected, c.found)
			}
			if _, err := drain(testSet(t, 10, c.data)); err != nil {
				t.Fatalf("without the rule: %v", err)
			}
		})
	}
}

func TestMalformedBatchesAreRefused(t *testing.T) {
	r := func(delta int64) []byte { return handRecord(0, delta, "k", "v") }
	const ok = attrLogAppendTime
	change := func(f func([]byte)) []byte {
		b := handBatch(10, 0, 1, ok, r(0))
		f(b)
		return sealed(b)
	}
	be := binary.BigEndian
	for reason, data := range map[string][]byte{
		"1 bytes after the last record":   handBatch(10, 0, 1, ok, append(r(0), 0)),
		"does not fit":                    handBatch(10, 1, 2, ok, r(0)),
		"2 records in 1 offsets":          handBatch(10, 0, 2, ok, concat(r(0), r(1))),
		"-1 records":                      handBatch(10, 0, -1, ok, r(0)),
		"last offset delta -1":            handBatch(10, -1, 0, ok, nil),
		"base offset -5":                  handBatch(-5, 0, 1, ok, r(0)),
		"base offset 9223372036854775807": handBatch(math.MaxInt64, 0, 1, ok, r(0)),
		"offset delta 1 in a batch":       handBatch(10, 0, 1, ok, r(1)),
		"offset delta -1 in a batch":      handBatch(10, 0, 1, ok, r(-1)),
		"after offset 10":                 handBatch(10, 1, 2, ok, concat(r(0), r(0))),
		"malformed record":                handBatch(10, 0, 1, ok, handRecord(0, 0, "k", "v", 1)),
		"unknown compression codec 5":     handBatch(10, 0, 1, ok|5, r(0)),
		"decompressing":                   handBatch(10, 0, 1, ok|int16(codecGzip), r(0)),
		"append time -1":                  change(func(b []byte) { be.PutUint64(b[atMaxTimestamp:], math.MaxUint64) }),
		"is shorter than a batch header":  change(func(b []byte) { be.PutUint32(b[atLength:], 48) }),
		"magic byte 3":                    change(func(b []byte) { b[atMagic] = 3 }),
		"it follows offset 10":            concat(handBatch(10, 0, 1, ok, r(0)), handBatch(10, 0, 1, ok, r(0))),
	} {
		t.Run(reason, func(t *testing.T) {
			_, err := drain(testSet(t, 0, data))
			var corrupt *CorruptBatchError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), reason) {
				t.Fatalf("got %v, want a CorruptBatchError that says %q", err, reason)
			}
		})
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty":                    {},
		"attributes only":          {0},
		"no offset":                {0, 0},
		"no key":                   {0, 0, 0},
		"key longer than record":   {0, 0, 0, 20, 'k'},
		"key length -2":            {0, 0, 0, 3, 1, 0},
		"no value":                 {0, 0, 0, 1},
		"no header count":          {0, 0, 0, 1, 1},
		"header count -1":          {0, 0, 0, 1, 1, 1},
		"a header too many":        {0, 0, 0, 1, 1, 4, 2, 'h', 0},
		"a header too few":         {0, 0, 0, 1, 1, 2, 2, 'h', 0, 2, 'h', 0},
		"header without name":      {0, 0, 0, 1, 1, 2, 1, 0},
		"header count beyond size": {0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2, 'h', 0},
		"varint of 11 bytes":       {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 1, 1, 0},
		"varint of 65 bits":        {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			record := append(binary.AppendVarint(nil, int64(len(body))), body...)
			_, err := drain(testSet(t, 10, handBatch(10, 0, 1, attrLogAppendTime, record)))
			var corrupt *CorruptBatchError
			if !errors.As(err, &corrupt) {
				t.Fatalf("got %v, want a CorruptBatchError", err)
			}
		})
	}
}

func TestOldFormatsAreRefusedByName(t *testing.T) {
	for _, version := range []int{0, 1} {
		b := make([]byte, 40)
		binary.BigEndian.PutUint64(b, 77)
		binary.BigEndian.PutUint32(b[atLength:], 28)
		b[atMagic] = byte(version)
		_, err := drain(testSet(t, 77, b))
		var old *UnsupportedFormatError
		if !errors.As(err, &old) || old.Offset != 77 || int(old.Magic) != version {
			t.Fatalf("v%d: got %v, want an UnsupportedFormatError at offset 77", version, err)
		}
	}
}

func TestErrorStays(t *testing.T) {
	s := testSet(t, 0, concat(stamped(libraryBatch(t, 0, 0, three...)), libraryBatch(t, 3, 0, three...), stamped(libraryBatch(t, 6, 0, three...))))
	all, err := drain(s)
	if len(all) != 3 || err == nil {
		t.Fatalf("%d records, error %v; want the 3 before the batch with create time", len(all), err)
	}
	if again, err2 := drain(s); len(again) != 0 || !errors.Is(err2, err) || !errors.Is(s.Err(), err) || s.NextOffset() != 3 {
		t.Fatalf("after the error: %d records, error %v, next %d", len(again), err2, s.NextOffset())
	}
}

func TestReleasedSetGivesNothing(t *testing.T) {
	res := &Response{Sets: []*Set{testSet(t, 0, stamped(libraryBatch(t, 0, protocol.Lz4, three...)))}}
	var rec Record
	if ok, err := res.Sets[0].Next(&rec); !ok || err != nil {
		t.Fatal(ok, err)
	}
	res.Release()
	res.Release()
	if ok, err := res.Sets[0].Next(&rec); ok || err == nil {
		t.Fatalf("a released set gave %v, %v", ok, err)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	samples := make([]sample, 1000)
	for i := range samples {
		samples[i] = sample{key: fmt.Appendf(nil, "acct_%d", i), value: make([]byte, 280), headers: []protocol.Header{{Key: "h", Value: []byte("v")}}}
	}
	data := stamped(libraryBatch(t, 0, 0, samples...))
	s := testSet(t, 0, nil)
	var rec Record
	n := testing.AllocsPerRun(10, func() {
		*s = Set{rules: s.rules, data: data, first: true}
		read := 0
		for ok, err := s.Next(&rec); ok || err != nil; ok, err = s.Next(&rec) {
			if v, found := rec.Header("h"); err != nil || !found || len(v) != 1 {
				t.Fatal(err, found)
			}
			read++
		}
		if read != len(samples) {
			t.Fatalf("%d records", read)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations for 1000 records, want 0", n)
	}
}

func BenchmarkSetNext(b *testing.B) {
	samples := make([]sample, 1000)
	for i := range samples {
		samples[i] = sample{key: fmt.Appendf(nil, "acct_%08d", i), value: []byte(strings.Repeat(`{"specversion":"1.0"}`, 13))}
	}
	for _, codec := range []protocol.Attributes{0, protocol.Gzip, protocol.Snappy, protocol.Lz4, protocol.Zstd} {
		b.Run(codec.String(), func(b *testing.B) {
			data := stamped(libraryBatch(b, 0, codec, samples...))
			s := testSet(b, 0, nil)
			var rec Record
			b.ReportAllocs()
			left := 0
			for b.Loop() {
				if left == 0 {
					s.release()
					*s = Set{rules: s.rules, data: data, first: true, buffers: s.buffers}
					left = len(samples)
				}
				if ok, err := s.Next(&rec); !ok {
					b.Fatal(err)
				}
				left--
			}
		})
	}
}
