//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/internal/servers"
)

const (
	schedulers = 200
	// raceCredits is about a third of what they all ask for.
	raceCredits = 700
	// quarter is the unit of what a scheduler asks for, of which it asks for up to 80.
	quarter    = drawdown.Credit / 4
	quarterMax = 80
)

// conduct is what a scheduler does.
type conduct int

const (
	keeps     conduct = iota // its hold
	releases                 // its hold
	uses                     // its hold, all or a part: the sync reports usage
	cutsShort                // breaks the connection off before the answer, and asks again
	conducts
)

// scheduler wants to start one sync.
type scheduler struct {
	race    *race
	job     int
	amount  drawdown.Credits
	conduct conduct
	used    int // records, each of creditsPerRecord

	held    bool
	refusal string // why not
	err     error
}

// race is many schedulers that want the same credits.
type race struct {
	*storefront
	key     string // of the schedulers
	expires string
}

// TestSchedulersRaceForTheLastCredits: however many ask at once, over HTTP, with answers lost on the way, no more is held
// than there is, and what each was told is what stands in the ledger.
func TestSchedulersRaceForTheLastCredits(t *testing.T) {
	r := openRace(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	all := r.schedulers(rand.New(rand.NewPCG(seed, 0)))
	r.run(all)
	r.holdTheRest()
	r.must(r.api.stop())
	r.must(r.worker.stop())
	m := r.settle()
	r.check(m)
	lines := r.history()
	r.checkOrder(lines)
	r.checkAnswers(all, lines)
}

func openRace(t *testing.T) *race {
	t.Helper()
	r := &race{storefront: &storefront{}, expires: time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	r.installation = install(t, needs{Partitions: 2, Further: r.furnish})
	r.publishExamples()
	r.openAccount("race", "airbyte-cloud", raceCredits)
	r.operator = r.firstKey()
	r.worker, r.api = r.start("worker"), r.start("api")
	r.worker.awaitReady()
	r.api.awaitReady()
	var issued struct{ Secret string }
	r.tell(http.MethodPost, "/keys", map[string]any{"name": "schedulers", "role": "worker"}, &issued)
	r.key = issued.Secret
	r.secret("the schedulers' API key", r.key)
	r.awaitWorkedOff()
	return r
}

// furnish is an API without reports, for which all of these are one caller.
func (r *race) furnish(in *installation, all settings) {
	in.t.Helper()
	addr, err := servers.FreeAddr()
	in.must(err)
	r.base = "http://" + addr
	name, sessions := all["worker.group"].(string), randomText(32)
	in.secret("the key of sessions", sessions)
	all["clickhouse.dsn"] = "http://127.0.0.1:1/none"
	all["api"] = map[string]any{
		"addr": addr, "requests_per_second": 10_000, "requests_burst": 10_000,
		"access": map[string]any{"keys_topic": name + ".access", "audit_topic": name + ".audit", "session_keys": sessions},
	}
}

func (r *race) schedulers(random *rand.Rand) []*scheduler {
	all := make([]*scheduler, schedulers)
	for i := range all {
		s := &scheduler{race: r, job: i, amount: drawdown.Credits(1+random.IntN(quarterMax)) * quarter, conduct: conduct(i) % conducts}
		s.used = 1 + random.IntN(int(s.amount/creditsPerRecord))
		all[i] = s
	}
	return all
}

// run lets them all go at once.
func (r *race) run(all []*scheduler) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	begin := make(chan struct{})
	var running sync.WaitGroup
	for _, s := range all {
		running.Go(func() {
			<-begin
			s.err = s.run(ctx)
		})
	}
	close(begin)
	running.Wait()
	count := map[string]int{}
	for _, s := range all {
		if s.err != nil {
			r.t.Fatalf("scheduler %d: %v", s.job, s.err)
		}
		if s.held {
			count["held"]++
		} else {
			count[s.refusal]++
		}
	}
	r.t.Logf("of %d schedulers: %v", len(all), count)
	if count["held"] == 0 || count["insufficient_credits"] == 0 || len(count) != 2 {
		r.t.Errorf("expected that some hold credits, and that others are refused for want of credits and for nothing else: %v", count)
	}
}

func (s *scheduler) connection() string { return fmt.Sprintf("c-%d", s.job%7) }

func (s *scheduler) run(ctx context.Context) error {
	if s.conduct == cutsShort {
		if err := s.cutShort(ctx); err != nil {
			return err
		}
	}
	hold, err := s.place(ctx)
	if err != nil || !s.held {
		return err
	}
	switch s.conduct {
	case releases:
		return s.release(ctx, hold)
	case uses:
		return s.use(ctx)
	default:
		return nil
	}
}

func (s *scheduler) wanted() []byte {
	return fmt.Appendf(nil, `{"connection":%q,"job":%d,"amount":%q,"expires_at":%q}`, s.connection(), s.job, s.amount.String(), s.race.expires)
}

// idempotency is the key with which it asks for the same thing, however often.
func (s *scheduler) idempotency() string { return fmt.Sprintf("scheduler-%d", s.job) }

// place asks for the hold until it knows what became of it.
func (s *scheduler) place(ctx context.Context) (hold string, err error) {
	for {
		status, location, body, err := s.send(ctx, http.MethodPost, "/accounts/race/holds", "application/json", s.idempotency(), s.wanted())
		if err != nil {
			return "", err
		}
		var problem struct{ Reason string }
		if status >= http.StatusBadRequest {
			if err := json.Unmarshal(body, &problem); err != nil {
				return "", fmt.Errorf("%d %s: %w", status, body, err)
			}
		}
		switch {
		case status == http.StatusCreated:
			s.held = true
			return location[strings.LastIndexByte(location, '/')+1:], nil
		case status == http.StatusAccepted, problem.Reason == "in_progress": // it is not known yet
			if err := pauseBriefly(ctx); err != nil {
				return "", err
			}
		case status == http.StatusConflict:
			s.refusal = problem.Reason
			return "", nil
		default:
			return "", fmt.Errorf("place: %d %s", status, body)
		}
	}
}

// pauseBriefly is what the API asks of a client that is to come again.
func pauseBriefly(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(probeInterval):
		return nil
	}
}

