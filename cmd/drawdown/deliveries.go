package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"drawdown"
	"drawdown/notify"
	"drawdown/notify/email"
)

type deliveriesCommand struct {
	List deliveriesListCommand `cmd:"" help:"List what was sent to whom, and what came of it."`
}

type deliveriesListCommand struct {
	Account string        `help:"Only those of this account: much faster." placeholder:"ID"`
	State   string        `enum:",pending,delivered,refused,expired,dropped" default:"" help:"Only those that are pending, delivered, refused, expired or dropped." placeholder:"STATE"`
	Kind    string        `help:"Only notices of this kind, such as payment_failed." placeholder:"KIND"`
	Channel string        `enum:",email,webhook" default:"" help:"email or webhook." placeholder:"CHANNEL"`
	Since   time.Duration `default:"168h" help:"Only those that changed in the last while; the log keeps 30 days."`
	Limit   int           `default:"1000" help:"The newest so many; 0 for all."`
	JSON    bool          `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *deliveriesListCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	deliveries, closeAll, err := config.OpenDeliveries()
	if err != nil {
		return err
	}
	defer closeAll()
	list, err := deliveries.List(ctx, notify.Filter{
		Account: c.Account, State: notify.State(c.State), Kind: notify.Kind(c.Kind), Channel: notify.Channel(c.Channel),
		Since: time.Now().Add(-c.Since), Limit: c.Limit,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printDeliveriesJSON(list)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHANGED\tACCOUNT\tKIND\tCHANNEL\tTARGET\tSTATE\tTRIES\tDETAIL\tNOTICE")
	for i := range list {
		d := &list[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.ChangedAt.UTC().Format(time.RFC3339), d.Notice.Account, d.Notice.Kind,
			d.Channel, d.Target, d.State, d.Tries, d.Detail, d.Notice.ID)
	}
	return table.Flush()
}

func printDeliveriesJSON(list []notify.DeliveryRecord) error {
	encoder := json.NewEncoder(os.Stdout)
	for i := range list {
		if err := encoder.Encode(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

type noticesCommand struct {
	Preview noticesPreviewCommand `cmd:"" help:"Show the e-mail of a kind of notice with made-up data."`
}

type noticesPreviewCommand struct {
	Kind string `arg:"" optional:"" help:"The kind, such as payment_failed; all where left out."`
	HTML bool   `name:"html" help:"Print the HTML form instead of the text."`
}

// Run implements the command.
func (c *noticesPreviewCommand) Run(line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	if config.Email.Addr == "" { // nothing is configured yet: show how it would look
		config.Email.Addr, config.Email.From = "localhost:25", "Example Seller <billing@example.com>"
		config.Email.SellerName, config.Email.BillingURL = "Example Seller", "https://example.com/billing?account={account}"
		config.Email.TLS = email.Unencrypted
	}
	profile := drawdown.Profile{Account: "acme", Email: "owner@acme.example"}
	shown := 0
	for _, sample := range email.Samples() {
		if c.Kind != "" && string(sample.Kind) != c.Kind {
			continue
		}
		subject, text, html, err := email.Render(sample, &profile, config.Email)
		if err != nil {
			return err
		}
		if c.HTML {
			text = html
		}
		if shown++; shown > 1 {
			fmt.Println(strings.Repeat("-", 72))
		}
		fmt.Printf("Subject: %s\n\n%s\n", subject, strings.TrimSpace(text))
	}
	if shown == 0 {
		return fmt.Errorf("%q is no kind of notice; the kinds are %v", c.Kind, notify.Kinds)
	}
	return nil
}
