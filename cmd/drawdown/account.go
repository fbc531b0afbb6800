package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"drawdown"
	"drawdown/balance/redisstore"
	"drawdown/internal/app"
)

type accountCommand struct {
	Open         accountOpenCommand         `cmd:"" help:"Open an account on a plan."`
	Show         accountShowCommand         `cmd:"" help:"Show an account's balance, grants and connections."`
	List         accountListCommand         `cmd:"" help:"List accounts with what they can spend."`
	Plan         accountPlanCommand         `cmd:"" help:"Move an account to another plan."`
	Grant        accountGrantCommand        `cmd:"" help:"Give credits."`
	Void         accountVoidCommand         `cmd:"" help:"Take back what remains of a grant."`
	Card         accountCardCommand         `cmd:"" help:"Note that a card was saved, or removed."`
	AutoPurchase accountAutoPurchaseCommand `cmd:"" name:"auto-purchase" help:"Turn auto-purchase on or off."`
	VerifyEmail  accountVerifyCommand       `cmd:"" name:"verify-email" help:"Note that the e-mail address was verified."`
	Enrol        accountEnrolCommand        `cmd:"" help:"Join the Free Connector Program."`
	Settle       accountSettleCommand       `cmd:"" help:"Note that money for a purchase has arrived."`
	Profile      accountProfileCommand      `cmd:"" help:"Show who is told and who pays: e-mail, recipients, webhooks, cards."`
	Contacts     accountContactsCommand     `cmd:"" help:"Change the e-mail address, further recipients, and what is not wanted."`
	Webhook      accountWebhookCommand      `cmd:"" help:"Set and remove webhook endpoints; print their secrets."`
	Gate         accountGateCommand         `cmd:"" help:"Ask whether a sync of a connection may start."`
	GateSettings accountGateSettingsCommand `cmd:"" name:"gate-settings" help:"Show or set the reserve and the runaway breaker."`
	Priority     accountPriorityCommand     `cmd:"" help:"Set which connections come first when credits are short."`
	Acknowledge  accountAcknowledgeCommand  `cmd:"" help:"Let a connection start again that the breaker stopped."`
	Holds        accountHoldsCommand        `cmd:"" help:"List what is held for syncs, and what waits for it."`
	Hold         accountHoldCommand         `cmd:"" help:"Hold credits for a sync."`
	Release      accountReleaseCommand      `cmd:"" help:"End a hold: what is left of it is available again."`
	Connections  accountConnectionsCommand  `cmd:"" help:"List an account's connections: priority, whether stopped, what they used."`
	PageLink     accountPageLinkCommand     `cmd:"" name:"page-link" help:"Print a link that signs in to the account's billing page, once."`
	Do           accountDoCommand           `cmd:"" help:"Append any operation of the contract, with its data as JSON."`
}

// operationFlags are what every operation on an account has.
type operationFlags struct {
	Account string        `arg:"" help:"The account's id."`
	ID      string        `help:"The record's id, to repeat an operation that was interrupted." placeholder:"ID"`
	Time    time.Time     `help:"The record's time, likewise." placeholder:"RFC3339"`
	Wait    time.Duration `default:"0s" help:"Wait until a worker has applied it, then show the balance."`
}

// append writes the operation and says where it landed.
func (f *operationFlags) append(ctx context.Context, line *commands, recordType drawdown.Type, data any) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	operations, err := config.OpenOperatorLog(self())
	if err != nil {
		return err
	}
	defer operations.Close()
	positions, err := operations.Append(ctx, app.Operation{Type: recordType, Account: f.Account, ID: f.ID, Time: f.Time, Data: data})
	if err != nil {
		return err
	}
	at := positions[0]
	fmt.Printf("%v of %s: partition %d, offset %d\n", recordType, f.Account, at.Partition, at.Offset)
	if f.Wait == 0 {
		return nil
	}
	return showApplied(ctx, &config, f.Account, at, f.Wait)
}

func showApplied(ctx context.Context, config *app.Config, account string, at app.Position, wait time.Duration) error {
	client, store, err := config.OpenRedis()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := app.WaitApplied(ctx, store, at); err != nil {
		return err
	}
	accounts, err := app.OpenAccounts(ctx, store)
	if err != nil {
		return err
	}
	b, err := accounts.Balance(ctx, account)
	if err != nil {
		return err
	}
	printBalance(&b)
	return nil
}

type accountOpenCommand struct {
	operationFlags
	Plan          string `required:"" help:"The plan's id."`
	Email         string `required:"" help:"Where notices go."`
	EmailVerified bool   `help:"The address is known to be the customer's."`
}