// cutShort asks for the hold and breaks the connection off. Whether the API has read it all by then is left to chance.
func (s *scheduler) cutShort(ctx context.Context) error {
	address := strings.TrimPrefix(s.race.base, "http://")
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.race.base+"/v1/accounts/race/holds", bytes.NewReader(s.wanted()))
	if err != nil {
		return errors.Join(err, connection.Close())
	}
	s.head(request, "application/json", s.idempotency())
	writer := bufio.NewWriter(connection)
	return errors.Join(request.Write(writer), writer.Flush(), connection.Close())
}

func (s *scheduler) head(request *http.Request, contentType, idempotency string) {
	request.Header.Set("Authorization", "Bearer "+s.race.key)
	request.Header.Set("Prefer", "wait=5")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if idempotency != "" {
		request.Header.Set("Idempotency-Key", idempotency)
	}
}

func (s *scheduler) release(ctx context.Context, hold string) error {
	for {
		status, _, body, err := s.send(ctx, http.MethodDelete, "/accounts/race/holds/"+hold, "", s.idempotency()+"-release", nil)
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			return nil
		case status != http.StatusAccepted:
			return fmt.Errorf("release: %d %s", status, body)
		}
		if err := pauseBriefly(ctx); err != nil {
			return err
		}
	}
}

// use reports what the sync did, which draws from its hold.
func (s *scheduler) use(ctx context.Context) error {
	event := fmt.Appendf(nil, `{"specversion":"1.0","id":"event-%d","source":"race","type":"sync.usage","subject":"race","time":%q,"data":`+
		`{"connection":%q,"source_connector":"source-faker","destination_connector":"destination-postgres","job":%d,"attempt":0,"seq":1,"records":%d}}`,
		s.job, time.Now().UTC().Format(time.RFC3339Nano), s.connection(), s.job, s.used)
	status, _, body, err := s.send(ctx, http.MethodPost, "/events", "application/cloudevents+json", "", event)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("report usage: %d %s", status, body)
	}
	return err
}

func (s *scheduler) send(ctx context.Context, method, path, contentType, idempotency string, body []byte) (status int, location string, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.race.base+"/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, err
	}
	s.head(request, contentType, idempotency)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Location"), answer, err
}

// holdTheRest takes what is left for one more sync: then no other may start, since all credits are held, although there are
// some.
func (r *race) holdTheRest() {
	r.t.Helper()
	r.awaitWorkedOff()
	var balance struct{ Available, Held, Status string }
	status, answer := r.ask(r.t.Context(), http.MethodGet, "/accounts/race/balance", r.operator, nil)
	r.must(json.Unmarshal(answer, &balance))
	if status != http.StatusOK || balance.Status != "active" || balance.Held == "0" {
		r.t.Fatalf("at the end of the race: %d %s", status, answer)
	}
	if balance.Available != "0" {
		r.tell(http.MethodPost, "/accounts/race/holds", map[string]any{
			"hold": "rest", "connection": "rest", "job": schedulers, "amount": balance.Available, "expires_at": r.expires,
		}, nil)
	}
	for query, want := range map[string]string{
		"connection=c-0": `{"allowed":false,"reason":"held","status":"active","available":"0"`,
		fmt.Sprintf("connection=c-0&job=%d", schedulers+1):  `{"allowed":false,"reason":"held","status":"active","available":"0"`,
		fmt.Sprintf("connection=rest&job=%d", schedulers):   `{"allowed":true,"reason":"hold","status":"active","available":"0"`,
		fmt.Sprintf("connection=rest&job=%d", schedulers+1): `{"allowed":false,"reason":"held","status":"active","available":"0"`,
	} {
		if strings.Contains(want, `"hold"`) && balance.Available == "0" {
			continue
		}
		status, answer := r.ask(r.t.Context(), http.MethodGet, "/accounts/race/gate?"+query, r.key, nil)
		if status != http.StatusOK || !strings.HasPrefix(string(answer), want) {
			r.t.Errorf("the gate, asked %s: %d %s, expected %s…", query, status, answer, want)
		}
	}
}

