package office

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/consumer/decode"
)

// TestActionsAreOperations: what is appended is what a worker reads as the action that was asked for.
func TestActionsAreOperations(t *testing.T) {
	cents := drawdown.Money{Cents: drawdown.Total128(0, 5000)}
	email := "new@acme.example"
	later := now.Add(48 * time.Hour)
	for _, c := range []struct {
		action Action
		want   drawdown.Operation
	}{
		{OpenAccount{"airbyte-cloud", "a@b.example", true}, &drawdown.OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example", EmailVerified: true}},
		{ChangePlan{"airbyte-cloud", true}, &drawdown.ChangePlan{Plan: "airbyte-cloud", AtPeriodEnd: true}},
		{ChangePlan{"airbyte-cloud", false}, &drawdown.ChangePlan{Plan: "airbyte-cloud"}},
		{VerifyEmail{}, nil},
		{Grant{drawdown.Credit / 2, drawdown.PurchasedGrant, later}, &drawdown.GrantCredits{Amount: drawdown.Credit / 2, Category: drawdown.PurchasedGrant, ExpiresAt: drawdown.TimeOf(later)}},
		{Grant{1, drawdown.PromotionalGrant, time.Time{}}, &drawdown.GrantCredits{Amount: 1, Category: drawdown.PromotionalGrant, ExpiresAt: drawdown.Never}},
		{Void{"g-1"}, &drawdown.VoidCredits{Grant: "g-1"}},
		{RemovePaymentMethod{true}, &drawdown.RemovePaymentMethod{Backup: true}},
		{SetAutoPurchase{true, &cents}, &drawdown.SetAutoPurchase{Enabled: true, MaxAmount: &cents}},
		{SetAutoPurchase{false, nil}, &drawdown.SetAutoPurchase{}},
		{Enrol{}, nil},
		{SetConnection{"shop", "s", "d"}, &drawdown.SetConnection{Connection: "shop", SourceConnector: "s", DestinationConnector: "d"}},
		{RemoveConnection{"shop"}, &drawdown.RemoveConnection{Connection: "shop"}},
		{Prioritize{"shop", "low"}, &drawdown.PrioritizeConnection{Connection: "shop", Priority: drawdown.PriorityLow}},
		{SetGate{5, 10, 7}, &drawdown.SetGate{Reserve: 5, RunawayFactor: 10, RunawayMin: 7}},
		{SetGate{}, &drawdown.SetGate{}},
		{AcknowledgeRunaway{"shop"}, &drawdown.AcknowledgeRunaway{Connection: "shop"}},
		{SetContacts{&email, true, &[]string{"x@y.example"}, &[]string{}}, &drawdown.SetContacts{Email: &email, EmailVerified: true, Recipients: &[]string{"x@y.example"}, OptOuts: &[]string{}}},
		{SetContacts{}, &drawdown.SetContacts{}},
		{SetWebhook{"new", "https://a.example", []string{"exhausted"}, 0}, &drawdown.SetWebhook{Endpoint: "new", URL: "https://a.example", Kinds: []string{"exhausted"}, SecretVersion: 1}},
		{SetWebhook{"ops", "https://a.example", nil, 0}, &drawdown.SetWebhook{Endpoint: "ops", URL: "https://a.example", SecretVersion: 4}},
		{SetWebhook{"ops", "https://a.example", nil, 5}, &drawdown.SetWebhook{Endpoint: "ops", URL: "https://a.example", SecretVersion: 5}},
		{RemoveWebhook{"ops"}, &drawdown.RemoveWebhook{Endpoint: "ops"}},
		{PlaceHold{"h", "shop", 12, drawdown.Credit, later, true}, &drawdown.PlaceHold{Hold: "h", Connection: "shop", Job: 12, Amount: drawdown.Credit, ExpiresAt: drawdown.TimeOf(later), Wait: true}},
		{ReleaseHold{"h"}, &drawdown.ReleaseHold{Hold: "h"}},
	} {
		w := newWorld()
		written, err := w.office(t).Do(t.Context(), operator, "acme", c.action, Write{})
		if err != nil || len(w.operations) != 1 {
			t.Errorf("%+v: %v", c.action, err)
			continue
		}
		o := w.operations[0]
		if written.State != Appended || written.Operation != o.ID || written.Position != (Position{3, 41}) {
			t.Errorf("%+v: written %+v", c.action, written)
		}
		if o.Account != "acme" || o.Actor != operator.ID || o.Source != "drawdown/api/key:op" || !o.Time.Equal(now) {
			t.Errorf("%+v: appended %+v", c.action, o)
		}
		if rec := read(t, &o); rec.Reject != "" || !sameOperation(rec.Operation, c.want) {
			t.Errorf("%+v: a worker reads %q %#v, expected %#v", c.action, rec.Reject, rec.Operation, c.want)
		}
	}
}

// sameOperation compares what was read; a type without members may still have read an empty one.
func sameOperation(got, want drawdown.Operation) bool {
	return reflect.DeepEqual(got, want) || want == nil && got == nil
}

// read decodes an operation as a worker does.
func read(t *testing.T, o *Operation) drawdown.Record {
	t.Helper()
	record := map[string]any{
		"specversion": "1.0", "id": o.ID, "source": o.Source, "type": o.Type.String(), "subject": o.Account, "time": stamp(o.Time), "actor": o.Actor,
	}
	if o.Data != nil {
		record["data"] = o.Data
	}
	value, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	var rec drawdown.Record
	new(decode.Decoder).Decode(value, drawdown.NoTime, &rec)
	return rec
}

// TestWhoAskedStandsBeforeTheOperation: the audit entry names who, what, the operation, and no secret.
func TestWhoAskedStandsBeforeTheOperation(t *testing.T) {
	w := newWorld()
	var before []access.AuditEntry
	w.appending = func() { before = slices.Clone(w.audited) }
	ctx := WithRemoteAddr(t.Context(), "192.0.2.1")
	written, err := w.office(t).Do(ctx, customer, "acme", SetWebhook{Endpoint: "ops", URL: "https://hooks.example/T0/secret?token=hunter2"}, Write{})
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 1 || before[0].Actor != "link:acme" || before[0].Role != access.Customer || before[0].Account != "acme" ||
		before[0].Action != "webhook.set" || before[0].Operation != written.Operation || before[0].RemoteAddr != "192.0.2.1" {
		t.Fatalf("before the operation there was %+v", before)
	}
	if detail := string(before[0].Detail); !strings.Contains(detail, "https://hooks.example\"") || strings.Contains(detail, "secret?") || strings.Contains(detail, "hunter2") {
		t.Errorf("the entry tells %s", detail)
	}
	if w.operations[0].Data["url"] != "https://hooks.example/T0/secret?token=hunter2" {
		t.Error("the operation has another URL than was asked for")
	}
}

// TestNothingIsDoneUnaudited: without an audit entry there is no operation.
func TestNothingIsDoneUnaudited(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	o.deps.Audit = noAudit{}
	_, err := o.Do(t.Context(), operator, "acme", VerifyEmail{}, Write{})
	if refused(t, err).Kind != Unavailable || len(w.operations) != 0 {
		t.Errorf("%v, appended %v", err, w.operations)
	}
	if _, err := o.SaveCard(t.Context(), operator, "acme", false, Write{}); refused(t, err).Kind != Unavailable || len(w.accounts) > 2 {
		t.Errorf("%v, asked %v", err, w.accounts)
	}
}

type noAudit struct{ access.AuditLog }

func (noAudit) Append(context.Context, access.AuditEntry) error { return errAway }

// TestRejectionsAreExplained: each reason that an operation can be rejected for has words and the status of its kind.
func TestRejectionsAreExplained(t *testing.T) {
	for _, reason := range drawdown.Reasons {
		w := newWorld()
		w.outcome = reason
		written, err := w.office(t).Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Wait: time.Second})
		refusal := refused(t, err)
		if written == nil || written.State != Rejected || written.Reason != reason || written.Position.Offset != 41 {
			t.Errorf("%s: %+v", reason, written)
		}
		if reason == drawdown.UnknownAccount {
			reason = "no_such_account"
		}
		if refusal.Reason != string(reason) {
			t.Errorf("%s became %s", reason, refusal.Reason)
		}
	}
}

