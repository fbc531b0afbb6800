package office

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"drawdown"
	"drawdown/notify"
)

// Limits that the contract sets for what an action says, and that this page may explain better than a rejection.
const (
	keyBytesMax      = 64
	recipientsMax    = 20
	kindsMax         = 32
	holdDaysMax      = 35
	factorMin        = 2
	factorMax        = 1000
	secretVersionMax = 1_000_000
)

// faults collects what is wrong with a request, so that all of it is told at once.
type faults []string

func (f *faults) add(member, format string, args ...any) {
	*f = append(*f, member+": "+fmt.Sprintf(format, args...))
}

// refusal is what was collected, nil where nothing was.
func (f *faults) refusal(reason string) error {
	if len(*f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Reason: reason, Detail: strings.Join(*f, "; ") + "."}
}

func (f *faults) name(member, text string) { f.text(member, text, drawdown.MaxNameLen) }

func (f *faults) text(member, text string, limit int) {
	switch {
	case text == "":
		f.add(member, "is missing")
	case len(text) > limit:
		f.add(member, "has %d bytes, allowed are 1 to %d", len(text), limit)
	case !utf8.ValidString(text):
		f.add(member, "is no valid UTF-8")
	}
}

// email judges an address by its form only: whether it reaches anybody is found out by writing to it.
func (f *faults) email(member, text string) {
	f.name(member, text)
	if address, err := mail.ParseAddress(text); text != "" && (err != nil || address.Address != text) {
		f.add(member, "%.128q is no e-mail address such as owner@example.com", text)
	}
}

func (f *faults) list(member string, list []string, limit int, each func(member, text string)) {
	if len(list) > limit {
		f.add(member, "has %d entries, allowed are up to %d", len(list), limit)
	}
	for i, text := range list {
		each(member, text)
		if slices.Contains(list[:i], text) {
			f.add(member, "has %.128q twice", text)
		}
	}
}

func (f *faults) kind(member, text string) {
	if !slices.Contains(notify.Kinds, notify.Kind(text)) {
		f.add(member, "%.128q is no kind of notice; the kinds are %v", text, notify.Kinds)
	}
}

// credits bounds an amount to what a record may hold.
func (f *faults) credits(member string, amount, least drawdown.Credits) {
	if amount < least || amount > drawdown.MaxCreditsRead {
		f.add(member, "is %v, allowed are %v to %v credits", amount, least, drawdown.MaxCreditsRead)
	}
}

// instant checks that a time can be written in a record.
func (f *faults) instant(member string, t time.Time) {
	if _, ok := drawdown.ParseTime([]byte(stamp(t))); !ok {
		f.add(member, "is no time between the years 1970 and 9000")
	}
}

// checkAction says what is wrong with an action, as far as that needs no look at the account. The reasons are those that
// the engine would give.
func checkAction(a Action, now time.Time) error {
	var f faults
	reason := string(drawdown.Malformed)
	switch a := a.(type) {
	case OpenAccount:
		f.name("plan", a.Plan)
		f.email("email", a.Email)
	case ChangePlan:
		f.name("plan", a.Plan)
	case Grant:
		reason = string(drawdown.BadAmount)
		checkGrant(&f, a, now)
	case Void:
		f.text("grant", a.Grant, drawdown.MaxReferenceLen)
	case SetAutoPurchase:
		checkAutoPurchase(&f, a)
	case SetConnection:
		f.name("connection", a.Connection)
		f.name("source", a.Source)
		f.name("destination", a.Destination)
	case RemoveConnection:
		f.name("connection", a.Connection)
	case Prioritize:
		f.name("connection", a.Connection)
		if _, known := drawdown.ParsePriority([]byte(a.Priority)); !known {
			f.add("priority", "is %.64q, allowed are critical, normal, low", a.Priority)
		}
	case SetGate:
		checkGate(&f, a)
	case AcknowledgeRunaway:
		f.name("connection", a.Connection)
	case SetContacts:
		checkContacts(&f, a)
	case SetWebhook:
		checkWebhook(&f, a)
	case RemoveWebhook:
		f.name("endpoint", a.Endpoint)
	case PlaceHold:
		reason = string(drawdown.BadHold)
		checkHold(&f, a, now)
	case ReleaseHold:
		f.name("hold", a.Hold)
	case VerifyEmail, RemovePaymentMethod, Enrol: // nothing in them can be wrong
	}
	return f.refusal(reason)
}

