package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// gateLoad is questions at a steady rate, whatever becomes of the ones before: each is due at an instant that is fixed in
// advance, and what it takes is measured from then on. So an answer that is slow does not hide behind the questions that
// were not asked meanwhile.
type gateLoad struct {
	addr     string
	keys     []string // connections take turns
	accounts *gateAccounts
	naive    bool
	rate     int
	warmUp   time.Duration // not measured, but checked
	lasts    time.Duration // measured
	count    int           // connections
	started  func()        // called when measuring begins
}

// latencies are what a load measured.
type latencies struct {
	took   []time.Duration // sorted: from the instant at which a question was due to the whole answer
	late   []time.Duration // sorted: from then until it was sent, which is the load's own share
	sent   []time.Duration // sorted: from then to the whole answer
	errors int             // questions without an answer
	first  error           // the first of them
	span   time.Duration   // from the first instant to the last answer
}

// askTimeout bounds a question, and how long a connection is made.
const askTimeout = 10 * time.Second

// due is a question that is to be asked.
type due struct {
	number   int
	at       time.Time
	measured bool
}

// run asks, and returns the first wrong answer as an error.
func (l *gateLoad) run(ctx context.Context) (*latencies, error) {
	asking, ctx := errgroup.WithContext(ctx)
	questions := make(chan due, l.rate+1) // a second of them may wait for a connection before the pace itself waits
	each := make([]latencies, l.count)
	for i := range each {
		lane := &askLane{load: l, key: l.keys[i%len(l.keys)], found: &each[i]}
		asking.Go(func() error { return lane.run(ctx, questions) })
	}
	begun := time.Now().Add(l.warmUp)
	asking.Go(func() error {
		defer close(questions)
		return l.pace(ctx, questions)
	})
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	all := &latencies{span: time.Since(begun)}
	for i := range each {
		all.add(&each[i])
	}
	slices.Sort(all.took)
	slices.Sort(all.late)
	slices.Sort(all.sent)
	return all, nil
}

func (l *latencies) add(other *latencies) {
	l.took, l.late, l.sent = append(l.took, other.took...), append(l.late, other.late...), append(l.sent, other.sent...)
	if l.errors += other.errors; l.first == nil {
		l.first = other.first
	}
}

// pace hands each question out when it is due. It sleeps in the kernel: Go's own timers are as coarse as a millisecond where
// nothing else wakes the process.
func (l *gateLoad) pace(ctx context.Context, questions chan<- due) error {
	interval := time.Second / time.Duration(l.rate)
	begun := time.Now()
	first := int(l.warmUp / interval)
	for n := range first + int(l.lasts/interval) {
		at := begun.Add(time.Duration(n) * interval)
		if n == first && l.started != nil {
			l.started()
		}
		if early := time.Until(at); early > 0 {
			pause := syscall.NsecToTimespec(int64(early))
			_ = syscall.Nanosleep(&pause, nil) // a signal ends it early: the question is then early by microseconds
		}
		select {
		case questions <- due{n, at, n >= first}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// askLane is one connection that is kept alive: it asks one question after the other.
type askLane struct {
	load  *gateLoad
	key   string
	found *latencies

	connection net.Conn // nil while there is none
	answers    *bufio.Reader
	request    []byte // reused
}

func (a *askLane) run(ctx context.Context, questions <-chan due) error {
	defer a.hangUp()
	for d := range questions {
		q := a.load.accounts.questionOf(d.number)
		sent, body, err := a.ask(ctx, &q)
		took := time.Since(d.at)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			a.hangUp()
			if a.found.errors++; a.found.first == nil {
				a.found.first = err
			}
			continue
		case a.load.naive:
			err = q.checkNaive(body)
		default:
			err = q.check(body)
		}
		if err != nil {
			return err
		}
		if d.measured {
			late := sent.Sub(d.at)
			a.found.took, a.found.late, a.found.sent = append(a.found.took, took), append(a.found.late, late), append(a.found.sent, took-late)
		}
	}
	return nil
}

// ask asks one question and reads the whole answer.
func (a *askLane) ask(ctx context.Context, q *question) (sent time.Time, body []byte, err error) {
	if a.connection == nil {
		if err := a.dial(ctx); err != nil {
			return sent, nil, err
		}
	}
	path := q.path()
	if a.load.naive {
		path = q.naivePath()
	}
	a.request = fmt.Appendf(a.request[:0], "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, a.load.addr, a.key)
	sent = time.Now()
	if err := a.connection.SetDeadline(sent.Add(askTimeout)); err != nil {
		return sent, nil, err
	}
	if _, err := a.connection.Write(a.request); err != nil {
		return sent, nil, err
	}
	response, err := http.ReadResponse(a.answers, nil)
	if err != nil {
		return sent, nil, err
	}
	body, err = io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	switch {
	case err != nil:
		return sent, nil, err
	case response.StatusCode != http.StatusOK:
		return sent, nil, fmt.Errorf("%s: %s: %s", path, response.Status, body)
	case response.Close:
		a.hangUp()
	}
	return sent, body, nil
}

func (a *askLane) dial(ctx context.Context) (err error) {
	dialer := net.Dialer{Timeout: askTimeout}
	if a.connection, err = dialer.DialContext(ctx, "tcp", a.load.addr); err != nil {
		a.connection = nil
		return fmt.Errorf("connect to the API: %w", err)
	}
	a.answers = bufio.NewReader(a.connection)
	return nil
}

func (a *askLane) hangUp() {
	if a.connection != nil {
		_ = a.connection.Close()
		a.connection = nil
	}
}

// askAll asks once about every account, over some connections, and returns the first answer that is wrong or
// missing.
func (l *gateLoad) askAll(ctx context.Context) error {
	asking, ctx := errgroup.WithContext(ctx)
	next := make(chan int)
	asking.Go(func() error {
		defer close(next)
		for i := range l.accounts.all {
			select {
			case next <- i:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for i := range l.count {
		lane := &askLane{load: l, key: l.keys[i%len(l.keys)]}
		asking.Go(func() error {
			defer lane.hangUp()
			for i := range next {
				if err := lane.settled(ctx, &l.accounts.all[i], i%gateConnections); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return asking.Wait()
}

// settled asks about an account that has all its usage in it.
func (a *askLane) settled(ctx context.Context, account *gateAccount, connection int) error {
	q := question{account: account, connection: connection, seen: account.appended.Load()}
	_, body, err := a.ask(ctx, &q)
	if err != nil {
		return err
	}
	return q.check(body)
}
