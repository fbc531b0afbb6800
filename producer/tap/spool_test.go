package tap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawdown/producer/internal/kafkatest"
)

func numbered(from, to int64) []event {
	var events []event
	for seq := from; seq <= to; seq++ {
		events = append(events, event{seq, "acme", fmt.Appendf(nil, `{"seq":%d,"text":"a b"}`, seq)})
	}
	return events
}

func mustOpen(t testing.TB, path string) *spool {
	t.Helper()
	s, err := openSpool(path, true)
	if err != nil {
		t.Fatalf("open the spool: %v", err)
	}
	t.Cleanup(func() { s.events.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantUnsent(t testing.TB, s *spool, from, to int64) {
	t.Helper()
	events, err := s.unsent(1000)
	must(t, err)
	if fmt.Sprint(events) != fmt.Sprint(numbered(from, to)) {
		t.Fatalf("unsent %v, want %d to %d", events, from, to)
	}
}

func TestSpoolKeepsWhatIsNotAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	s := mustOpen(t, path)
	must(t, s.append(numbered(1, 3)))
	must(t, s.append(numbered(4, 5)))
	must(t, s.ack(2))
	wantUnsent(t, s, 3, 5)
	s.events.Close() // as a crash: nothing is written at the end

	s = mustOpen(t, path)
	wantUnsent(t, s, 3, 5)
	if s.state.LastSeq != 5 {
		t.Errorf("highest number %d", s.state.LastSeq)
	}
	must(t, s.ack(5))
	must(t, s.close())
	if info, err := os.Stat(path + eventsSuffix); err != nil || info.Size() != 0 {
		t.Errorf("a spool that is all acknowledged is not emptied: %v, %v", info.Size(), err)
	}

	s = mustOpen(t, path)
	wantUnsent(t, s, 1, 0)
	if s.state.LastSeq != 5 || s.state.AckedSeq != 5 {
		t.Errorf("the numbers are forgotten: %+v", s.state)
	}
}

func TestSpoolIsLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	s := mustOpen(t, path)
	if _, err := openSpool(path, true); !errors.Is(err, errBusy) {
		t.Fatalf("a second opening: %v", err)
	}
	must(t, s.close())
	mustOpen(t, path)
}

func TestSpoolAfterACrashInTheMiddleOfALine(t *testing.T) {
	whole := numbered(3, 3)[0].line()
	for torn := 1; torn < len(whole); torn++ {
		path := filepath.Join(t.TempDir(), "a")
		s := mustOpen(t, path)
		must(t, s.append(numbered(1, 2)))
		_, err := s.events.WriteAt(whole[:torn], s.size)
		must(t, err)
		s.events.Close()
		s = mustOpen(t, path)
		wantUnsent(t, s, 1, 2)
		if s.damaged != 0 || s.state.LastSeq < 2 {
			t.Fatalf("torn at %d: damaged %d, highest number %d", torn, s.damaged, s.state.LastSeq)
		}
		must(t, s.append(numbered(s.state.LastSeq+1, s.state.LastSeq+1)))
		if events, err := s.unsent(10); err != nil || len(events) != 3 {
			t.Fatalf("torn at %d: %d events, %v", torn, len(events), err)
		}
	}
}

func TestDamagedLinesAreKeptForAPerson(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	s := mustOpen(t, path)
	must(t, s.append(numbered(1, 5)))
	for _, seq := range []int{1, 4} { // lines 2 and 5
		_, err := s.events.WriteAt([]byte("X"), int64(seq*len(numbered(1, 1)[0].line())+20))
		must(t, err)
	}
	s.events.Close()
	s = mustOpen(t, path)
	events, err := s.unsent(10)
	must(t, err)
	if len(events) != 3 || s.damaged != 2 || s.state.LastSeq != 5 {
		t.Errorf("%d events, %d damaged, highest number %d: the damaged last one is used up too", len(events), s.damaged, s.state.LastSeq)
	}
	must(t, s.ack(5))
	must(t, s.close())
	if text, err := os.ReadFile(path + damagedSuffix); err != nil || strings.Count(string(text), "\n") != 5 {
		t.Errorf("the damaged file is not kept: %v", err)
	}
}

func TestSpoolIsEmptiedWhenLarge(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "a"))
	large := numbered(1, 3)
	large[2].value = []byte(strings.Repeat("x", compactBytes))
	must(t, s.append(large))
	must(t, s.ack(3))
	if s.size != 0 {
		t.Errorf("%d bytes are left", s.size)
	}
	must(t, s.append(numbered(4, 6)))
	wantUnsent(t, s, 4, 6)
}

func TestSpoolIsBounded(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "a"))
	s.size = spoolBytesMax - 10
	if err := s.append(numbered(1, 1)); !errors.Is(err, errSpoolFull) {
		t.Errorf("append beyond the bound: %v", err)
	}
}

func TestAnUnreadableStateSendsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	s := mustOpen(t, path)
	must(t, s.append(numbered(1, 4)))
	must(t, s.ack(2))
	s.events.Close()
	must(t, os.WriteFile(path+stateSuffix, []byte(`{"last_s`), 0o600))
	wantUnsent(t, mustOpen(t, path), 1, 4)
}

