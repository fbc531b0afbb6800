package bench

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/consumer/decode"
)

var testTime = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)

// TestEventsAreUsageAndNoneRepeatsAnother: an event that were a duplicate or malformed would be free to process.
func TestEventsAreUsageAndNoneRepeatsAnother(t *testing.T) {
	const events, accounts, size = 3000, 20, 320
	w := newWorkload(events, accounts, size, testTime)
	seen := map[string]bool{}
	var decoder decode.Decoder
	for i := range events {
		u := w.usage(i)
		value := u.Event(w.source)
		var rec drawdown.Record
		decoder.Decode(value, drawdown.TimeOf(testTime), &rec)
		if rec.Reject != "" || rec.Type != drawdown.SyncUsage {
			t.Fatalf("event %d is rejected as %q: %s", i, rec.Reject, value)
		}
		if len(value) < size-10 || len(value) > size+10 {
			t.Errorf("event %d has %d bytes, expected about %d", i, len(value), size)
		}
		if seen[u.ID()] {
			t.Fatalf("event %d repeats %s", i, u.ID())
		}
		seen[u.ID()] = true
	}
}

// TestSequencesHaveNoGaps: a gap would be remembered by the account, which no well-behaved sync causes.
func TestSequencesHaveNoGaps(t *testing.T) {
	w := newWorkload(3000, 7, 320, testTime)
	type sync struct {
		connection string
		job        int64
	}
	highest := map[sync]int64{}
	for i := range 3000 {
		u := w.usage(i)
		key := sync{u.Connection, u.Job}
		if u.Seq != highest[key]+1 {
			t.Fatalf("event %d of %v has seq %d after %d", i, key, u.Seq, highest[key])
		}
		highest[key] = u.Seq
	}
}

func TestExpectationByHand(t *testing.T) {
	// Two accounts, twelve events: each account has two events on its first connection and one on each of the others.
	w := newWorkload(12, 2, 320, testTime)
	first := w.expected[0][0] // hubspot, 6 credits for a million records
	if want := (connectionTotal{events: 2, quantity: (800) + (810), rate: api}); first != want {
		t.Errorf("first connection: %+v, expected %+v", first, want)
	}
	if want := drawdown.Credits(1610 * 6_000_000_000 / 1_000_000); first.credits() != want {
		t.Errorf("it costs %v, expected %v", first.credits(), want)
	}
	second := w.expected[0][1] // postgres, 4 credits for 10^9 bytes
	if want := (connectionTotal{events: 1, quantity: 802 * 250, rate: database}); second != want {
		t.Errorf("second connection: %+v, expected %+v", second, want)
	}
	if w.chargedAll() != w.charged(0)+w.charged(1) {
		t.Errorf("all: %v, expected %v + %v", w.chargedAll(), w.charged(0), w.charged(1))
	}
	if got, want := w.grant(0), w.charged(0)/2; got != want || w.poor() != 1 {
		t.Errorf("the first account is granted %v and %d accounts run out, expected %v and 1", got, w.poor(), want)
	}
}

func TestFaultsAreReportedAtOnce(t *testing.T) {
	o := Default()
	if err := o.Validate(); err != nil {
		t.Fatalf("the default: %v", err)
	}
	o.Events, o.Partitions, o.EventBytes = 0, -1, 10
	err := o.Validate()
	for _, name := range []string{"events", "partitions", "event-bytes"} {
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
}

func TestBaselineTakesTheFirstEventsOfEachPartition(t *testing.T) {
	spans := spansOf([]int64{10, 10, 10}, []int64{12, 110, 110}, 101)
	want := []span{{0, 10, 2}, {1, 10, 49}, {2, 10, 50}}
	for i := range want {
		if len(spans) != len(want) || spans[i] != want[i] {
			t.Fatalf("spans %v, expected %v", spans, want)
		}
	}
	shares := sharesOf(spans, 2)
	if len(shares) != 2 || len(shares[0]) != 2 || len(shares[1]) != 1 {
		t.Errorf("shares %v", shares)
	}
	if alone := sharesOf(spans, 8); len(alone) != 3 {
		t.Errorf("%d consumers for 3 partitions", len(alone))
	}
}

func TestTheLastLineIsTheResult(t *testing.T) {
	rate, ratio := 1000.0, 12.5
	r := Result{EventsPerSecond: 12_500, CPUPerEvent: 1.5, AllocsPerEvent: 0.1, BaselineEventsPerSecond: &rate, Ratio: &ratio,
		BaselineCPUPerEvent: &rate, Events: 1_000_000, RedisSeconds: 60, SinkSeconds: 80, Drift: "0"}
	for _, onlyJSON := range []bool{false, true} {
		var out bytes.Buffer
		if err := show(&out, &r, onlyJSON); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if onlyJSON != (len(lines) == 1) {
			t.Errorf("only JSON %v, %d lines", onlyJSON, len(lines))
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &members); err != nil {
			t.Fatalf("%v: %s", err, lines[len(lines)-1])
		}
		for name, want := range map[string]any{"events_per_second": 12_500.0, "cpu_us_per_event": 1.5, "allocs_per_event": 0.1,
			"baseline_events_per_second": 1000.0, "ratio": 12.5, "drift": "0"} {
			if members[name] != want {
				t.Errorf("%s is %v, expected %v", name, members[name], want)
			}
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %q, expected %q", n, got, want)
		}
	}
}
