package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"drawdown"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

// purchasesPerPage is how many purchases a page lists.
const purchasesPerPage = 25

// purchasesPage is where credits are bought, and what was bought.
type purchasesPage struct {
	*shell
	Buy       *buyForm
	Trouble   string
	AsOf      moment
	Purchases []purchaseRow
	Next      string
}

// purchaseRow is one purchase.
type purchaseRow struct {
	ID          string
	Kind        string
	Tone, State string
	Detail      string // what happened, or happens next
	When        moment
	Quantity    string
	Amount, Tax string
	Receipt     string // an address, "" for none
	ReceiptName string // a receipt that is no address
	Refunded    string // credits taken back, "" for none
}

func (v *visit) purchases() error {
	if !v.r.URL.Query().Has("quantity") {
		return v.purchasesOf(nil, http.StatusOK, nil)
	}
	quantity := v.field("quantity")
	return v.purchasesOf(nil, http.StatusOK, &quantity)
}

// purchasesOf renders the purchases; with a problem where an order was refused, and the quantity that was asked for, nil
// for the plan's default.
func (v *visit) purchasesOf(problem *banner, status int, quantity *string) error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	page := &purchasesPage{shell: v.shell("purchases", "Purchases").of(f, "")}
	if problem != nil {
		page.Said = problem
	}
	if page.Buy, err = v.buyForm(f, quantity); err != nil {
		return err
	}
	found, err := v.Office.Purchases(v.ctx(), v.principal, v.account, report.PurchaseQuery{
		Cursor: v.r.URL.Query().Get("cursor"), Limit: purchasesPerPage,
	})
	if err != nil {
		if page.Trouble, err = v.unavailable(err, "your purchases"); err != nil {
			return err
		}
		return v.render(status, "purchases", page)
	}
	page.AsOf = moment{found.AsOf}
	for i := range found.Purchases {
		page.Purchases = append(page.Purchases, purchaseOf(&found.Purchases[i]))
	}
	if found.Next != "" {
		page.Next = v.url("purchases", "cursor", found.Next)
	}
	return v.render(status, "purchases", page)
}

func purchaseOf(p *report.Purchase) purchaseRow {
	row := purchaseRow{
		ID: oneLine(p.ID), Kind: "By hand", Quantity: groupDecimal(p.Quantity),
		Amount: moneyText(p.Currency, p.Amount), Tax: moneyText(p.Currency, p.Tax), Refunded: groupDecimal(p.Refunded),
	}
	if p.Kind == "auto" {
		row.Kind = "Auto-purchase"
	}
	switch p.State {
	case "settled":
		row.Tone, row.State, row.When = "good", "Paid", moment{p.SettledAt}
	case "failed":
		row.Tone, row.State, row.When, row.Detail = "bad", "Failed", moment{p.FailedAt}, reasonText(p.Reason)
	default:
		row.Tone, row.State, row.When = "info", "Waiting for payment", moment{p.RequestedAt}
		if p.Reason != "" {
			row.Detail = reasonText(p.Reason) + " It is tried again."
		}
	}
	if p.Receipt != "" {
		if parsed, err := url.Parse(p.Receipt); err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" && parsed.User == nil {
			row.Receipt = p.Receipt
		} else {
			row.ReceiptName = oneLine(p.Receipt)
		}
	}
	return row
}

// reasonText says why a payment was refused. What is not known here is not quoted: a gateway's code helps no customer.
func reasonText(reason string) string {
	switch reason {
	case "card_declined":
		return "The bank declined the card."
	case "expired_card":
		return "The card has expired."
	case "insufficient_funds":
		return "There was not enough money on the card’s account."
	case "authentication_required":
		return "The bank wants you to confirm the payment yourself: save the card again and confirm it there."
	case "no_payment_method":
		return "No card was saved."
	case "timeout":
		return "The payment was not completed within 24 hours."
	default:
		return "The payment could not be completed."
	}
}

// buyForm is where a quantity is chosen.
type buyForm struct {
	*shell
	Offered            bool
	SoldBy             []string // plans that sell credits, where this one does not
	Unit, Min, Max     int64
	Quantity           string // as it stands in the field
	Fault              string // what is wrong with it
	Price              price
	Total              string // what the quantity costs, "" while it is wrong
	Expires            string
	UnitShown          amount
	MinShown, MaxShown amount
	Currency           string
	Many               bool // more than the maximum was asked for
}