func checkGrant(f *faults, a Grant, now time.Time) {
	f.credits("amount", a.Amount, 1)
	if a.Category != drawdown.PromotionalGrant && a.Category != drawdown.PurchasedGrant {
		f.add("category", "allowed are promotional and purchased")
	}
	if a.ExpiresAt.IsZero() {
		return
	}
	f.instant("expires_at", a.ExpiresAt)
	if !a.ExpiresAt.After(now) {
		f.add("expires_at", "is over already: it must lie ahead, or be left out for never")
	}
}

func checkAutoPurchase(f *faults, a SetAutoPurchase) {
	if a.MaxAmount == nil {
		return
	}
	if _, ok := drawdown.ParseMoney([]byte(a.MaxAmount.String())); !ok {
		f.add("max_amount", "is %v, allowed are 0.00 to 1000000000000000.00", a.MaxAmount)
	}
}

func checkGate(f *faults, a SetGate) {
	f.credits("reserve", a.Reserve, 0)
	f.credits("runaway_min", a.RunawayMin, 0)
	if a.RunawayFactor != 0 && (a.RunawayFactor < factorMin || a.RunawayFactor > factorMax) {
		f.add("runaway_factor", "is %d, allowed are %d to %d, or none to turn the breaker off", a.RunawayFactor, factorMin, factorMax)
	}
}

func checkContacts(f *faults, a SetContacts) {
	if a.Email != nil {
		f.email("email", *a.Email)
	}
	if a.Recipients != nil {
		f.list("recipients", *a.Recipients, recipientsMax, f.email)
	}
	if a.OptOuts != nil {
		f.list("opt_outs", *a.OptOuts, kindsMax, f.kind)
	}
}

func checkWebhook(f *faults, a SetWebhook) {
	f.name("endpoint", a.Endpoint)
	f.text("url", a.URL, drawdown.MaxURLLen)
	f.list("kinds", a.Kinds, kindsMax, f.kind)
	if a.SecretVersion < 0 || a.SecretVersion > secretVersionMax {
		f.add("secret_version", "is %d, allowed are 1 to %d", a.SecretVersion, secretVersionMax)
	}
}

func checkHold(f *faults, a PlaceHold, now time.Time) {
	if a.Hold != "" { // without one it gets the operation's id
		f.name("hold", a.Hold)
	}
	f.name("connection", a.Connection)
	f.credits("amount", a.Amount, 1)
	if a.Job > drawdown.MaxInteger {
		f.add("job", "is %d, allowed are 0 to %d", a.Job, uint64(drawdown.MaxInteger))
	}
	switch ahead := a.ExpiresAt.Sub(now); {
	case a.ExpiresAt.IsZero():
		f.add("expires_at", "is missing")
	case ahead <= 0:
		f.add("expires_at", "is over already")
	case ahead > holdDaysMax*24*time.Hour:
		f.add("expires_at", "is more than %d days ahead", holdDaysMax)
	}
}

// checkKey says what is wrong with an idempotency key.
func checkKey(key string) error {
	var f faults
	if len(key) > keyBytesMax {
		f.add("idempotency key", "has %d bytes, allowed are 1 to %d", len(key), keyBytesMax)
	}
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			f.add("idempotency key", "allowed is visible ASCII without spaces")
			break
		}
	}
	return f.refusal(string(drawdown.Malformed))
}