// TestAWaitTellsTheOutcome: applied where it is known in time, appended where it is not.
func TestAWaitTellsTheOutcome(t *testing.T) {
	w := newWorld()
	written, err := w.office(t).Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Wait: time.Second})
	if err != nil || written.State != Applied {
		t.Errorf("%+v, %v", written, err)
	}
	w.unknown = true
	written, err = w.office(t).Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Wait: time.Millisecond})
	if err != nil || written.State != Appended {
		t.Errorf("without an outcome: %+v, %v", written, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.appending = cancel // the caller goes away
	if _, err := w.office(t).Do(ctx, operator, "acme", VerifyEmail{}, Write{Wait: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the caller had gone: %v", err)
	}
}

// TestEnrolmentTellsAllThatIsMissing before anything is appended, and after a rejection as well.
func TestEnrolmentTellsAllThatIsMissing(t *testing.T) {
	w := newWorld()
	w.overview.Enrolment.EmailVerified, w.overview.Enrolment.EligibleConnection = false, false
	_, err := w.office(t).Do(t.Context(), customer, "acme", Enrol{}, Write{})
	refusal := refused(t, err)
	if refusal.Kind != Conflict || refusal.Reason != "email_not_verified" || !slices.Equal(refusal.Missing, []string{"email_verified", "eligible_connector"}) ||
		!strings.Contains(refusal.Detail, "alpha or beta") || len(w.operations) > 0 {
		t.Errorf("%+v, appended %v", refusal, w.operations)
	}
	w.overview.EnrolledAt = drawdown.TimeOf(now)
	if _, err := w.office(t).Do(t.Context(), customer, "acme", Enrol{}, Write{}); err != nil {
		t.Errorf("again, after enrolment: %v", err)
	}
	w = newWorld()
	w.outcome = drawdown.NoPaymentMethod // the card was removed meanwhile
	w.appending = func() {

		w.overview.Enrolment.PaymentMethod = false
		w.overview.Enrolment.EmailVerified = false
	}
	_, err = w.office(t).Do(t.Context(), customer, "acme", Enrol{}, Write{Wait: time.Second})
	if refusal := refused(t, err); !slices.Equal(refusal.Missing, []string{"email_verified", "payment_method"}) {
		t.Errorf("after a rejection: %+v", refusal)
	}
}

// TestCustomersDontVerifyThemselves: only an operator says that an address is the customer's, and saving the same address
// again does not undo that.
func TestCustomersDontVerifyThemselves(t *testing.T) {
	for _, c := range []struct {
		who   *access.Principal
		email string
		want  map[string]any
	}{
		{customer, "other@evil.example", map[string]any{"email": "other@evil.example", "email_verified": false}},
		{customer, "owner@acme.example", map[string]any{}},
		{operator, "other@acme.example", map[string]any{"email": "other@acme.example", "email_verified": true}},
	} {
		w := newWorld()
		_, err := w.office(t).Do(t.Context(), c.who, "acme", SetContacts{Email: &c.email, EmailVerified: true}, Write{})
		if err != nil || !reflect.DeepEqual(w.operations[0].Data, c.want) {
			t.Errorf("%s, %s: %v, %v", c.who.Role, c.email, w.operations[0].Data, err)
		}
	}
}

func TestAHoldWithoutAnIDGetsTheOperations(t *testing.T) {
	w := newWorld()
	written, err := w.office(t).Do(t.Context(), worker, "acme", PlaceHold{Connection: "shop", Amount: 1, ExpiresAt: now.Add(time.Hour)}, Write{})
	if err != nil || w.operations[0].Data["hold"] != written.Operation {
		t.Errorf("%v, %v", w.operations, err)
	}
}

// TestWhatIsWrongIsSpeltOut: all of it at once, before anything is looked up.
func TestWhatIsWrongIsSpeltOut(t *testing.T) {
	long := strings.Repeat("x", 129)
	many := slices.Repeat([]string{"a@b.example"}, 21)
	big := drawdown.Money{Cents: drawdown.Total128(1, 0)}
	nothing := ""
	for _, c := range []struct {
		action Action
		reason string
		says   []string
	}{
		{OpenAccount{}, "malformed", []string{"plan: is missing", "email: is missing"}},
		{OpenAccount{Plan: long, Email: "Owner <a@b.example>"}, "malformed", []string{"plan: has 129 bytes, allowed are 1 to 128", "is no e-mail address"}},
		{OpenAccount{Plan: "\xff", Email: "nobody"}, "malformed", []string{"plan: is no valid UTF-8", "is no e-mail address"}},
		{ChangePlan{}, "malformed", []string{"plan: is missing"}},
		{Grant{}, "bad_amount", []string{"amount: is 0", "category: allowed are"}},
		{Grant{1, drawdown.PurchasedGrant, now}, "bad_amount", []string{"expires_at: is over already"}},
		{Grant{1, drawdown.PurchasedGrant, now.AddDate(8000, 0, 0)}, "bad_amount", []string{"expires_at: is no time between"}},
		{Void{strings.Repeat("g", 193)}, "malformed", []string{"grant: has 193 bytes, allowed are 1 to 192"}},
		{SetAutoPurchase{true, &big}, "malformed", []string{"max_amount: is"}},
		{SetConnection{}, "malformed", []string{"connection: is missing", "source: is missing", "destination: is missing"}},
		{RemoveConnection{}, "malformed", []string{"connection: is missing"}},
		{Prioritize{"shop", "urgent"}, "malformed", []string{`priority: is "urgent", allowed are critical, normal, low`}},
		{SetGate{-1, 1, -1}, "malformed", []string{"reserve: is -0.000000001", "runaway_factor: is 1, allowed are 2 to 1000", "runaway_min"}},
		{AcknowledgeRunaway{}, "malformed", []string{"connection: is missing"}},
		{SetContacts{Email: &nothing, Recipients: &many, OptOuts: &[]string{"spam"}}, "malformed", []string{"email: is missing", "recipients: has 21 entries, allowed are up to 20", "twice", `opt_outs: "spam" is no kind`}},
		{SetWebhook{Kinds: []string{"spam"}, SecretVersion: -1}, "malformed", []string{"endpoint: is missing", "url: is missing", "kinds: ", "secret_version: is -1"}},
		{RemoveWebhook{}, "malformed", []string{"endpoint: is missing"}},
		{PlaceHold{Hold: long, Job: 1 << 60}, "bad_hold", []string{"hold: has 129", "connection: is missing", "amount: is 0", "job: is", "expires_at: is missing"}},
		{PlaceHold{Connection: "c", Amount: 1, ExpiresAt: now}, "bad_hold", []string{"expires_at: is over already"}},
		{PlaceHold{Connection: "c", Amount: 1, ExpiresAt: now.AddDate(0, 0, 36)}, "bad_hold", []string{"more than 35 days"}},
		{ReleaseHold{}, "malformed", []string{"hold: is missing"}},
	} {
		w := newWorld()
		_, err := w.office(t).Do(t.Context(), operator, "acme", c.action, Write{})
		refusal := refused(t, err)
		if refusal.Kind != Invalid || refusal.Reason != c.reason || len(w.accounts) > 0 {
			t.Errorf("%+v: %+v, looked up %v", c.action, refusal, w.accounts)
		}
		for _, text := range c.says {
			if !strings.Contains(refusal.Detail, text) {
				t.Errorf("%+v: does not say %q: %s", c.action, text, refusal.Detail)
			}
		}
	}
	w := newWorld()
	w.urlErr = errors.New("its address may not be reached")
	_, err := w.office(t).Do(t.Context(), operator, "acme", SetWebhook{Endpoint: "e", URL: "https://10.0.0.1"}, Write{})
	if refusal := refused(t, err); refusal.Kind != Invalid || !strings.Contains(refusal.Detail, "may not be reached") {
		t.Errorf("a URL that may not be reached: %+v", refusal)
	}
	_, err = w.office(t).Do(t.Context(), operator, "acme", ChangePlan{Plan: "gold"}, Write{})
	if refusal := refused(t, err); refusal.Reason != "unknown_plan" || !strings.Contains(refusal.Detail, "airbyte-cloud") {
		t.Errorf("a plan that is not there: %+v", refusal)
	}
}
