package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
)

// stopsWith runs a worker on the world until its partition has stopped, and checks why.
func stopsWith[E error](t *testing.T, w *world, worker *Worker, says ...string) E {
	t.Helper()
	stop := run(t, worker)
	defer stop()
	time.Sleep(time.Minute)
	err := worker.Ready()
	var want E
	if !errors.As(err, &want) {
		t.Fatalf("ready: %v, want a %T", err, want)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error lacks %q: %v", text, err)
		}
	}
	return want
}

func TestRefusesToBeginWhereTheStoreHasLostThePartition(t *testing.T) {
	for _, c := range []struct {
		progress string
		prepare  func(*world)
		offset   int64
		says     string
	}{
		{"a charge was published", func(w *world) { w.outputs[w.cfg.ChargesTopic] = make([]message, 3) }, -1, "3 records were published to topic drawdown.charges"},
		{"a ledger entry was published", func(w *world) { w.outputs[w.cfg.LedgerTopic] = make([]message, 1) }, -1, "drawdown.ledger"},
		{"a record was rejected", func(w *world) { w.outputs[w.cfg.RejectedTopic] = make([]message, 1) }, 0, "drawdown.rejected"},
		{"the group stands behind records", func(*world) {}, 17, "the consumer group stands at offset 17"},
	} {
		t.Run(c.progress, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.append(usage("a", 1, 1))
				c.prepare(w)
				worker := w.worker(nil)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					worker.serve(ctx, []assignment{{partition: 0, offset: c.offset}}, func(map[int32]int64) error { return nil })
				}()
				time.Sleep(time.Minute)
				var missing *MissingPositionError
				if err := worker.Ready(); !errors.As(err, &missing) || !strings.Contains(err.Error(), c.says) ||
					!strings.Contains(err.Error(), "drawdown partitions rebuild --partition 0") {
					t.Errorf("ready: %v", err)
				}
				if position, _ := w.store.Position(ctx, 0); position.Exists {
					t.Error("the partition was claimed")
				}
				cancel()
				<-ended
			})
		})
	}
}

func TestBeginsAnEmptyPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		worker := w.worker(nil)
		stop := run(t, worker)
		w.caughtUp(worker)
		if err := worker.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
		stop()
		if err := worker.Ready(); err == nil {
			t.Error("a worker that has ended says that it is ready")
		}
		w.check()
	})
}

func TestRefusesTopicsThatWouldCostMoney(t *testing.T) {
	for _, c := range []struct {
		fault   string
		prepare func(*world)
		check   func(*testing.T, *world, *Worker)
	}{
		{"another number of partitions than recorded", func(w *world) { _, _ = w.store.RecordPartitions(t.Context(), 4) },
			func(t *testing.T, w *world, worker *Worker) {
				stopsWith[*PartitionCountError](t, w, worker, "has 1 partitions, recorded are 4")
			}},
		{"an output topic with another number", func(w *world) { w.topics.Partitions[w.cfg.LedgerTopic] = 2 },
			func(t *testing.T, w *world, worker *Worker) {
				stopsWith[*PartitionCountError](t, w, worker, "topic drawdown.ledger has 2 partitions, topic drawdown.metering has 1")
				if recorded, _ := w.store.RecordPartitions(t.Context(), 9); recorded != 9 {
					t.Errorf("%d partitions were recorded although topics differ", recorded)
				}
			}},
		{"producers' time", func(w *world) { w.topics.TimestampType = "CreateTime" },
			func(t *testing.T, w *world, worker *Worker) {
				stopsWith[*TimestampTypeError](t, w, worker, "message.timestamp.type=CreateTime")
			}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c.prepare(w)
				c.check(t, w, w.worker(nil))
				if position, _ := w.store.Position(t.Context(), 0); position.Exists {
					t.Error("the partition was claimed")
				}
			})
		})
	}
}

func TestCreateTimeIsAcceptedWhereAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.topics.TimestampType, w.cfg.AllowCreateTime = "CreateTime", true
		w.append(usage("a", 1, 1))
		worker := w.worker(nil)
		stop := run(t, worker)
		w.caughtUp(worker)
		stop()
	})
}

func TestClockGuardStopsBeforeTheRecordAndCommitsWhatPrecedesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1), usage("a", 2, 1), usage("a", 4, 1), usage("b", 8, 1))
		w.records[2].AppendTime += (w.cfg.ClockAheadMax + time.Second).Milliseconds() + time.Hour.Milliseconds()
		worker := w.worker(nil)
		guard := stopsWith[*ClockError](t, w, worker, "offset 2 of partition 0", "clock_ahead_max")
		if guard.Offset != 2 {
			t.Errorf("stopped at offset %d", guard.Offset)
		}
		position, _ := w.store.Position(t.Context(), 0)
		if position.Next != 2 {
			t.Errorf("the store stands at offset %d, want 2: what precedes the record", position.Next)
		}
		if position.Clock > drawdown.TimeOf(time.Now()) {
			t.Errorf("the partition's clock was moved to %v", position.Clock)
		}
		// When the time has come a new start goes on.
		time.Sleep(2 * time.Hour)
		again := w.worker(nil)
		stop := run(t, again)
		w.caughtUp(again)
		stop()
		w.check()
	})
}

func TestClockGuardToleratesSomeMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		w.records[0].AppendTime += w.cfg.ClockAheadMax.Milliseconds()
		worker := w.worker(nil)
		stop := run(t, worker)
		w.caughtUp(worker)
		stop()
	})
}

func TestOutOfRangeStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		w.earliest = 1
		stopsWith[*fetch.OutOfRangeError](t, w, w.worker(nil), "offset 0")
	})
}

func TestStateThatCantBeReadStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		worker := w.worker(nil)
		worker.deps.NewMachine = func(int32) machine {
			m := newToyMachine()
			m.broken = errors.New("state version 9 is newer than this program")
			return m
		}
		stopsWith[*StateError](t, w, worker, "account a of partition 0", "state version 9")
		if len(w.outputs[w.cfg.ChargesTopic]) != 0 {
			t.Error("something was published")
		}
	})
}

func TestDivergenceStopsAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		worker := w.worker(nil)
		stop := run(t, worker)
		w.caughtUp(worker)
		// Somebody else writes the account, under the worker's own epoch and without moving the position's account.
		position, _ := w.store.Position(t.Context(), 0)
		outcome, err := w.store.Commit(t.Context(), &balance.Commit{
			Epoch: position.Epoch, Expected: 1, Next: 2, Clock: position.Clock,
		})
		if err != nil || outcome.Kind != balance.Applied {
			t.Fatal(outcome, err)
		}
		w.append(usage("a", 2, 1), usage("a", 3, 1))
		time.Sleep(time.Minute)
		var diverged *DivergedError
		if err := worker.Ready(); !errors.As(err, &diverged) || !strings.Contains(err.Error(), "drawdown partitions rebuild") {
			t.Errorf("ready: %v", err)
		}
		if state := State(worker.owned[0].gauge.state.Load()); state != Diverged {
			t.Errorf("state %v", state)
		}
		if after, _ := w.store.Position(t.Context(), 0); after.Next != 2 {
			t.Errorf("the store was moved to %d", after.Next)
		}
		if got := testutil.ToFloat64(worker.metrics.commits.WithLabelValues("diverged")); got != 1 {
			t.Errorf("%v commits diverged", got)
		}
		stop()
	})
}

func TestFencedOwnerLetsGoQuietly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		first := w.worker(nil)
		stopFirst := run(t, first)
		w.caughtUp(first)
		second := w.worker(nil)
		stopSecond := run(t, second)
		time.Sleep(time.Second)
		for i := range 20 {
			w.append(usage(fmt.Sprint("a", i), 1, 1))
		}
		w.caughtUp(second)
		time.Sleep(time.Second)
		var fenced *FencedError
		if err := first.Ready(); !errors.As(err, &fenced) {
			t.Errorf("the first owner: %v", err)
		}
		if err := second.Ready(); err != nil {
			t.Errorf("the second owner: %v", err)
		}
		stopFirst()
		stopSecond()
		w.check()
	})
}

func TestDrainCommitsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 30 {
			w.append(usage("a", i, 1))
		}
		// Publishing takes a while: the worker is told to stop in the middle of it.
		worker := w.worker(func(call string, after bool) error {
			if call == "publish" && !after {
				time.Sleep(3 * time.Second)
			}
			return nil
		})
		stop := run(t, worker)
		time.Sleep(2 * time.Second)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > w.cfg.DrainTimeout {
			t.Errorf("the drain took %v", took)
		}
		position, _ := w.store.Position(context.Background(), 0)
		if position.Next == 0 {
			t.Error("nothing was committed")
		}
		for key := range w.effects() {
			if key.offset >= position.Next {
				t.Errorf("%+v is published, the store stands at %d", key, position.Next)
			}
		}
	})
}

func TestDrainGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		worker := w.worker(func(call string, _ bool) error {
			if call == "commit" {
				return errAway
			}
			return nil
		})
		stop := run(t, worker)
		time.Sleep(time.Minute)
		if err := worker.Ready(); !errors.Is(err, errServerAway) || !errors.Is(err, errAway) {
			t.Errorf("ready while the store is away: %v", err)
		}
		begun := time.Now()
		stop()
		if took := time.Since(begun); took > w.cfg.DrainTimeout+time.Second {
			t.Errorf("the drain took %v", took)
		}
	})
}

func TestServersThatAreAwayAtStartAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1))
		back := time.Now().Add(2 * time.Minute)
		worker := w.worker(func(string, bool) error {
			if time.Now().Before(back) {
				return errAway
			}
			return nil
		})
		stop := run(t, worker)
		w.caughtUp(worker)
		if late := time.Since(back); late > w.cfg.RetryPauseMax*8 {
			t.Errorf("caught up %v after the servers came back", late)
		}
		stop()
	})
}

// TestOffsetsAreTold looks at what Kafka is told for lag displays.
func TestOffsetsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 1), usage("a", 1, 1))
		worker := w.worker(nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		var told []int64
		failures := 1
		go func() {
			defer close(ended)
			worker.serve(ctx, []assignment{{partition: 0, offset: -1}}, func(offsets map[int32]int64) error {
				if failures--; failures >= 0 {
					return errAway
				}
				told = append(told, offsets[0])
				return nil
			})
		}()
		w.caughtUp(worker)
		time.Sleep(5 * time.Second)
		w.append(usage("a", 1, 1))
		w.caughtUp(worker)
		cancel()
		<-ended
		if fmt.Sprint(told) != "[2 3]" {
			t.Errorf("told %v", told)
		}
	})
}