// raceLine is a published line, with the members that matter here.
type raceLine struct {
	at                  place
	Type, Account, Hold string
	Connection          string
	Job                 int
	Amount, Credits     string
}

// sync names a connection's job.
func (l *raceLine) sync() string { return fmt.Sprintf("%s/%d", l.Connection, l.Job) }

// history is what was published of the account, in the order of the log.
func (r *race) history() (lines []raceLine) {
	r.t.Helper()
	published := r.published()
	for _, at := range slices.SortedFunc(maps.Keys(published), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.n, b.n))
	}) {
		one := raceLine{at: at}
		r.must(json.Unmarshal([]byte(published[at]), &one))
		if one.Account == "race" {
			lines = append(lines, one)
		}
	}
	return lines
}

func (r *race) credits(text string) drawdown.Credits {
	r.t.Helper()
	c, ok := drawdown.ParseCredits([]byte(text))
	if !ok {
		r.t.Fatalf("%q is no amount of credits", text)
	}
	return c
}

// checkOrder adds up what was held at each moment, from the published lines alone: never more than there was.
func (r *race) checkOrder(lines []raceLine) {
	r.t.Helper()
	balance, held := drawdown.Credits(0), drawdown.Credits(0)
	open := map[string]drawdown.Credits{} // what is left of each hold
	syncs := map[string]string{}          // the hold of each sync
	for i := range lines {
		switch l := &lines[i]; l.Type {
		case "grant.added":
			balance += r.credits(l.Amount)
		case "charge":
			cost := r.credits(l.Credits)
			balance -= cost
			hold := syncs[l.sync()]
			taken := min(cost, open[hold])
			open[hold] -= taken
			held -= taken
		case "hold.placed":
			if _, there := syncs[l.sync()]; there {
				r.t.Errorf("%s got a second hold, %s", l.sync(), l.Hold)
			}
			syncs[l.sync()] = l.Hold
			open[l.Hold] = r.credits(l.Amount)
			held += open[l.Hold]
			if held > balance {
				r.t.Errorf("with %s at %+v, %v credits are held of %v", l.Hold, l.at, held, balance)
			}
		case "hold.released":
			if left := r.credits(l.Amount); left != open[l.Hold] {
				r.t.Errorf("%v credits were released of %s, and %v were left", left, l.Hold, open[l.Hold])
			}
			held -= open[l.Hold]
			delete(open, l.Hold)
		}
	}
	if held != balance || held == 0 {
		r.t.Errorf("at the end %v credits are held of %v", held, balance)
	}
}

// checkAnswers compares what each scheduler was told with what was published of its sync.
func (r *race) checkAnswers(all []*scheduler, lines []raceLine) {
	r.t.Helper()
	found := map[string]map[string]int{} // lines of each sync by type
	note := func(sync, what string) {
		if found[sync] == nil {
			found[sync] = map[string]int{}
		}
		found[sync][what]++
	}
	amounts := map[string]string{}
	for i := range lines {
		l := &lines[i]
		if note(l.sync(), l.Type); l.Type == "hold.placed" {
			amounts[l.sync()] = l.Amount
		}
	}
	for _, rejected := range r.rejects() {
		var operation struct {
			Type string
			Data raceLine
		}
		r.must(json.Unmarshal(rejected.Value, &operation))
		if operation.Type != "hold.placed" || rejected.Reason != drawdown.InsufficientCredits {
			r.t.Errorf("rejected as %s: %s", rejected.Reason, rejected.Value)
		}
		note(operation.Data.sync(), "refused")
	}
	for _, s := range all {
		sync := fmt.Sprintf("%s/%d", s.connection(), s.job)
		f, want := found[sync], map[string]int{"hold.placed": 0, "hold.released": 0, "charge": 0}
		if s.held {
			want["hold.placed"] = 1
		}
		if s.held && s.conduct == releases {
			want["hold.released"] = 1
		}
		if s.held && s.conduct == uses {
			want["charge"] = 1
		}
		for what, count := range want {
			if f[what] != count {
				r.t.Errorf("scheduler %d (conduct %d, held %t, %s): %d of %s, expected %d", s.job, s.conduct, s.held, s.refusal, f[what], what, count)
			}
		}
		if s.held && amounts[sync] != s.amount.String() {
			r.t.Errorf("scheduler %d wanted %v credits and holds %s", s.job, s.amount, amounts[sync])
		}
		if !s.held && f["refused"] == 0 || s.held && s.conduct != cutsShort && f["refused"] > 0 {
			r.t.Errorf("scheduler %d (conduct %d, held %t): %d rejections", s.job, s.conduct, s.held, f["refused"])
		}
	}
}
