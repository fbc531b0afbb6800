package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"drawdown"
	"drawdown/balance/redisstore"
	"drawdown/internal/app"
	"drawdown/notify/webhook"
)

type accountProfileCommand struct {
	Account string `arg:"" help:"The account's id."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// Run implements the command.
func (c *accountProfileCommand) Run(ctx context.Context, line *commands) error {
	return line.withProfile(ctx, c.Account, func(_ *app.Config, profile *drawdown.Profile) error {
		if c.JSON {
			return printProfileJSON(profile)
		}
		printProfile(profile)
		return nil
	})
}

// withProfile reads who is told and who pays of an account.
func (c *commands) withProfile(ctx context.Context, account string, use func(*app.Config, *drawdown.Profile) error) error {
	return c.withStore(ctx, func(ctx context.Context, config *app.Config, store *redisstore.Store) error {
		profile, err := app.NewDirectory(store).Profile(ctx, account, -1)
		if err != nil {
			return err
		}
		return use(config, &profile)
	})
}

func printProfile(p *drawdown.Profile) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer table.Flush()
	verified := "not verified"
	if p.EmailVerified {
		verified = "verified"
	}
	fmt.Fprintf(table, "account\t%s\nplan\t%s\n", p.Account, p.Plan.ID)
	if p.WaitingPlan != "" {
		fmt.Fprintf(table, "next period\t%s\n", p.WaitingPlan)
	}
	fmt.Fprintf(table, "e-mail\t%s (%s)\nalso told\t%s\nnot told of\t%s\n", p.Email, verified, listed(p.Recipients), listed(p.OptOuts))
	fmt.Fprintf(table, "card\t%s\nbackup card\t%s\nopen purchase\t%s\n", method(p.Primary), method(p.Backup), listed(nonEmpty(p.OpenPurchase)))
	if len(p.Webhooks) == 0 {
		return
	}
	fmt.Fprintln(table, "\nENDPOINT\tURL\tKINDS\tSECRET\tSTATE")
	for i := range p.Webhooks {
		w := &p.Webhooks[i]
		kinds, state := "all", "enabled"
		if w.Kinds != nil {
			kinds = listed(w.Kinds)
		}
		if w.Disabled != "" {
			state = "disabled: " + w.Disabled
		}
		fmt.Fprintf(table, "%s\t%s\t%s\tversion %d\t%s\n", w.Endpoint, w.URL, kinds, w.SecretVersion, state)
	}
}

func listed(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func method(m drawdown.PaymentMethod) string {
	switch {
	case m.Method == "":
		return "-"
	case m.Customer == "":
		return m.Method + " (no customer: can't be charged)"
	default:
		return m.Method + " of " + m.Customer
	}
}

// profileJSON is a profile as JSON, with the names of the contract's records.
type profileJSON struct {
	Account       string        `json:"account"`
	Plan          string        `json:"plan"`
	WaitingPlan   *string       `json:"waiting_plan"`
	Email         string        `json:"email"`
	EmailVerified bool          `json:"email_verified"`
	Recipients    []string      `json:"recipients"`
	OptOuts       []string      `json:"opt_outs"`
	Primary       *methodJSON   `json:"primary"`
	Backup        *methodJSON   `json:"backup"`
	OpenPurchase  *string       `json:"open_purchase"`
	Webhooks      []webhookJSON `json:"webhooks"`
}

type methodJSON struct {
	Method   string `json:"method"`
	Customer string `json:"customer"`
}

type webhookJSON struct {
	Endpoint      string   `json:"endpoint"`
	URL           string   `json:"url"`
	Kinds         []string `json:"kinds"` // null: all
	SecretVersion int64    `json:"secret_version"`
	Disabled      *string  `json:"disabled"`
}

func printProfileJSON(p *drawdown.Profile) error {
	out := profileJSON{
		Account: p.Account, Plan: p.Plan.ID, WaitingPlan: optional(p.WaitingPlan), Email: p.Email, EmailVerified: p.EmailVerified,
		Recipients: append([]string{}, p.Recipients...), OptOuts: append([]string{}, p.OptOuts...),
		Primary: methodOf(p.Primary), Backup: methodOf(p.Backup), OpenPurchase: optional(p.OpenPurchase), Webhooks: []webhookJSON{},
	}
	for i := range p.Webhooks {
		w := &p.Webhooks[i]
		out.Webhooks = append(out.Webhooks, webhookJSON{w.Endpoint, w.URL, w.Kinds, w.SecretVersion, optional(w.Disabled)})
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func methodOf(m drawdown.PaymentMethod) *methodJSON {
	if m.Method == "" {
		return nil
	}
	return &methodJSON{m.Method, m.Customer}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

type accountContactsCommand struct {
	operationFlags
	Email         string   `help:"The account's new e-mail address." placeholder:"ADDRESS"`
	EmailVerified bool     `help:"The new address is known to be the customer's."`
	Recipients    []string `help:"Who else gets notices: all of them, with commas." placeholder:"ADDRESS,…" xor:"recipients"`
	NoRecipients  bool     `help:"Nobody else gets notices." xor:"recipients"`
	OptOuts       []string `help:"Kinds of notices that are not wanted by e-mail: all of them, with commas." placeholder:"KIND,…" xor:"opt-outs"`
	NoOptOuts     bool     `help:"All kinds are wanted." xor:"opt-outs"`
}

// Run implements the command.
func (c *accountContactsCommand) Run(ctx context.Context, line *commands) error {
	data := map[string]any{}
	if c.Email != "" {
		data["email"], data["email_verified"] = c.Email, c.EmailVerified
	}
	if len(c.Recipients) > 0 || c.NoRecipients {
		data["recipients"] = append([]string{}, c.Recipients...)
	}
	if len(c.OptOuts) > 0 || c.NoOptOuts {
		data["opt_outs"] = append([]string{}, c.OptOuts...)
	}
	if len(data) == 0 {
		return fmt.Errorf("nothing to change; 'drawdown account profile %s' shows what is set", c.Account)
	}
	return c.append(ctx, line, drawdown.ContactsSet, data)
}

type accountWebhookCommand struct {
	Set    webhookSetCommand    `cmd:"" help:"Send notices to a URL, or change an endpoint; enables one that was disabled."`
	Remove webhookRemoveCommand `cmd:"" help:"Forget an endpoint."`
	Secret webhookSecretCommand `cmd:"" help:"Print the secret that an endpoint's notices are signed with."`
}

type webhookSetCommand struct {
	operationFlags
	Endpoint string   `arg:"" help:"A name for the endpoint."`
	URL      string   `help:"Where notices are posted; unchanged where left out." placeholder:"URL"`
	Kinds    []string `help:"Only these kinds, with commas. Unchanged where left out; all for a new endpoint." placeholder:"KIND,…" xor:"kinds"`
	AllKinds bool     `help:"All kinds." xor:"kinds"`
	Rotate   bool     `help:"Sign with a new secret. The one before stays valid for a day."`
}

// Run implements the command.
func (c *webhookSetCommand) Run(ctx context.Context, line *commands) error {
	data := map[string]any{"endpoint": c.Endpoint, "secret_version": int64(1)}
	err := line.withProfile(ctx, c.Account, func(config *app.Config, profile *drawdown.Profile) error {
		before := endpointOf(profile, c.Endpoint)
		if before != nil {
			data["url"], data["secret_version"] = before.URL, before.SecretVersion
			if before.Kinds != nil && !c.AllKinds {
				data["kinds"] = before.Kinds
			}
		}
		if c.URL != "" {
			data["url"] = c.URL
		}
		if data["url"] == nil {
			return fmt.Errorf("account %s has no endpoint %s yet: give its --url", c.Account, c.Endpoint)
		}
		if c.Rotate {
			data["secret_version"] = data["secret_version"].(int64) + 1
		}
		guard, err := webhook.NewGuard(&config.Webhooks)
		if err != nil {
			return err
		}
		_, err = guard.CheckURL(data["url"].(string))
		return err
	})
	if err != nil {
		return err
	}
	if len(c.Kinds) > 0 {
		data["kinds"] = c.Kinds
	}
	return c.append(ctx, line, drawdown.WebhookSet, data)
}

func endpointOf(profile *drawdown.Profile, endpoint string) *drawdown.Webhook {
	for i := range profile.Webhooks {
		if profile.Webhooks[i].Endpoint == endpoint {
			return &profile.Webhooks[i]
		}
	}
	return nil
}

type webhookRemoveCommand struct {
	operationFlags
	Endpoint string `arg:"" help:"The endpoint's name."`
}

// Run implements the command.
func (c *webhookRemoveCommand) Run(ctx context.Context, line *commands) error {
	return c.append(ctx, line, drawdown.WebhookRemoved, map[string]any{"endpoint": c.Endpoint})
}

type webhookSecretCommand struct {
	Account  string `arg:"" help:"The account's id."`
	Endpoint string `arg:"" help:"The endpoint's name."`
}

func (*webhookSecretCommand) Help() string {
	return `The secret follows from webhooks.master_key, the account, the endpoint and its secret's version; it is stored nowhere. Show it
to nobody but the customer. See docs/webhooks.md.`
}

// Run implements the command.
func (c *webhookSecretCommand) Run(ctx context.Context, line *commands) error {
	return line.withProfile(ctx, c.Account, func(config *app.Config, profile *drawdown.Profile) error {
		endpoint := endpointOf(profile, c.Endpoint)
		if endpoint == nil {
			return fmt.Errorf("account %s has no endpoint %s; 'drawdown account profile %s' lists them", c.Account, c.Endpoint, c.Account)
		}
		secrets, err := webhook.NewSecrets(&config.Webhooks)
		if err != nil {
			return fmt.Errorf("webhooks: %w", err)
		}
		fmt.Println(secrets.Secret(c.Account, c.Endpoint, endpoint.SecretVersion))
		return nil
	})
}
