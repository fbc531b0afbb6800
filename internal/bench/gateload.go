package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// gateLoad is questions at a steady rate, whatever becomes of the ones before: each is due at an instant that is fixed in
// advance, and what it takes is measured from then on. So an answer that is slow does not hide behind the questions that
// were not asked meanwhile.
type gateLoad struct {
	addr     string   // host:port of the API
	keys     []string // connections take turns
	accounts *gateAccounts
	asking   subject
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

func (l *latencies) add(due, sent, answered time.Time) {
	l.took, l.late, l.sent = append(l.took, answered.Sub(due)), append(l.late, sent.Sub(due)), append(l.sent, answered.Sub(sent))
}

func (l *latencies) fail(err error) {
	if l.errors++; l.first == nil {
		l.first = err
	}
}

func (l *latencies) sort() {
	slices.Sort(l.took)
	slices.Sort(l.late)
	slices.Sort(l.sent)
}

// askTimeout bounds a question, and how long a connection is made.
const askTimeout = 10 * time.Second

// subject is what is asked.
type subject int

const (
	askGate    subject = iota
	askBalance         // the naive way: the whole balance
	askEmpty           // an empty handler
)

// path is where a question is asked.
func (l *gateLoad) path(q *question) string {
	if l.asking == askBalance {
		return q.naivePath()
	}
	return q.path()
}

// check returns what is wrong with an answer.
func (l *gateLoad) check(q *question, body []byte) error {
	switch l.asking {
	case askBalance:
		return q.checkNaive(body)
	case askEmpty:
		return nil
	default:
		return q.check(body)
	}
}

// askOne asks one question, outside any measurement, and returns what is wrong with the answer.
func (l *gateLoad) askOne(ctx context.Context, client *http.Client, key string, q *question) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.addr+l.path(q), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", l.path(q), response.Status, body)
	}
	return l.check(q, body)
}

// askAll asks once about every account, with all its usage in it, over some connections, and returns the first answer that
// is wrong or missing.
func (l *gateLoad) askAll(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.count}}
	defer client.CloseIdleConnections()
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(l.count)
	for i := range l.accounts.all {
		account := &l.accounts.all[i]
		q := question{account: account, connection: i % gateConnections, seen: account.appended.Load()}
		asking.Go(func() error { return l.askOne(ctx, client, l.keys[i%len(l.keys)], &q) })
	}
	return asking.Wait()
}
