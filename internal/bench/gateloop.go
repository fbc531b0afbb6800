package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// gateLoop asks the questions of a load, on one thread that sleeps in one place: until the next question is due, or an
// answer has come. Goroutines, one for each connection, would take twice the processor time, and the processors are those
// of the gate.
type gateLoop struct {
	load     *gateLoad
	found    latencies
	begun    time.Time
	interval time.Duration
	next     int // the question that is due next
	first    int // the first that is measured
	end      int // behind the last

	idle, waiting []*gateLane // all lanes are in one of them
	polled        []unix.PollFd
}

// watchInterval is how often at least is looked whether the load is to end, or an answer does not come.
const watchInterval = 100 * time.Millisecond

// run asks, and returns the first wrong answer as an error.
func (l *gateLoad) run(ctx context.Context) (*latencies, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	interval := time.Second / time.Duration(l.rate)
	first := int(l.warmUp / interval)
	loop := &gateLoop{load: l, begun: time.Now(), interval: interval, first: first, end: first + int(l.lasts/interval)}
	for i := range l.count {
		loop.idle = append(loop.idle, newGateLane(l, l.keys[i%len(l.keys)]))
	}
	defer loop.hangUp()
	for loop.next < loop.end || len(loop.waiting) > 0 {
		loop.askDue(ctx)
		if err := errors.Join(loop.sleep(), loop.takeAnswers()); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	loop.found.span = time.Since(loop.due(first))
	loop.found.sort()
	return &loop.found, nil
}

// due is when a question is.
func (l *gateLoop) due(question int) time.Time {
	return l.begun.Add(time.Duration(question) * l.interval)
}

// askDue asks every question that is due, as far as there are connections.
func (l *gateLoop) askDue(ctx context.Context) {
	for ; l.next < l.end && len(l.idle) > 0; l.next++ {
		due := l.due(l.next)
		if time.Until(due) > 0 {
			return
		}
		if l.next == l.first && l.load.started != nil {
			l.load.started()
		}
		lane := l.idle[len(l.idle)-1]
		if err := lane.ask(ctx, l.load.accounts.questionOf(l.next), due, l.next >= l.first); err != nil {
			l.found.fail(err)
			lane.hangUp()
			continue
		}
		l.idle, l.waiting = l.idle[:len(l.idle)-1], append(l.waiting, lane)
	}
}

// sleep sleeps until the next question is due or a lane may have its answer.
func (l *gateLoop) sleep() error {
	pause := watchInterval
	if l.next < l.end && len(l.idle) > 0 {
		pause = max(0, min(pause, time.Until(l.due(l.next))))
	}
	l.polled = l.polled[:0]
	for _, lane := range l.waiting {
		l.polled = append(l.polled, unix.PollFd{Fd: int32(lane.socket), Events: unix.POLLIN})
	}
	timeout := unix.NsecToTimespec(int64(pause))
	if _, err := unix.Ppoll(l.polled, &timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for answers: %w", err)
	}
	return nil
}

// takeAnswers takes what has come, and returns the first answer that is wrong.
func (l *gateLoop) takeAnswers() error {
	still := l.waiting[:0]
	for i, lane := range l.waiting {
		come := l.polled[i].Revents != 0
		if !come && time.Since(lane.sent) < askTimeout {
			still = append(still, lane)
			continue
		}
		whole, err := lane.receive(&l.found)
		var wrong *WrongAnswerError
		switch {
		case errors.As(err, &wrong):
			return err
		case err != nil:
			l.found.fail(err)
			lane.hangUp()
		case !whole:
			still = append(still, lane)
			continue
		}
		l.idle = append(l.idle, lane)
	}
	l.waiting = still
	return nil
}

func (l *gateLoop) hangUp() {
	for _, lane := range append(l.idle, l.waiting...) {
		lane.hangUp()
	}
}