// Any course of appends, acknowledgements, crashes and closings: what is unsent is exactly what was
// appended and not acknowledged, and no number comes twice.
func TestSpoolUnderAnyCourse(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		s := mustOpen(t, path)
		var last, acked int64
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"append", "append", "ack", "crash", "close"}).Draw(rt, "step") {
			case "append":
				to := last + int64(rapid.IntRange(1, 3).Draw(rt, "events"))
				must(t, s.append(numbered(last+1, to)))
				last = to
			case "ack":
				acked = rapid.Int64Range(acked, last).Draw(rt, "acked")
				must(t, s.ack(acked))
			case "crash":
				s.events.Close()
				s = mustOpen(t, path)
			case "close":
				must(t, s.close())
				s = mustOpen(t, path)
			}
			wantUnsent(t, s, acked+1, last)
			if s.state.LastSeq != last {
				rt.Fatalf("highest number %d, want %d", s.state.LastSeq, last)
			}
		}
		s.events.Close()
	})
}

func FuzzSpoolLine(f *testing.F) {
	f.Add(numbered(1, 1)[0].line())
	f.Add([]byte("00000000 1 a b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if e, ok := parseLine(text); ok {
			if again, ok := parseLine([]byte(strings.TrimSuffix(string(e.line()), "\n"))); !ok || fmt.Sprint(again) != fmt.Sprint(e) {
				t.Errorf("%q reads as %v, written again as %v", text, e, again)
			}
		}
	})
}

// A disk that takes no more (here: a file that cannot be written) keeps events in memory, in
// order, and stores them once it takes them.
func TestOutboxWhileTheDiskFails(t *testing.T) {
	options := testOptions(t, "127.0.0.1:1")
	stderr := newNoted()
	o := openOutbox(options.withDefaults(), newNotes(stderr), nil)
	one := []slice{{stream: "a", records: 1, at: time.Now()}}
	o.add(one)
	writable := o.spool.events
	readOnly, err := os.Open(writable.Name())
	must(t, err)
	defer readOnly.Close()
	o.spool.events = readOnly
	o.add(one)
	o.add(one)
	if !strings.Contains(stderr.String(), "usage is kept in memory until the disk takes it; the sync goes on") {
		t.Errorf("stderr: %s", stderr)
	}
	if first := o.next(10); len(first) != 1 || first[0].seq != 1 {
		t.Fatalf("first what is stored: %v", first)
	}
	o.ack(1)
	if then := o.next(10); len(then) != 2 || then[0].seq != 2 {
		t.Fatalf("then what is in memory: %v", then)
	}
	o.ack(2) // sent from memory
	o.add(slices.Repeat(one, memoryMax))
	if !o.full() {
		t.Error("memory is not bounded")
	}
	o.spool.events = writable
	o.add(nil)
	if all, inMemory := o.waiting(); all != memoryMax+1 || inMemory != 0 || o.full() {
		t.Errorf("%d wait, %d in memory", all, inMemory)
	}
	if next := o.next(1); len(next) != 1 || next[0].seq != 3 {
		t.Errorf("next %v, want seq 3", next)
	}
	if !strings.Contains(stderr.String(), "spool works again") {
		t.Errorf("stderr: %s", stderr)
	}
	must(t, o.close())
}

// Two taps for one attempt: the second counts, and numbers only when the first has ended.
func TestASecondTapOfAnAttemptWaitsForTheFirst(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	options := testOptions(t, broker.Addr)
	first, err := options.openSpool()
	must(t, err)
	stderr := newNoted()
	result := make(chan error, 1)
	go func() {
		result <- Run(t.Context(), options, strings.NewReader(recordLine("users", 1)), new(strings.Builder), stderr)
	}()
	stderr.await(t, "usage is counted and waits for that process to end")
	must(t, first.append(numbered(1, 1)))
	must(t, first.ack(1))
	must(t, first.close())
	must(t, <-result)
	if events := readEvents(t, broker.Read(t, 1)); events[0].Data.Seq != 2 {
		t.Errorf("seq %d, the first tap used 1", events[0].Data.Seq)
	}
}

func TestDrainRemovesOldEmptySpools(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	options := testOptions(t, broker.Addr)
	options.SpoolDir = filepath.Join(options.SpoolDir, "a [b]*")
	s, err := options.openSpool()
	must(t, err)
	must(t, s.append(numbered(1, 2)))
	must(t, s.close())
	if done, err := Drain(t.Context(), options); err != nil || done != (Drained{Delivered: 2}) {
		t.Fatalf("Drain = %+v, %v", done, err)
	}
	broker.Read(t, 2)
	old := time.Now().Add(-forgetAfter - time.Hour)
	must(t, os.Chtimes(s.path+stateSuffix, old, old))
	if done, err := Drain(t.Context(), options); err != nil || done != (Drained{}) {
		t.Fatalf("Drain = %+v, %v", done, err)
	}
	if left, err := os.ReadDir(options.SpoolDir); err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

func TestDrainPassesOverSpoolsInUse(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	options := testOptions(t, broker.Addr)
	s, err := options.openSpool()
	must(t, err)
	must(t, s.append(numbered(1, 2)))
	if done, err := Drain(t.Context(), options); err != nil || done != (Drained{Busy: 1}) {
		t.Fatalf("Drain = %+v, %v", done, err)
	}
	must(t, s.close())
}
