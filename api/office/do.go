package office

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// appendMax bounds how long an operation may take to stand in the log: longer than a leader election takes, shorter than
// anybody waits for an answer.
const appendMax = 15 * time.Second

// Do does something to an account: its operation is appended to the log. With [Write.Wait] it also waits until the operation
// is applied, and an operation that was rejected is an [*Error] beside the [Written] that says where it stands. Without,
// what became of it shows in the account only.
func (o *Office) Do(ctx context.Context, p *access.Principal, account string, a Action, w Write) (*Written, error) {
	t := termsOf(a)
	if err := may(p, account, t.scope); err != nil {
		return nil, err
	}
	if err := checkAction(a, o.deps.Now()); err != nil {
		return nil, err
	}
	claim, err := o.claim(ctx, p, w.Key, t.recordType.String(), account, t.data)
	if err != nil {
		return nil, err
	}
	written := &Written{Operation: claim.operation}
	if !claim.answered(written) {
		if err := o.write(ctx, p, account, a, written); err != nil {
			o.giveBack(ctx, claim)
			return nil, err
		}
		o.remember(ctx, claim, written)
	}
	return o.outcome(ctx, claim, written, account, w.Wait)
}

// write puts an action down: who asks for what, then the operation itself.
func (o *Office) write(ctx context.Context, p *access.Principal, account string, a Action, written *Written) error {
	a, err := o.prepared(ctx, p, account, a, written.Operation)
	if err != nil {
		return err
	}
	t := termsOf(a)
	ctx, cancel := context.WithTimeout(ctx, appendMax)
	defer cancel()
	if err := o.audit(ctx, p, account, t.recordType.String(), written.Operation, AuditDetail(t.data)); err != nil {
		return err
	}
	written.Position, err = o.deps.Log.Append(ctx, &Operation{
		Type: t.recordType, Account: account, ID: written.Operation, Source: sourceOf(p), Actor: p.ID, Time: o.deps.Now(), Data: t.data,
	})
	if err != nil {
		return unavailable(ctx, "the log", err)
	}
	written.State = Appended
	return nil
}

// prepared completes an action by what the account is now, and refuses what the engine would certainly refuse: the caller
// then knows at once, and all of it.
func (o *Office) prepared(ctx context.Context, p *access.Principal, account string, a Action, operation string) (Action, error) {
	if opened, ok := a.(OpenAccount); ok {
		return a, o.planExists(ctx, opened.Plan)
	}
	profile, err := o.exists(ctx, account)
	if err != nil {
		return nil, err
	}
	switch a := a.(type) {
	case ChangePlan:
		return a, o.planExists(ctx, a.Plan)
	case Enrol:
		return a, o.mayEnrol(ctx, account)
	case SetContacts:
		return contactsFor(p, profile, a), nil
	case SetWebhook:
		return o.webhookFor(profile, a)
	case PlaceHold:
		if a.Hold == "" {
			a.Hold = operation
		}
		return a, nil
	default:
		return a, nil
	}
}

func (o *Office) planExists(ctx context.Context, plan string) error {
	plans, err := o.deps.Accounts.Plans(ctx)
	if err != nil {
		return unavailable(ctx, "plans", err)
	}
	ids := make([]string, len(plans))
	for i := range plans {
		ids[i] = plans[i].ID
	}
	if slices.Contains(ids, plan) {
		return nil
	}
	refusal := refusalOf(drawdown.UnknownPlan)
	refusal.Detail = fmt.Sprintf("No plan %.128q was published. The plans are: %s.", plan, strings.Join(ids, ", "))
	return refusal
}