func (v *visit) buyForm(f *facts, quantity *string) (*buyForm, error) {
	terms := &f.plan.Purchase
	form := &buyForm{
		shell: v.shell("", ""), Offered: terms.Orders, Unit: terms.Unit, Min: terms.Min, Max: terms.Max, Quantity: strconv.FormatInt(terms.Default, 10),
		Price: priceOf(f.plan, 0), UnitShown: whole(terms.Unit), MinShown: whole(terms.Min), MaxShown: whole(terms.Max), Currency: f.plan.Currency,
		Expires: "They are valid until the end of your plan’s period, " + momentOf(f.Balance.PeriodTo).Date() + ".",
	}
	if terms.ValidMonths > 0 {
		form.Expires = "They are valid for " + plural(int64(terms.ValidMonths), "month", "months") + " from payment."
	}
	if !form.Offered {
		var err error
		form.SoldBy, err = v.sellers(f.plan)
		return form, err
	}
	if quantity != nil {
		form.Quantity = *quantity
	}
	n, fault := quantityOf(form.Quantity, terms)
	if form.Fault = fault; fault == "" {
		form.Total = form.Price.Shown(n)
	}
	form.Many = n > terms.Max
	return form, nil
}

// quantityOf reads a quantity and says what is wrong with it.
func quantityOf(text string, terms *drawdown.PurchaseTerms) (quantity int64, fault string) {
	quantity, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
	switch {
	case err != nil:
		return 0, "Enter a whole number of credits."
	case quantity < terms.Min:
		return quantity, "The least you can buy at once is " + whole(terms.Min).Text() + "."
	case quantity > terms.Max:
		return quantity, "The most you can buy at once is " + whole(terms.Max).Text() + "."
	case quantity%terms.Unit != 0:
		return quantity, "Credits are sold in units of " + whole(terms.Unit).Shown + "."
	default:
		return quantity, ""
	}
}

// sellers are the other plans under which credits can be bought.
func (v *visit) sellers(own *drawdown.Plan) ([]string, error) {
	plans, err := v.Office.Plans(v.ctx())
	if err != nil {
		_, err = v.unavailable(err, "the plans")
		return nil, err
	}
	var names []string
	for _, plan := range plans {
		if plan.Purchase.Orders && plan.ID != own.ID {
			names = append(names, oneLine(plan.ID))
		}
	}
	return names, nil
}

// order begins an order and sends the visitor to the checkout.
func (v *visit) order() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	text := v.field("quantity")
	quantity, fault := quantityOf(text, &f.plan.Purchase)
	if f.plan.Purchase.Orders && fault != "" { // where the plan does not sell, the office says so
		return v.purchasesOf(nil, http.StatusUnprocessableEntity, &text)
	}
	order, err := v.Office.Order(v.ctx(), v.principal, v.account, quantity, office.Write{Key: onceFor(v.field("key"), quantity)})
	if err != nil {
		problem, status, err := refusal(err)
		if err != nil {
			return err
		}
		return v.purchasesOf(problem, status, &text)
	}
	v.begin(begun{what: "order", id: order.Purchase})
	return v.seeOther(order.URL)
}

// onceFor is the key of an order: the same form sent twice is one order, and with another quantity another.
func onceFor(key string, quantity int64) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key + "\n" + strconv.FormatInt(quantity, 10)))
	return hex.EncodeToString(sum[:16])
}

// settled looks for a purchase: whether it was paid, and what it is by the ledger, as soon as that has it.
func (v *visit) settled(ctx context.Context, f *facts, purchase string) (bool, *report.Purchase, error) {
	for i := range f.Balance.Grants { // known at once
		if f.Balance.Grants[i].Grant == purchase {
			return true, nil, nil
		}
	}
	page, err := v.Office.Purchases(ctx, v.principal, v.account, report.PurchaseQuery{Limit: purchasesPerPage}) // seconds later
	if err != nil {
		_, err = v.unavailable(err, "your purchases")
		return false, nil, err
	}
	for i := range page.Purchases {
		if p := &page.Purchases[i]; p.ID == purchase {
			return p.State == "settled", p, nil
		}
	}
	return false, nil, nil
}