// Run implements the command.
func (c *accountOpenCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.AccountOpened, map[string]any{"plan": c.Plan, "email": c.Email, "email_verified": c.EmailVerified})
}

type accountPlanCommand struct {
	operationFlags
	Plan string `arg:"" help:"The plan's id; the own plan drops a change that waits."`
	When string `enum:"now,period_end" default:"period_end" help:"now or period_end."`
}

// Run implements the command.
func (c *accountPlanCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.PlanChanged, map[string]any{"plan": c.Plan, "when": c.When})
}

type accountGrantCommand struct {
	operationFlags
	Amount    string    `arg:"" help:"Credits, such as 100 or 0.5."`
	Category  string    `enum:"promotional,purchased" default:"promotional" help:"promotional or purchased."`
	ExpiresAt time.Time `help:"When what remains is gone; never where left out." placeholder:"RFC3339"`
}

// Run implements the command.
func (c *accountGrantCommand) Run(ctx context.Context, line *commands) error {
	data := map[string]any{"amount": c.Amount, "category": c.Category}
	if !c.ExpiresAt.IsZero() {
		data["expires_at"] = c.ExpiresAt.Format(time.RFC3339)
	}
	return c.append(ctx, line, drawdown.CreditsGranted, data)
}

type accountVoidCommand struct {
	operationFlags
	Grant string `arg:"" help:"The grant's id."`
}

// Run implements the command.
func (c *accountVoidCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.CreditsVoided, map[string]any{"grant": c.Grant})
}

type accountCardCommand struct {
	operationFlags
	Method   string `help:"The payment gateway's id of the card." xor:"which" required:""`
	Customer string `help:"The gateway's id of who pays. Without it the card can't be charged." placeholder:"ID"`
	Backup   bool   `help:"It is the backup card, which a plan's payment ladder may try."`
	Remove   bool   `help:"The card was removed." xor:"which" required:""`
}

// Run implements the command.
func (c *accountCardCommand) Run(ctx context.Context, line *commands) error {
	if c.Remove {
		return c.append(ctx, line, drawdown.PaymentMethodRemoved, map[string]any{"backup": c.Backup})
	}
	data := map[string]any{"method": c.Method, "kind": "card", "backup": c.Backup}
	if c.Customer != "" {
		data["customer"] = c.Customer
	}
	return c.append(ctx, line, drawdown.PaymentMethodSaved, data)
}

type accountAutoPurchaseCommand struct {
	operationFlags
	State     string `arg:"" enum:"on,off" help:"on or off."`
	MaxAmount string `help:"The customer's own limit of money a period, such as 50.00." placeholder:"MONEY"`
}

// Run implements the command.
func (c *accountAutoPurchaseCommand) Run(ctx context.Context, line *commands) error {
	data := map[string]any{"enabled": c.State == "on"}
	if c.MaxAmount != "" {
		data["max_amount"] = c.MaxAmount
	}
	return c.append(ctx, line, drawdown.AutoPurchaseSet, data)
}

type accountVerifyCommand struct{ operationFlags }

// Run implements the command.
func (c *accountVerifyCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.EmailVerified, nil)
}

type accountEnrolCommand struct{ operationFlags }

// Run implements the command.
func (c *accountEnrolCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.ProgramEnrolled, nil)
}

type accountSettleCommand struct {
	operationFlags
	Purchase string `arg:"" help:"The purchase's id."`
	Quantity string `arg:"" help:"Whole credits."`
	Amount   string `required:"" help:"Money without tax, such as 500.00."`
	Currency string `default:"USD" help:"ISO 4217 code."`
	Tax      string `help:"Such as 40.00." placeholder:"MONEY"`
	Receipt  string `help:"The receipt's id or address."`
	Auto     bool   `help:"It was an auto-purchase; else a manual one."`
}

// Run implements the command.
func (c *accountSettleCommand) Run(ctx context.Context, line *commands) error {
	data := map[string]any{
		"purchase": c.Purchase, "kind": "manual", "quantity": c.Quantity, "amount": c.Amount, "currency": c.Currency,
	}
	if c.Auto {
		data["kind"] = "auto"
	}
	if c.Tax != "" {
		data["tax"] = c.Tax
	}
	if c.Receipt != "" {
		data["receipt"] = c.Receipt
	}
	return c.append(ctx, line, drawdown.PurchaseSettled, data)
}

type accountDoCommand struct {
	operationFlags
	Type string `arg:"" help:"The record's type, such as connection.set."`
	Data string `arg:"" optional:"" help:"Its data as JSON."`
}

