package page

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"drawdown"
	"drawdown/api/office"
	"drawdown/notify"
)

// settingsPage is what a customer decides.
type settingsPage struct {
	*shell
	Auto        autoCard
	Payment     paymentCard
	Contacts    contactsForm
	Connections []connectionRow
	Gate        gateForm
}

// contactsForm is who is told of what.
type contactsForm struct {
	Email      string
	Verified   bool
	Recipients string // one a line
	Kinds      []choice
}

// choice is one thing that can be chosen.
type choice struct {
	Value, Label string
	Chosen       bool
}

// connectionRow is a connection and its priority.
type connectionRow struct {
	Name, Shown         string
	Source, Destination string
	Anchor              string
	Stopped, Free       bool
	Priorities          []choice
}

// gateForm is what may start when credits run short, and the breaker.
type gateForm struct {
	Reserve, Factor, Min string
}

func (v *visit) settings() error { return v.settingsOf(nil, http.StatusOK) }

// settingsOf renders the settings; with a problem where a form of them was refused.
func (v *visit) settingsOf(problem *banner, status int) error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	page := &settingsPage{
		shell: v.shell("settings", "Settings").of(f, ""), Auto: v.autoCard(f), Payment: v.paymentCard(f),
		Contacts: contactsOf(&f.Profile), Gate: gateForm{Reserve: f.Reserve.String(), Min: f.RunawayMin.String()},
	}
	if f.RunawayFactor > 0 {
		page.Gate.Factor = strconv.FormatInt(f.RunawayFactor, 10)
	}
	if problem != nil {
		page.Said = problem
	}
	for i := range f.Connections {
		c := &f.Connections[i]
		if !c.Known {
			continue
		}
		row := connectionRow{
			Name: c.Connection, Shown: oneLine(c.Connection), Anchor: anchor(c.Connection), Source: oneLine(c.SourceConnector),
			Destination: oneLine(c.DestinationConnector), Stopped: c.Stopped, Free: c.Free,
		}
		for _, p := range drawdown.Priorities {
			row.Priorities = append(row.Priorities, choice{p.String(), priorityText(p), p == c.Priority})
		}
		page.Connections = append(page.Connections, row)
	}
	return v.render(status, "settings", page)
}

func priorityText(p drawdown.Priority) string {
	switch p {
	case drawdown.PriorityCritical:
		return "Critical"
	case drawdown.PriorityLow:
		return "Low"
	case drawdown.PriorityNormal, drawdown.PriorityCount:
	}
	return "Normal"
}

func contactsOf(p *drawdown.Profile) contactsForm {
	form := contactsForm{Email: p.Email, Verified: p.EmailVerified, Recipients: strings.Join(p.Recipients, "\n")}
	for _, kind := range notify.Kinds {
		form.Kinds = append(form.Kinds, choice{string(kind), kindText(kind), !slices.Contains(p.OptOuts, string(kind))})
	}
	return form
}

// kindText is what a kind of notice tells.
func kindText(kind notify.Kind) string {
	switch kind {
	case notify.LowBalance:
		return "Credits run low"
	case notify.UsagePercent:
		return "A part of the plan’s credits is used"
	case notify.Exhausted:
		return "Credits are used up"
	case notify.Resumed:
		return "Syncs can run again"
	case notify.PurchaseSettled:
		return "Credits were bought"
	case notify.PaymentDeclined:
		return "A payment was declined and is tried again"
	case notify.PaymentFailed:
		return "A payment failed"
	case notify.PurchaseRefunded:
		return "A purchase was refunded"
	case notify.CreditsExpiring:
		return "Credits expire soon"
	case notify.CreditsExpired:
		return "Credits have expired"
	case notify.LeavingFreeProgram:
		return "A connection leaves the Free Connector Program"
	case notify.AutoPurchaseCapped:
		return "Auto-purchase reached its limit"
	case notify.WebhookDisabled:
		return "A webhook was switched off"
	case notify.Runaway:
		return "A sync used far more than usual"
	}
	return string(kind)
}

