package page

import (
	"encoding/json"
	"errors"
	"time"

	"drawdown"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

// banner is something that needs attention, and what helps.
type banner struct {
	ID    string // of the element: the same banner keeps it
	Tone  string // info, good, warn, bad
	Title string
	Text  string
	List  []string
	// Action is what helps: a link, or a form with a button. nil for none.
	Action *action
}

// action is a link, or with Fields a form.
type action struct {
	Label, URL string
	Post       bool
	Fields     map[string]string
}

// banners are what an account needs to know now, the most urgent first.
func (v *visit) banners(f *facts) []banner {
	var all []banner
	if f.paymentFailed() {
		all = append(all, v.paymentFailedBanner(f))
	}
	if b := v.statusBanner(f); b != nil {
		all = append(all, *b)
	}
	if f.capped() {
		all = append(all, banner{
			ID: "banner-capped", Tone: "warn", Title: "Auto-purchase has reached its limit",
			Text:   "Credits are due to be bought, but " + v.limitText(f) + ". Nothing is bought until the limit is raised or the next period starts on " + momentOf(f.Balance.PeriodTo).Date() + ".",
			Action: &action{Label: "Change auto-purchase", URL: v.url("settings") + "#auto-purchase"},
		})
	}
	for _, name := range f.stopped() {
		all = append(all, banner{
			ID: "banner-stopped-" + anchor(name), Tone: "bad", Title: "Stopped: " + oneLine(name),
			Text:   "A sync of this connection used many times more credits than usual, so no further sync of it starts. Check what it read, then let it go on.",
			Action: &action{Label: "Let it go on", URL: v.url("settings/acknowledgement"), Post: true, Fields: map[string]string{"connection": name}},
		})
	}
	return all
}

func (v *visit) paymentFailedBanner(f *facts) banner {
	b := banner{
		ID: "banner-payment", Tone: "bad", Title: "Your last payment failed",
		Text: "No credits are bought automatically until you save a card that works.",
	}
	if f.balance() > 0 {
		b.Text += " Syncs run as long as you have credits."
	}
	b.Action = &action{Label: "Fix payment", URL: v.url("cards"), Post: true, Fields: map[string]string{"slot": "primary"}}
	return b
}

// statusBanner is about credits that are gone or nearly so.
func (v *visit) statusBanner(f *facts) *banner {
	switch f.Balance.Status {
	case drawdown.Exhausted, drawdown.PaymentFailed:
		return &banner{ID: "banner-status", Tone: "bad", Title: "You are out of credits", Text: "Syncs do not start until there are credits again." + owing(f), Action: v.buyAction(f)}
	case drawdown.Grace:
		return &banner{ID: "banner-status", Tone: "warn", Title: "You are out of credits", Text: "Syncs still run for a limited time. Buy credits to keep them running." + owing(f), Action: v.buyAction(f)}
	case drawdown.Purchasing:
		return &banner{ID: "banner-status", Tone: "info", Title: "Credits are on their way", Text: "Your credits are used up and an auto-purchase is being paid. Syncs go on meanwhile."}
	case drawdown.Active, drawdown.StatusNone, drawdown.StatusCount:
	}
	if f.isLow() {
		return &banner{ID: "banner-status", Tone: "warn", Title: "Credits are running low", Text: "You have " + credits(f.Balance.Available).Text() + " left.", Action: v.buyAction(f)}
	}
	return nil
}

// owing says that usage is to be made up for.
func owing(f *facts) string {
	if f.Balance.Overdraft == 0 {
		return ""
	}
	return " Usage of " + credits(f.Balance.Overdraft).Text() + " is not covered yet; the next credits make up for it."
}

// buyAction leads to where credits are bought, where the plan sells any.
func (v *visit) buyAction(f *facts) *action {
	if !f.plan.Purchase.Orders {
		return nil
	}
	return &action{Label: "Buy credits", URL: v.url("purchases") + "#buy"}
}

// leavingSpan is how far before its end a notice of leaving the Free Connector Program can have been given (contract,
// section 5), and a day.
const leavingSpan = 15 * 24 * time.Hour

// leavingNoticesMax bounds how many notices are looked through.
const leavingNoticesMax = 500

// leaving are the connections that will cost credits soon, by the notices in the ledger. They are no reason to fail: a page
// without them is still right about everything it shows.
func (v *visit) leaving(f *facts) []banner {
	if f.EnrolledAt == drawdown.NoTime {
		return nil
	}
	page, err := v.Office.Ledger(v.ctx(), v.principal, v.account, report.LedgerQuery{
		Types: []string{"notice"}, From: f.Now.Add(-leavingSpan), Limit: leavingNoticesMax,
	})
	if err != nil {
		v.Logger.WarnContext(v.ctx(), "the ledger could not be read for notices", "account", v.account, "error", err)
		return nil
	}
	var all []banner
	seen := map[string]bool{}
	for i := range page.Entries {
		b, name := leavingBanner(&page.Entries[i], f)
		if b != nil && !seen[name] {
			seen[name] = true
			all = append(all, *b)
		}
	}
	return all
}

// leavingBanner is the banner of a notice, nil where it is of another kind or not about the future.
func leavingBanner(entry *report.Entry, f *facts) (*banner, string) {
	var notice struct {
		Kind       string `json:"kind"`
		Connection string `json:"connection"`
		GAAt       string `json:"ga_at"`
	}
	if err := json.Unmarshal(entry.Line, &notice); err != nil || notice.Kind != "leaving_free_program" {
		return nil, ""
	}
	at, ok := drawdown.ParseTime([]byte(notice.GAAt))
	connection := f.connection(notice.Connection)
	if !ok || at <= f.now || connection == nil || !connection.Known {
		return nil, ""
	}
	return &banner{
		ID: "banner-leaving-" + anchor(notice.Connection), Tone: "info",
		Title: oneLine(notice.Connection) + " leaves the Free Connector Program",
		Text:  "It is free until " + momentOf(at).Date() + ". From then on both of its connectors are generally available, and its syncs use credits.",
	}, notice.Connection
}

// said is what a form that was done says on the page that follows, by a word in the address: closed, so that nobody can
// put sentences of theirs on the page.
func said(word string) *banner {
	texts := map[string]banner{
		"appended":            {Tone: "info", Title: "Noted", Text: "It will show here within moments."},
		"enrolled":            {Tone: "good", Title: "Welcome to the Free Connector Program", Text: "Connections with an alpha or beta connector are free from now on."},
		"auto_purchase_on":    {Tone: "good", Title: "Auto-purchase is on"},
		"auto_purchase_off":   {Tone: "good", Title: "Auto-purchase is off", Text: "Nothing is bought without you."},
		"card_removed":        {Tone: "good", Title: "The card is removed"},
		"contacts_saved":      {Tone: "good", Title: "Contacts are saved"},
		"priority_saved":      {Tone: "good", Title: "The priority is saved"},
		"gate_saved":          {Tone: "good", Title: "The limits are saved"},
		"acknowledged":        {Tone: "good", Title: "The connection may sync again"},
		"cancelled":           {Tone: "info", Title: "Nothing was paid", Text: "You left the checkout before it was done."},
		"signed_out":          {Tone: "info", Title: "You are signed out"},
		"sign_in_link_failed": {Tone: "bad", Title: "This link does not work any more", Text: "Sign-in links work once and for some minutes. Ask for a new one."},
		"sign_in_failed":      {Tone: "bad", Title: "Signing in did not work", Text: "Please try again."},
	}
	b, known := texts[word]
	if !known {
		return nil
	}
	b.ID = "said"
	return &b
}

// unavailable is what a part of a page says that could not be read, or an error that the whole page must say.
func (v *visit) unavailable(err error, what string) (string, error) {
	var refused *office.Error
	if errors.As(err, &refused) && refused.Kind != office.Unavailable {
		return "", err
	}
	v.Logger.ErrorContext(v.ctx(), "a part of the billing page failed", "part", what, "account", v.account, "error", err)
	return "We can’t show " + what + " right now. Please try again in a minute.", nil
}
