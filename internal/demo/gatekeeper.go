package demo

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// gatekeeper asks the gate about every connection, again and again, and knows its last answers: so many schedulers ask
// before they start a sync. Safe for concurrent use.
type gatekeeper struct {
	api   *client
	story []customer
	tell  func(at time.Time, account, text string, tone tone)

	mu      sync.Mutex
	answers map[owner]gateAnswer
}

// run asks until the context ends.
func (g *gatekeeper) run(ctx context.Context) error {
	ticker := time.NewTicker(showInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := g.ask(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// ask asks about every connection once.
func (g *gatekeeper) ask(ctx context.Context) error {
	for i := range g.story {
		c := &g.story[i]
		for k := range c.connections {
			of := owner{c.account, c.connections[k].name}
			answer, err := g.api.gate(ctx, of.account, of.connection)
			if err != nil {
				return fmt.Errorf("ask the gate: %w", err)
			}
			before, asked := g.take(of, answer)
			if k == 0 && (!asked && c.account == gateAccount || asked && before.Allowed != answer.Allowed) {
				g.tellAnswer(of, &answer)
			}
		}
	}
	return nil
}

// take keeps an answer and returns the one before.
func (g *gatekeeper) take(of owner, answer gateAnswer) (before gateAnswer, asked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, asked = g.answers[of]
	if g.answers == nil {
		g.answers = map[owner]gateAnswer{}
	}
	g.answers[of] = answer
	return before, asked
}

// tellAnswer tells what the gate says of an account's first connection: of the others it says the same.
func (g *gatekeeper) tellAnswer(of owner, answer *gateAnswer) {
	tone := goodTone
	if !answer.Allowed {
		tone = badTone
	}
	g.tell(time.Now(), of.account, "gate: may "+of.connection+" start? "+answer.verdict(), tone)
}

// admits says whether a sync may start.
func (g *gatekeeper) admits(account, connection string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answers[owner{account, connection}].Allowed
}
