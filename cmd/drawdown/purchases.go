package main

import (
	"context"
	"fmt"

	"drawdown"
	"drawdown/purchasing"
)

type purchasesCommand struct {
	List      purchasesListCommand      `cmd:"" help:"List an account's purchases, the latest first."`
	Order     purchasesOrderCommand     `cmd:"" help:"Begin an order of credits by hand: prints where the customer pays."`
	Card      purchasesCardCommand      `cmd:"" help:"Begin the saving of a card: prints where the customer enters it."`
	Subscribe purchasesSubscribeCommand `cmd:"" help:"Begin the subscription of a plan that the gateway bills."`
	Refund    purchasesRefundCommand    `cmd:"" help:"Take back credits of a purchase whose money went back otherwise than through the gateway."`
	Fail      purchasesFailCommand      `cmd:"" help:"Fail an open purchase by hand. The purchaser cancels it at the gateway."`
}

// atDesk begins something at the gateway and prints where the customer goes on.
func (c *commands) atDesk(ctx context.Context, begin func(context.Context, *purchasing.Desk) (purchasing.Session, error)) error {
	config, err := c.load()
	if err != nil {
		return err
	}
	desk, closeAll, err := config.Desk()
	if err != nil {
		return err
	}
	defer closeAll()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	session, err := begin(ctx, desk)
	if err != nil {
		return err
	}
	fmt.Println(session.URL)
	return nil
}

type purchasesOrderCommand struct {
	Account  string `arg:"" help:"The account's id."`
	Quantity int64  `help:"Whole credits; the plan's default where left out. The customer can change it within the plan's terms."`
	Key      string `help:"The same key gives the same order, so that a command can be repeated." placeholder:"KEY"`
}

// Run implements the command.
func (c *purchasesOrderCommand) Run(ctx context.Context, line *commands) error {
	return line.atDesk(ctx, func(ctx context.Context, desk *purchasing.Desk) (purchasing.Session, error) {
		_, session, err := desk.Order(ctx, c.Account, c.Quantity, c.Key)
		return session, err
	})
}

type purchasesCardCommand struct {
	Account string `arg:"" help:"The account's id."`
	Backup  bool   `help:"Save it as the backup, which a plan's payment ladder may try."`
}

// Run implements the command.
func (c *purchasesCardCommand) Run(ctx context.Context, line *commands) error {
	return line.atDesk(ctx, func(ctx context.Context, desk *purchasing.Desk) (purchasing.Session, error) {
		return desk.SaveCard(ctx, c.Account, c.Backup)
	})
}

type purchasesSubscribeCommand struct {
	Account string `arg:"" help:"The account's id."`
	Plan    string `arg:"" help:"A plan with subscription.gateway_price."`
}

// Run implements the command.
func (c *purchasesSubscribeCommand) Run(ctx context.Context, line *commands) error {
	return line.atDesk(ctx, func(ctx context.Context, desk *purchasing.Desk) (purchasing.Session, error) {
		return desk.Subscribe(ctx, c.Account, c.Plan)
	})
}

type purchasesRefundCommand struct {
	operationFlags
	Purchase string `arg:"" help:"The purchase's id."`
	Quantity string `arg:"" help:"Credits, such as 100 or 0.5."`
	Reason   string `default:"requested_by_customer" help:"Why the money went back."`
}

func (*purchasesRefundCommand) Help() string {
	return `This moves no money. Refunds made at the gateway come by themselves, by its webhook. What is left of the purchase is taken
back first, then what was used of it, which becomes overdraft; never what has expired.`
}

// Run implements the command.
func (c *purchasesRefundCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.PurchaseRefunded, map[string]any{
		"purchase": c.Purchase, "quantity": c.Quantity, "reason": c.Reason,
	})
}

type purchasesFailCommand struct {
	operationFlags
	Purchase string `arg:"" help:"The open purchase's id."`
	Reason   string `default:"cancelled_by_operator" help:"What the customer is told."`
}

// Run implements the command.
func (c *purchasesFailCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.PurchaseFailed, map[string]any{"purchase": c.Purchase, "reason": c.Reason})
}
