package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"drawdown"
	"drawdown/api/office"
)

type accountHoldsCommand struct {
	Account string `arg:"" help:"The account's id."`
	JSON    bool   `name:"json" help:"Print JSON lines."`
}

func (*accountHoldsCommand) Help() string {
	return `In the order in which they were placed. What waits is opened in order of priority, when there are credits.

  drawdown account holds acme
  drawdown account holds acme --json | jq -r 'select(.waiting) | .connection'`
}

// Run implements the command.
func (c *accountHoldsCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		overview, err := d.Overview(ctx, d.self, c.Account)
		if err != nil {
			return err
		}
		b := &overview.Balance
		if c.JSON {
			for i := range b.Holds {
				if err := printObjects(holdMembers(&b.Holds[i])); err != nil {
					return err
				}
			}
			return nil
		}
		fmt.Printf("available %v, held %v; reserve for critical connections %v\n", b.Available, b.Held, overview.Reserve)
		return printTable("HOLD\tCONNECTION\tJOB\tAMOUNT\tREMAINING\tEXPIRES\tSTATE", func(table io.Writer) {
			for i := range b.Holds {
				h := &b.Holds[i]
				fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", h.Hold, h.Connection, h.Job, h.Amount, h.Remaining, h.ExpiresAt, holdState(h.Waiting))
			}
		})
	})
}

func holdState(waiting bool) string {
	if waiting {
		return "waiting"
	}
	return "open"
}

// holdMembers is a hold as the contract's balance line has it (section 10).
func holdMembers(h *drawdown.HoldBalance) map[string]any {
	return map[string]any{
		"hold": h.Hold, "connection": h.Connection, "job": h.Job, "amount": h.Amount.String(), "remaining": h.Remaining.String(),
		"expires_at": neverIsNull(h.ExpiresAt), "waiting": h.Waiting,
	}
}

type accountHoldCommand struct {
	actionFlags
	Connection string        `arg:"" help:"The connection's name."`
	Job        uint64        `arg:"" help:"The job's number: its usage draws from the hold."`
	Amount     creditsText   `arg:"" help:"Credits, such as 12.5; 'drawdown usage estimate' tells what is usual."`
	Hold       string        `help:"The hold's id; default: the operation's." placeholder:"ID"`
	For        time.Duration `default:"24h" help:"When what is left of it is available again: so long from now, at most 840h." xor:"end"`
	ExpiresAt  time.Time     `help:"The same as an instant." placeholder:"RFC3339" xor:"end"`
	Queue      bool          `help:"Where it can't be held now, let it wait in line instead of failing."`
}

func (*accountHoldCommand) Help() string {
	return `A hold takes nothing from any grant and costs nothing: it keeps credits from other syncs until the job has used them, it is
released, or it expires. To repeat a command give --key, and --expires-at: the same hold must be asked for.

  drawdown account hold acme shop 7 12.5
  drawdown account hold acme shop 8 40 --queue --for 2h
  drawdown account hold acme shop 9 40 --key nightly-9 --expires-at 2026-03-01T06:00:00Z`
}

// Run implements the command.
func (c *accountHoldCommand) Run(ctx context.Context, line *commands) error {
	expires := c.ExpiresAt
	if expires.IsZero() {
		expires = time.Now().Add(c.For)
	}
	return c.withOffice(ctx, line, func(ctx context.Context, d *desk) error {
		written, err := c.act(ctx, d, office.PlaceHold{
			Hold: c.Hold, Connection: c.Connection, Job: c.Job, Amount: c.Amount.Credits, ExpiresAt: expires, Wait: c.Queue,
		})
		if err != nil {
			return err
		}
		id := c.Hold
		if id == "" {
			id = written.Operation
		}
		more := map[string]any{"hold": id}
		if written.State != office.Applied {
			return c.done(written, "", more)
		}
		sentence, err := c.became(ctx, d, id, more)
		if err != nil {
			return err
		}
		return c.done(written, sentence, more)
	})
}

// became says what the hold is now.
func (c *accountHoldCommand) became(ctx context.Context, d *desk, id string, more map[string]any) (string, error) {
	overview, err := d.Overview(ctx, d.self, c.Account)
	if err != nil {
		return "", err
	}
	holds := overview.Balance.Holds
	i := slices.IndexFunc(holds, func(h drawdown.HoldBalance) bool { return h.Hold == id })
	if i < 0 {
		return fmt.Sprintf("hold %s was placed, and has ended already", id), nil
	}
	more["waiting"], more["expires_at"] = holds[i].Waiting, neverIsNull(holds[i].ExpiresAt)
	if holds[i].Waiting {
		return fmt.Sprintf("hold %s waits for %v credits, until %v", id, holds[i].Amount, holds[i].ExpiresAt), nil
	}
	return fmt.Sprintf("hold %s: %v credits are held for job %d of %s, until %v", id, holds[i].Amount, c.Job, c.Connection, holds[i].ExpiresAt), nil
}

type accountReleaseCommand struct {
	actionFlags
	Hold string `arg:"" help:"The hold's id, as 'drawdown account holds' lists it."`
}

func (*accountReleaseCommand) Help() string {
	return `  drawdown account release acme 0198c2f4-5d1e-7b6a-9a53-3f2c81f0a1de`
}

// Run implements the command.
func (c *accountReleaseCommand) Run(ctx context.Context, line *commands) error {
	return c.run(ctx, line, office.ReleaseHold{Hold: c.Hold}, fmt.Sprintf("hold %s is released", c.Hold))
}