// Run implements the command.
func (c *accountDoCommand) Run(ctx context.Context, line *commands) error {
	recordType := drawdown.ParseType([]byte(c.Type))
	if !recordType.IsOperation() || recordType.IsBroadcast() {
		return fmt.Errorf("%q is no operation on an account; see the contract, section 3", c.Type)
	}
	if c.Data == "" {
		return c.append(ctx, line, recordType, nil)
	}
	if !json.Valid([]byte(c.Data)) {
		return fmt.Errorf("the data is no JSON: %s", c.Data)
	}
	return c.append(ctx, line, recordType, json.RawMessage(c.Data))
}

type accountShowCommand struct {
	Account string `arg:"" help:"The account's id."`
	JSON    bool   `name:"json" help:"Print the balance line of the contract."`
}

// Run implements the command.
func (c *accountShowCommand) Run(ctx context.Context, line *commands) error {
	return line.withAccounts(ctx, func(ctx context.Context, accounts *app.Accounts, _ *redisstore.Store) error {
		b, err := accounts.Balance(ctx, c.Account)
		if err != nil {
			return err
		}
		if c.JSON {
			fmt.Println(string(drawdown.AppendBalance(nil, &b)))
			return nil
		}
		printBalance(&b)
		return nil
	})
}

// withAccounts opens what accounts are read from.
func (c *commands) withAccounts(ctx context.Context, use func(context.Context, *app.Accounts, *redisstore.Store) error) error {
	return c.withStore(ctx, func(ctx context.Context, _ *app.Config, store *redisstore.Store) error {
		accounts, err := app.OpenAccounts(ctx, store)
		if err != nil {
			return err
		}
		return use(ctx, accounts, store)
	})
}

// withStore opens Redis, for as long as an answer may take.
func (c *commands) withStore(ctx context.Context, use func(context.Context, *app.Config, *redisstore.Store) error) error {
	config, err := c.load()
	if err != nil {
		return err
	}
	client, store, err := config.OpenRedis()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return use(ctx, &config, store)
}

type accountListCommand struct {
	JSON   bool   `name:"json" help:"Print the balance lines of the contract."`
	Status string `help:"Only accounts of a status: active, purchasing, grace, payment_failed, exhausted." placeholder:"STATUS"`
}

// Run implements the command.
func (c *accountListCommand) Run(ctx context.Context, line *commands) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "ACCOUNT\tPLAN\tSTATUS\tAVAILABLE\tUSED")
	}
	err := line.withAccounts(ctx, func(ctx context.Context, accounts *app.Accounts, store *redisstore.Store) error {
		for partition := range int32(accounts.Partitions()) {
			if err := c.partition(ctx, accounts, store, partition, table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

func (c *accountListCommand) partition(ctx context.Context, accounts *app.Accounts, store *redisstore.Store, partition int32, table *tabwriter.Writer) error {
	seen := map[string]bool{}
	for cursor := ""; ; {
		ids, next, err := store.Accounts(ctx, partition, cursor)
		if err != nil {
			return err
		}
		fresh := ids[:0]
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				fresh = append(fresh, id)
			}
		}
		balances, err := accounts.Balances(ctx, partition, fresh)
		if err != nil {
			return err
		}
		for i := range balances {
			b := &balances[i]
			switch {
			case c.Status != "" && b.Status.String() != c.Status:
			case c.JSON:
				fmt.Println(string(drawdown.AppendBalance(nil, b)))
			default:
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", b.Account, b.Plan, b.Status, b.Available, b.Used)
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// printBalance shows a balance to a person.
func printBalance(b *drawdown.Balance) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "account\t%s\nplan\t%s\nstatus\t%s\navailable\t%s\nused\t%s\nwaived\t%s\n", b.Account, b.Plan, b.Status, b.Available, b.Used, b.Waived)
	fmt.Fprintf(table, "period\t%s to %s\nas of\t%s\n", b.PeriodFrom, b.PeriodTo, b.At)
	if a := b.AutoPurchase; a.Enabled || a.Open != "" {
		fmt.Fprintf(table, "auto-purchase\ton: %d this period for %s; open: %q; payment failed: %v\n", a.AutoPurchases, a.Amount, a.Open, a.PaymentFailed)
	}
	if len(b.Grants) > 0 {
		fmt.Fprintln(table, "\nGRANT\tCATEGORY\tREMAINING\tOF\tEXPIRES")
	}
	for _, g := range b.Grants {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", g.Grant, g.Category, g.Remaining, g.Amount, g.ExpiresAt)
	}
	if len(b.Connections) > 0 {
		fmt.Fprintln(table, "\nCONNECTION\tUSED\tWAIVED")
	}
	for _, c := range b.Connections {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Connection, c.Used, c.Waived)
	}
	table.Flush()
}