// mayEnrol looks at the preconditions of the Free Connector Program (contract, section 7).
func (o *Office) mayEnrol(ctx context.Context, account string) error {
	overview, err := o.deps.Accounts.Overview(ctx, account, drawdown.TimeOf(o.deps.Now()))
	if err != nil {
		return unavailable(ctx, "balances", err)
	}
	if overview == nil {
		return noSuchAccount()
	}
	if overview.EnrolledAt != drawdown.NoTime {
		return nil // again: accepted without checks
	}
	var missing []drawdown.Reason
	if !overview.Enrolment.EmailVerified {
		missing = append(missing, drawdown.EmailNotVerified)
	}
	if !overview.Enrolment.PaymentMethod {
		missing = append(missing, drawdown.NoPaymentMethod)
	}
	if !overview.Enrolment.EligibleConnection {
		missing = append(missing, drawdown.NoEligibleConnector)
	}
	if len(missing) == 0 {
		return nil
	}
	return notEnrolled(missing)
}

// preconditions names what a reason says is missing.
var preconditions = map[drawdown.Reason]string{
	drawdown.EmailNotVerified: "email_verified", drawdown.NoPaymentMethod: "payment_method",
	drawdown.NoEligibleConnector: "eligible_connector",
}

// notEnrolled tells of all preconditions that are not met; the reason is the one that the engine would give.
func notEnrolled(missing []drawdown.Reason) *Error {
	refusal := refusalOf(missing[0])
	var details []string
	for _, reason := range missing {
		refusal.Missing = append(refusal.Missing, preconditions[reason])
		details = append(details, refusals[reason].Detail)
	}
	refusal.Detail = strings.Join(details, " ")
	return refusal
}

// contactsFor keeps to operators what only they may say: that an address belongs to the customer. An address that stays the
// same is left out, since to name it without that word would undo its verification (contract, section 9).
func contactsFor(p *access.Principal, profile *drawdown.Profile, a SetContacts) SetContacts {
	if p.Role == access.Operator {
		return a
	}
	a.EmailVerified = false
	if a.Email != nil && *a.Email == profile.Email {
		a.Email = nil
	}
	return a
}

// webhookFor judges the URL and keeps the version of the secret that an endpoint has.
func (o *Office) webhookFor(profile *drawdown.Profile, a SetWebhook) (Action, error) {
	if o.deps.Endpoints == nil {
		return nil, noWebhooks()
	}
	if err := o.deps.Endpoints.CheckURL(a.URL); err != nil {
		return nil, &Error{Kind: Invalid, Reason: string(drawdown.Malformed), Detail: "url: " + err.Error() + "."}
	}
	if a.SecretVersion != 0 {
		return a, nil
	}
	a.SecretVersion = 1
	if endpoint := endpointOf(profile, a.Endpoint); endpoint != nil {
		a.SecretVersion = endpoint.SecretVersion
	}
	return a, nil
}

func endpointOf(profile *drawdown.Profile, endpoint string) *drawdown.Webhook {
	for i := range profile.Webhooks {
		if profile.Webhooks[i].Endpoint == endpoint {
			return &profile.Webhooks[i]
		}
	}
	return nil
}

func noWebhooks() *Error {
	return &Error{Kind: Conflict, Reason: "webhooks_not_offered", Detail: "This installation sends no webhooks."}
}

// outcome waits for what became of a write, and puts it down under its key.
func (o *Office) outcome(ctx context.Context, claim *claimed, written *Written, account string, wait time.Duration) (*Written, error) {
	if written.State == Appended && wait > 0 {
		if err := o.await(ctx, written, wait); err != nil {
			return written, err
		}
		if written.State != Appended {
			o.remember(ctx, claim, written)
		}
	}
	if written.State != Rejected {
		return written, nil
	}
	if _, enrolment := preconditions[written.Reason]; enrolment {
		if err := o.mayEnrol(ctx, account); err != nil { // tells all that is missing, not only the first
			return written, err
		}
	}
	return written, refusalOf(written.Reason)
}

// await waits for an outcome; when the time is over, the write stays appended.
func (o *Office) await(ctx context.Context, written *Written, wait time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	reason, known, err := o.deps.Outcomes.Await(waiting, written.Position)
	switch {
	case err != nil || !known: // the operation stands in the log: that it can't be followed now changes nothing about it
		return ctx.Err()
	case reason != "":
		written.State, written.Reason = Rejected, reason
	default:
		written.State = Applied
	}
	return nil
}
