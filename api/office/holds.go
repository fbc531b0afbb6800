package office

import (
	"context"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// Holds are an account's holds and what they leave: what a scheduler may see of a balance.
type Holds struct {
	Available drawdown.Credits // the balance less what is held
	Held      drawdown.Credits // what is left of all open holds
	Reserve   drawdown.Credits // the last credits, on which only critical connections may start
	Holds     []drawdown.HoldBalance
	ETag      string // as of [Overview]
}

// Holds lists an account's holds, open and waiting, in the order in which they were placed.
func (o *Office) Holds(ctx context.Context, p *access.Principal, account string) (*Holds, error) {
	if err := may(p, account, access.AskGate); err != nil {
		return nil, err
	}
	v, err := o.overview(ctx, account)
	if err != nil {
		return nil, err
	}
	b := &v.Balance
	return &Holds{Available: b.Available, Held: b.Held, Reserve: v.Reserve, Holds: b.Holds, ETag: v.ETag}, nil
}

// Hold is one hold, open or waiting, with the ETag of the account's state.
func (o *Office) Hold(ctx context.Context, p *access.Principal, account, hold string) (*drawdown.HoldBalance, string, error) {
	all, err := o.Holds(ctx, p, account)
	if err != nil {
		return nil, "", err
	}
	for i := range all.Holds {
		if all.Holds[i].Hold == hold {
			return &all.Holds[i], all.ETag, nil
		}
	}
	return nil, "", refusalOf(drawdown.UnknownHold)
}

// AwaitHold is Hold, which for a hold that waits in line answers as soon as it does not any more: because it is open, or
// because it is gone. After the wait it answers with the hold as it is then.
func (o *Office) AwaitHold(ctx context.Context, p *access.Principal, account, hold string, wait time.Duration) (*drawdown.HoldBalance, string, error) {
	found, etag, err := o.Hold(ctx, p, account, hold)
	if err != nil || !found.Waiting || wait <= 0 {
		return found, etag, err
	}
	if err := o.whileInLine(ctx, account, *found, wait); err != nil {
		return nil, "", err
	}
	return o.Hold(ctx, p, account, hold)
}

// holdPoll is how often a hold that is waited for is looked at. Each look is one read as the gate's, so that even a hundred
// waits cost less than a scheduler that asks the gate; a sync that starts a fifth of a second later is no later for anybody.
const holdPoll = 200 * time.Millisecond

// whileInLine returns when a hold does not wait any more, or the wait is over.
func (o *Office) whileInLine(ctx context.Context, account string, h drawdown.HoldBalance, wait time.Duration) error {
	over := time.NewTimer(wait)
	defer over.Stop()
	look := time.NewTicker(holdPoll)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return nil
		case <-look.C:
		}
		gate, err := o.deps.Accounts.Gate(ctx, account, h.Connection, &h.Job, drawdown.TimeOf(o.deps.Now()))
		if err != nil {
			return unavailable(ctx, "balances", err)
		}
		if gate == nil || gate.Hold == nil || gate.Hold.Hold != h.Hold || !gate.Hold.Waiting {
			return nil
		}
	}
}
