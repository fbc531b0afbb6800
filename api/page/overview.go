package page

import (
	"net/http"

	"drawdown"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

// overviewPage is the first page: what there is, how long it lasts, and where more is bought.
type overviewPage struct {
	*shell
	Credits  *creditsCard
	Forecast forecastView
	Used     usedView
	Buy      *buyForm
	Payment  paymentCard
	Program  programCard
	Auto     autoCard
	Leaving  []banner
}

// overview answers the first page.
func (v *visit) overview() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	return v.overviewOf(f, nil, 0)
}

// overviewOf renders the overview; with a problem where a form of it was refused.
func (v *visit) overviewOf(f *facts, problem *banner, status int) error {
	page := v.overviewPage(f)
	if problem != nil {
		page.Said = problem
	}
	var err error
	if page.Forecast, err = v.forecast(f); err != nil {
		return err
	}
	if page.Used, err = v.used(f); err != nil {
		return err
	}
	if page.Buy, err = v.buyForm(f, nil); err != nil {
		return err
	}
	page.Leaving = v.leaving(f)
	return v.render(max(status, http.StatusOK), "overview", page)
}

// overviewPage is what the balance alone says: all that refreshes by itself.
func (v *visit) overviewPage(f *facts) *overviewPage {
	return &overviewPage{
		shell: v.shell("", "Overview").of(f, "overview"), Credits: v.creditsCard(f), Payment: v.paymentCard(f), Program: v.programCard(f),
		Auto: v.autoCard(f),
	}
}

// creditsCard is what an account has. It refreshes by itself.
type creditsCard struct {
	*shell
	Available, Held, Overdraft amount
	Status                     statusView
	Plan, WaitingPlan          string
	Sells                      bool // the plan sells credits
	PeriodTo                   moment
	Grants                     []grantView
	Holds                      []holdView
}

// grantView is one grant.
type grantView struct {
	Category          string
	Amount, Remaining amount
	PercentLeft       string // of the amount
	Expires           moment
	Soon              bool // it expires within a month
}

// holdView is one hold.
type holdView struct {
	Connection string
	Job        uint64
	Amount     amount
	Waiting    bool
	Expires    moment
}

// statusView is a status in plain words.
type statusView struct {
	Tone, Label, Text string
}

func (v *visit) creditsCard(f *facts) *creditsCard {
	b := &f.Balance
	card := &creditsCard{
		shell: v.shell("", "").of(f, "overview"), Available: credits(b.Available), Held: credits(b.Held), Overdraft: credits(b.Overdraft),
		Status: statusOf(b.Status), Plan: oneLine(f.plan.ID), Sells: f.plan.Purchase.Orders, PeriodTo: momentOf(b.PeriodTo),
	}
	if f.Profile.WaitingPlan != "" {
		card.WaitingPlan = oneLine(f.Profile.WaitingPlan)
	}
	for i := range b.Grants {
		card.Grants = append(card.Grants, grantOf(&b.Grants[i], f.now))
	}
	for i := range b.Holds {
		h := &b.Holds[i]
		card.Holds = append(card.Holds, holdView{
			Connection: oneLine(h.Connection), Job: h.Job, Amount: credits(h.Remaining), Waiting: h.Waiting, Expires: momentOf(h.ExpiresAt),
		})
	}
	return card
}

// soon is how long before its end a grant is marked.
const soon = 30 * drawdown.Day

func grantOf(g *drawdown.GrantBalance, now drawdown.Time) grantView {
	view := grantView{
		Category: categoryText(g.Category), Amount: credits(g.Amount), Remaining: credits(g.Remaining), Expires: momentOf(g.ExpiresAt),
		Soon: g.ExpiresAt != drawdown.Never && g.ExpiresAt-now < soon,
	}
	if g.Amount > 0 {
		view.PercentLeft = percent(shareOf(g.Remaining, g.Amount, 10_000))
	}
	return view
}

// shareOf is part/all in so many equal pieces, at least one where there is something.
func shareOf(part, all drawdown.Credits, pieces int64) int64 {
	if part <= 0 || all <= 0 {
		return 0
	}
	// An account holds less than 2^63 nano-credits: credits are cut to thousandths first, so the product fits.
	const cut = drawdown.Credit / 1000
	if all < cut {
		return max(int64(part)*pieces/int64(all), 1)
	}
	return min(max(int64(part/cut)*pieces/int64(all/cut), 1), pieces)
}

func categoryText(c drawdown.Category) string {
	switch c {
	case drawdown.SubscriptionGrant:
		return "Subscription"
	case drawdown.PromotionalGrant:
		return "Promotional"
	case drawdown.PurchasedGrant:
		return "Purchased"
	case drawdown.CategoryCount:
	}
	return ""
}