// recipientsMax is how many further addresses an account may have (contract, section 9).
const recipientsMax = 20

// setContacts saves who is told of what. The e-mail counts as verified no more once it is another.
func (v *visit) setContacts() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	if err := v.r.ParseForm(); err != nil {
		return errUnreadable
	}
	recipients := []string{}
	for _, line := range strings.FieldsFunc(v.field("recipients"), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ';' }) {
		if address := strings.TrimSpace(line); address != "" && !slices.Contains(recipients, address) {
			recipients = append(recipients, address)
		}
	}
	set := office.SetContacts{Recipients: &recipients, OptOuts: v.optOuts(&f.Profile)}
	if email := v.field("email"); email != f.Profile.Email {
		set.Email = &email
	}
	if fault := contactsFault(set); fault != "" {
		return v.settingsOf(invalid(fault), http.StatusUnprocessableEntity)
	}
	return v.do(set, "settings", "contacts_saved", v.settingsOf)
}

// optOuts are the kinds that are not chosen, and those that this page does not know of.
func (v *visit) optOuts(p *drawdown.Profile) *[]string {
	outs := []string{}
	for _, out := range p.OptOuts {
		if !slices.Contains(notify.Kinds, notify.Kind(out)) {
			outs = append(outs, out)
		}
	}
	for _, kind := range notify.Kinds {
		if !slices.Contains(v.r.PostForm["kinds"], string(kind)) {
			outs = append(outs, string(kind))
		}
	}
	return &outs
}

// contactsFault says what is wrong with addresses. Whether they exist only a mail can tell.
func contactsFault(set office.SetContacts) string {
	addresses := *set.Recipients
	if len(addresses) > recipientsMax {
		return fmt.Sprintf("There can be at most %d further addresses.", recipientsMax)
	}
	if set.Email != nil {
		addresses = append([]string{*set.Email}, addresses...)
	}
	for _, address := range addresses {
		local, domain, found := strings.Cut(address, "@")
		if !found || local == "" || !strings.Contains(domain, ".") || strings.ContainsAny(address, " \t<>\"") || len(address) > 128 {
			return "“" + oneLine(address) + "” is not an e-mail address."
		}
	}
	return ""
}

func invalid(text string) *banner {
	return &banner{ID: "said", Tone: "bad", Title: "That was not saved", Text: text}
}

// setPriority says how much a connection matters when credits run short.
func (v *visit) setPriority() error {
	set := office.Prioritize{Connection: v.r.PostFormValue("connection"), Priority: v.field("priority")}
	return v.do(set, "settings", "priority_saved", v.settingsOf)
}

// setGate saves the reserve and the breaker.
func (v *visit) setGate() error {
	var set office.SetGate
	for _, member := range []struct {
		name string
		into *drawdown.Credits
	}{{"reserve", &set.Reserve}, {"runaway_min", &set.RunawayMin}} {
		text := strings.ReplaceAll(v.field(member.name), ",", "")
		if text == "" {
			continue
		}
		amount, ok := drawdown.ParseCredits([]byte(text))
		if !ok || amount < 0 {
			return v.settingsOf(invalid("Enter an amount of credits such as 50 or 12.5."), http.StatusUnprocessableEntity)
		}
		*member.into = amount
	}
	if text := v.field("runaway_factor"); text != "" {
		factor, err := strconv.ParseInt(text, 10, 64)
		if err != nil || factor < 2 || factor > 1000 {
			return v.settingsOf(invalid("How many times the usual cost is too much is a whole number from 2 to 1000, or nothing."), http.StatusUnprocessableEntity)
		}
		set.RunawayFactor = factor
	}
	return v.do(set, "settings", "gate_saved", v.settingsOf)
}

// acknowledge lets a stopped connection go on.
func (v *visit) acknowledge() error {
	return v.do(office.AcknowledgeRunaway{Connection: v.r.PostFormValue("connection")}, "", "acknowledged", v.againOnOverview)
}
