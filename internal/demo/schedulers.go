package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// schedulers run the syncs of the account that uses holds and the breaker. They know of the log only what the API says:
// they place holds, ask the gate, hand usage in, and release what is left.
type schedulers struct {
	api   *client // of the schedulers, for all accounts
	owner *client // of the account's owner
	of    *customer
	poll  func(ctx context.Context, limit time.Duration, check func() error) error
	tell  func(at time.Time, account, text string, tone tone)
	// changed reports whether the visitor has changed the account's settings.
	changed func() bool
	start   time.Time
	lasts   time.Duration
	hurry   <-chan struct{} // closed when no more syncs begin: what is left of the script is done without pauses

	running atomic.Int32 // syncs under way

	mailed  chan struct{} // closed by the e-mail about the runaway
	once    sync.Once
	sent    map[owner]sent
	refused map[drawdown.Reason]int // operations that the schedulers were told are rejected
}

const (
	// Two of the schedulers want heldEach of the credits that the account bought: one gets them.
	heldEach = 60
	// Their syncs report syncEvents events each, which cost 3 credits: 30 of the 60 that are held.
	syncEvents  = 10
	syncRecords = 500_000
	// The third connection's syncs are small: 0.6 credits, three times. The fourth one would not end by itself: it reports
	// 0.3 credits at a time, and is stopped when it has more than runawayFactor times the usual.
	usualRecords   = 100_000
	usualSyncs     = 3
	runawayRecords = 50_000
	runawayFactor  = 3
	runawayMin     = "1"
	runawayMax     = 40 // events after which the breaker should have acted for long
)

// When the acts of the script begin, as parts of the demo.
const (
	raceAt    = 0.06
	breakerAt = 0.45
)

// newSchedulers issues the keys that the script needs.
func (d *demo) newSchedulers(ctx context.Context) (*schedulers, error) {
	s := &schedulers{
		poll: d.pipeline.poll, tell: d.happenings.tell, lasts: d.options.For, mailed: make(chan struct{}),
		changed: func() bool { return d.pipeline.door.changed()[holdsAccount] },
		sent:    map[owner]sent{}, refused: map[drawdown.Reason]int{},
	}
	for i := range d.story {
		if d.story[i].account == holdsAccount {
			s.of = &d.story[i]
		}
	}
	var err error
	if s.api, err = d.issue(ctx, access.NewKey{Name: "schedulers", Role: access.Worker}); err != nil {
		return nil, err
	}
	s.owner, err = d.issue(ctx, access.NewKey{Name: "owner of " + holdsAccount, Role: access.Customer, Account: holdsAccount})
	return s, err
}

// run plays the script to its end: nothing is held after it.
func (s *schedulers) run(ctx context.Context) error {
	for _, act := range []struct {
		at   float64
		what string
		play func(context.Context) error
	}{{raceAt, "hold the same credits twice", s.race}, {breakerAt, "stop a runaway sync", s.runaway}} {
		s.pauseUntil(ctx, act.at)
		switch err := act.play(ctx); {
		case err != nil && s.changed():
			s.tell(time.Now(), s.of.account, "its settings were changed at the page: "+act.what+" went otherwise", warnTone)
		case err != nil:
			return fmt.Errorf("%s: %w", act.what, err)
		}
	}
	return nil
}

// pauseUntil waits until a part of the demo is over.
func (s *schedulers) pauseUntil(ctx context.Context, part float64) {
	s.pause(ctx, time.Until(s.start.Add(time.Duration(part*float64(s.lasts)))))
}

func (s *schedulers) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.hurry:
	case <-ctx.Done():
	}
}

// step is the time between two events of a sync.
func (s *schedulers) step() time.Duration { return s.lasts / 100 }

// hold is what a scheduler asks to be held.
type hold struct {
	Hold       string    `json:"hold"`
	Connection string    `json:"connection"`
	Job        int64     `json:"job"`
	Amount     string    `json:"amount"`
	ExpiresAt  time.Time `json:"expires_at"`
	Wait       bool      `json:"wait,omitempty"`
}

func (s *schedulers) place(ctx context.Context, connection, id string, wait bool) error {
	return s.api.write(ctx, http.MethodPost, accountPath(s.of.account, "holds"), hold{
		Hold: id, Connection: connection, Job: 1, Amount: fmt.Sprint(heldEach), ExpiresAt: time.Now().Add(time.Hour).UTC(), Wait: wait,
	})
}

// race: two schedulers ask for the same credits at one moment. Who is refused waits in line, and gets them when the other's
// sync has ended.
func (s *schedulers) race(ctx context.Context) error {
	racers := []*connection{&s.of.scheduled[0], &s.of.scheduled[1]}
	s.tell(time.Now(), s.of.account, fmt.Sprintf("two schedulers ask at once to hold %d of its %d credits", heldEach, s.of.starting()), plainTone)
	answers := make([]error, len(racers))
	var racing sync.WaitGroup
	for i, c := range racers {
		racing.Go(func() { answers[i] = s.place(ctx, c.name, "first-"+c.name, false) })
	}
	racing.Wait()
	first, second, err := s.judge(racers, answers)
	if err != nil {
		return err
	}
	if err := s.place(ctx, second.name, "second-"+second.name, true); err != nil {
		return err
	}
	if err := s.heldSync(ctx, first, "first-"+first.name); err != nil {
		return err
	}
	return s.heldSync(ctx, second, "second-"+second.name)
}