func statusOf(s drawdown.Status) statusView {
	switch s {
	case drawdown.Active:
		return statusView{"good", "Active", "Your syncs can run."}
	case drawdown.Purchasing:
		return statusView{"info", "Buying credits", "Credits are being bought; your syncs can run meanwhile."}
	case drawdown.Grace:
		return statusView{"warn", "Out of credits", "Your syncs can still run for a limited time."}
	case drawdown.PaymentFailed:
		return statusView{"bad", "Payment failed", "Your syncs do not start until a payment succeeds."}
	case drawdown.Exhausted:
		return statusView{"bad", "Out of credits", "Your syncs do not start until there are credits."}
	case drawdown.StatusNone, drawdown.StatusCount:
	}
	return statusView{"info", "Opening", "The account is being opened."}
}

// forecastView says when credits run out if usage goes on as it did.
type forecastView struct {
	Trouble string // why there is none
	Gone    bool   // there are no credits
	PerDay  amount
	RunsOut moment // zero: not within a year
	Used    bool   // there was usage to tell it from
}

func (v *visit) forecast(f *facts) (forecastView, error) {
	if f.Balance.Available <= 0 {
		return forecastView{Gone: true}, nil
	}
	forecast, err := v.Office.Forecast(v.ctx(), v.principal, v.account)
	if err != nil {
		text, err := v.unavailable(err, "the forecast")
		return forecastView{Trouble: text}, err
	}
	return forecastView{PerDay: total(forecast.PerDay), Used: !forecast.PerDay.IsZero(), RunsOut: moment{forecast.RunsOutAt}}, nil
}

// usedView is what was used in the plan's period.
type usedView struct {
	Trouble      string
	Billed, Free amount
	Top          []usedBy
	AsOf         moment
}

// usedBy is one of the connections that used the most.
type usedBy struct {
	Connection   string
	Billed, Free amount
}

// topShown is how many connections the overview names.
const topShown = 3

func (v *visit) used(f *facts) (usedView, error) {
	usage, err := v.Office.Usage(v.ctx(), v.principal, v.account, report.UsageQuery{
		Window: report.Period, By: report.ByConnection, Top: topShown,
		From: momentOf(f.Balance.PeriodFrom).Time, To: momentOf(f.Balance.PeriodTo).Time,
	})
	if err != nil {
		text, err := v.unavailable(err, "your usage")
		return usedView{Trouble: text}, err
	}
	view := usedView{Billed: total(usage.Total.Total.Billed), Free: total(usage.Total.Total.Free), AsOf: moment{usage.AsOf}}
	for i := range usage.Series {
		series := &usage.Series[i]
		view.Top = append(view.Top, usedBy{oneLine(series.Name), total(series.Total.Billed), total(series.Total.Free)})
	}
	return view, nil
}

// paymentCard is who pays.
type paymentCard struct {
	Saved, BackupSaved, Failed bool
}

func (v *visit) paymentCard(f *facts) paymentCard {
	return paymentCard{Saved: f.Profile.Primary.Method != "", BackupSaved: f.Profile.Backup.Method != "", Failed: f.paymentFailed()}
}

// programCard is the Free Connector Program: its preconditions, each met or not, or since when the account is in it.
type programCard struct {
	EnrolledAt    moment
	Enrolled      bool
	Preconditions []precondition
	Ready         bool
}

// precondition is one of the programme's, and what helps where it is not met.
type precondition struct {
	Met          bool
	Text, Remedy string
}

func (v *visit) programCard(f *facts) programCard {
	card := programCard{Enrolled: f.EnrolledAt != drawdown.NoTime, EnrolledAt: momentOf(f.EnrolledAt)}
	e := f.Enrolment
	card.Preconditions = []precondition{
		{e.EmailVerified, "Your e-mail address is verified", "Open the link in the mail that you got when you signed up."},
		{e.PaymentMethod, "A card is saved", "Save one in the settings, under Payment; nothing is charged for it."},
		{e.EligibleConnection, "A connection uses an alpha or beta connector", "Set up a connection whose source or destination is in alpha or beta."},
	}
	card.Ready = e.EmailVerified && e.PaymentMethod && e.EligibleConnection
	return card
}

// enrol joins the Free Connector Program.
func (v *visit) enrol() error {
	return v.do(office.Enrol{}, "", "enrolled", v.againOnOverview)
}

// againOnOverview shows the overview after a refused form.
func (v *visit) againOnOverview(problem *banner, status int) error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	return v.overviewOf(f, problem, status)
}
