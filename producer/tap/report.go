package tap

import (
	"context"
	"sync"
	"time"
)

// storeAgain is how often events that the disk did not take are tried again.
const storeAgain = time.Second

// reporter turns what the meter counts into numbered events and brings them to Kafka. All of it
// runs beside the pipe: whatever is slow here makes fewer, larger events, nothing else.
type reporter struct {
	options Options
	meter   *meter
	notes   *notes
	stop    chan struct{}   // closed when the pipe has ended
	stopped chan struct{}   // closed when everything is delivered or given up
	ctx     context.Context // ends the deliveries under way
	cancel  context.CancelFunc
	// outbox is nil until the attempt's spool is open; read it after stopped only.
	outbox *outbox
}

func startReporter(options Options, meter *meter, notes *notes) *reporter {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reporter{
		options: options, meter: meter, notes: notes, ctx: ctx, cancel: cancel,
		stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go r.run()
	return r
}

func (r *reporter) run() {
	defer close(r.stopped)
	var group sync.WaitGroup
	defer group.Wait()
	// Our own spool first: what an earlier run left in it is part of it.
	if r.outbox = openOutbox(r.options, r.notes, r.ctx.Done()); r.outbox == nil {
		return
	}
	group.Go(func() { r.sendLeftBehind() })
	finished := make(chan struct{})
	sender := &sender{config: r.options.producerConfig(), outbox: r.outbox, notes: r.notes}
	group.Go(func() { sender.run(r.ctx, finished) })
	r.collect()
	close(finished)
}

// collect moves slices into the outbox until the pipe has ended.
func (r *reporter) collect() {
	interval := time.NewTicker(r.options.Interval)
	defer interval.Stop()
	again := time.NewTicker(storeAgain)
	defer again.Stop()
	for {
		select {
		case <-r.meter.ready:
		case <-interval.C:
			r.meter.sliceAll()
		case <-again.C:
		case <-r.stop:
			// More slices may be due than the meter holds at a time.
			for r.meter.sliceAll(); ; r.meter.sliceAll() {
				slices := r.meter.take()
				if len(slices) == 0 {
					return
				}
				r.outbox.add(slices)
			}
		}
		if !r.outbox.full() {
			r.outbox.add(r.meter.take())
		} else {
			r.outbox.add(nil) // tries the disk again
		}
	}
}

// sendLeftBehind brings what earlier runs left in the folder, for as long as this run lasts.
func (r *reporter) sendLeftBehind() {
	for r.ctx.Err() == nil {
		report, err := Drain(r.ctx, r.options)
		if report.Delivered > 0 {
			r.notes.print("sent %d usage events that earlier runs had left", report.Delivered)
		}
		select {
		case <-r.stop:
			return
		default:
		}
		if err == nil {
			return
		}
		pause(r.ctx, retryPause)
	}
}

// finish ends reporting: everything counted is numbered and stored, and then delivered within
// FinishTimeout. It tells what is not delivered; it does not wait for a disk that hangs.
func (r *reporter) finish() {
	close(r.stop)
	if !r.wait(r.options.FinishTimeout) {
		r.cancel()
		if !r.wait(time.Second) {
			r.notes.print("the spool in %s does not answer; usage counted since may be lost", r.options.SpoolDir)
			return
		}
	}
	r.cancel()
	r.tellTheEnd()
}

func (r *reporter) wait(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.stopped:
		return true
	case <-timer.C:
		return false
	}
}

func (r *reporter) tellTheEnd() {
	if records := r.meter.unreported(); records > 0 {
		r.notes.print("usage lost: %d records passed and could not be numbered", records)
	}
	if r.outbox == nil {
		return
	}
	err := r.outbox.close()
	all, inMemory := r.outbox.waiting()
	if stored := all - inMemory; stored > 0 {
		r.notes.print("%d usage events are not in Kafka yet and stay in %s; the next tap, or `drawdown tap flush`, sends them", stored, r.options.SpoolDir)
	}
	if inMemory > 0 {
		r.notes.print("usage lost: %d events could neither be sent nor stored", inMemory)
	}
	if err != nil {
		r.notes.print("close the spool: %v", err)
	}
}