// judge says who got the credits and who did not. Anything but one of each is a fault.
func (s *schedulers) judge(racers []*connection, answers []error) (first, second *connection, err error) {
	for i, answer := range answers {
		var refused *refusal
		switch {
		case answer == nil && first == nil:
			first = racers[i]
		case errors.As(answer, &refused) && refused.Reason == string(drawdown.InsufficientCredits) && second == nil:
			second = racers[i]
		default:
			return nil, nil, fmt.Errorf("one of two holds should have been placed, the other refused; the answers are %w", errors.Join(answers...))
		}
	}
	if first == nil || second == nil {
		return nil, nil, fmt.Errorf("one of two holds should have been placed; the answers are %w", errors.Join(answers...))
	}
	s.refused[drawdown.InsufficientCredits]++
	s.tell(time.Now(), s.of.account, first.name+" got them; "+second.name+" is told: insufficient credits", warnTone)
	return first, second, nil
}

// heldSync runs a sync on what is held for it, as soon as that is.
func (s *schedulers) heldSync(ctx context.Context, c *connection, holdID string) error {
	err := s.poll(ctx, openedTimeout, func() error {
		answer, err := s.api.gateFor(ctx, s.of.account, c.name, 1)
		if err == nil && (!answer.Allowed || answer.Reason != "hold") {
			err = fmt.Errorf("the gate says of %s, for which credits are held: %s", c.name, answer.verdict())
		}
		return err
	})
	if err != nil {
		return err
	}
	s.running.Add(1)
	defer s.running.Add(-1)
	for seq := range int64(syncEvents) {
		if err := s.report(ctx, c, 1, seq+1, syncRecords); err != nil {
			return err
		}
		s.pause(ctx, s.step())
	}
	return s.api.write(ctx, http.MethodDelete, accountPath(s.of.account, "holds", holdID), nil)
}

// report hands in an event and counts it.
func (s *schedulers) report(ctx context.Context, c *connection, job, seq, records int64) error {
	usage := c.usage(s.of.account, job)
	usage.Seq = seq
	usage.Records, usage.Bytes, usage.Operations = amounts(c.meter, records)
	if err := s.api.report(ctx, usage); err != nil {
		return err
	}
	of := owner{s.of.account, c.name}
	s.sent[of] = sent{events: s.sent[of].events + 1, quantity: s.sent[of].quantity + uint64(records)}
	return nil
}

// runaway: some usual syncs, and one that does not end. The breaker stops it, and the owner, who gets an e-mail, lets it
// start again.
func (s *schedulers) runaway(ctx context.Context) error {
	c := &s.of.scheduled[2]
	for job := range int64(usualSyncs) {
		if err := s.report(ctx, c, job+1, 1, usualRecords); err != nil {
			return err
		}
		s.pause(ctx, s.step())
	}
	stopped, err := s.runUntilStopped(ctx, c, usualSyncs+1)
	if err != nil {
		return err
	}
	s.tell(time.Now(), s.of.account, "gate: may "+c.name+" start? "+stopped.verdict(), badTone)
	select {
	case <-s.mailed:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(openedTimeout):
		return errors.New("the owner got no e-mail about it")
	}
	s.pause(ctx, min(s.lasts/hesitationPart, hesitationMax))
	return s.acknowledge(ctx, c)
}

// runUntilStopped reports a sync's usage until the gate says that it must not go on. It waits each time until what was
// reported shows in the balance.
func (s *schedulers) runUntilStopped(ctx context.Context, c *connection, job int64) (answer gateAnswer, err error) {
	s.running.Add(1)
	defer s.running.Add(-1)
	for seq := range int64(runawayMax) {
		before := answer.Available
		if err := s.report(ctx, c, job, seq+1, runawayRecords); err != nil {
			return answer, err
		}
		err := s.poll(ctx, openedTimeout, func() (err error) {
			if answer, err = s.api.gate(ctx, s.of.account, c.name); err == nil && answer.Allowed && answer.Available == before {
				err = errors.New("a usage event is not in the balance")
			}
			return err
		})
		if err != nil || !answer.Allowed {
			return answer, err
		}
		s.pause(ctx, s.step())
	}
	return answer, fmt.Errorf("%s used far more than usual, and the breaker did nothing", c.name)
}

// acknowledge is what the owner does at the page, by the API.
func (s *schedulers) acknowledge(ctx context.Context, c *connection) error {
	s.tell(time.Now(), s.of.account, "its owner, who got the e-mail, lets "+c.name+" run again", goodTone)
	if err := s.owner.write(ctx, http.MethodPost, accountPath(s.of.account, "connections", c.name, "acknowledgement"), nil); err != nil {
		return err
	}
	answer, err := s.api.gate(ctx, s.of.account, c.name)
	if err == nil && !answer.Allowed {
		err = fmt.Errorf("the gate says of %s, which was acknowledged: %s", c.name, answer.verdict())
	}
	if err != nil {
		return err
	}
	s.tell(time.Now(), s.of.account, "gate: may "+c.name+" start? "+answer.verdict(), goodTone)
	return nil
}

// read is called when the owner was told of the runaway.
func (s *schedulers) read() { s.once.Do(func() { close(s.mailed) }) }
