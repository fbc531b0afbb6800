package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"drawdown/purchasing"
)

// told is an event of Stripe. Its object has the form of the API version that the webhook endpoint (or the account)
// was set to, not of ours, so only members are read that are the same in all of them. Amounts that may differ, or that
// an event doesn't have, are read through the API.
type told struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// paidKind is the event of a payment that was made.
const paidKind = "payment_intent.succeeded"

// kinds are the types of events that mean something here, with what reads them. Stripe lists at most 20 at once.
var kinds = map[string]func(*Gateway, context.Context, *told) ([]purchasing.Event, error){
	"checkout.session.completed":               (*Gateway).sessionDone,
	"checkout.session.async_payment_succeeded": (*Gateway).sessionDone,
	"checkout.session.async_payment_failed":    (*Gateway).sessionFailed,
	paidKind:                                   (*Gateway).paid,
	"setup_intent.succeeded":                   (*Gateway).cardSaved,
	"charge.refunded":                          (*Gateway).chargeRefunded,
	"refund.created":                           (*Gateway).refunded,
	"refund.updated":                           (*Gateway).refunded,
	"refund.failed":                            (*Gateway).refunded,
	"charge.dispute.created":                   (*Gateway).disputed,
	"charge.dispute.closed":                    (*Gateway).disputed,
	"charge.dispute.funds_withdrawn":           (*Gateway).disputed,
	"charge.dispute.funds_reinstated":          (*Gateway).disputed,
	"customer.subscription.created":            (*Gateway).subscribed,
	"customer.subscription.updated":            (*Gateway).subscribed,
	"customer.subscription.deleted":            (*Gateway).subscribed,
	"customer.subscription.paused":             (*Gateway).subscribed,
	"customer.subscription.resumed":            (*Gateway).subscribed,
	"invoice.paid":                             (*Gateway).billed,
	"invoice.payment_failed":                   (*Gateway).billed,
}

// Receive reads a webhook. An event of a type that means nothing here, or about an object that is not ours, gives none.
// Other errors than refusals are Stripe's: the same webhook may be read again.
func (g *Gateway) Receive(ctx context.Context, header http.Header, body []byte) ([]purchasing.Event, error) {
	if err := g.verify(header.Get(signatureHeader), body); err != nil {
		return nil, err
	}
	var e told
	if json.Unmarshal(body, &e) != nil || e.ID == "" || e.Type == "" || e.Created <= 0 || len(e.Data.Object) == 0 {
		return nil, malformed()
	}
	return g.meaning(ctx, &e)
}

// meaning says what an event means.
func (g *Gateway) meaning(ctx context.Context, e *told) ([]purchasing.Event, error) {
	read := kinds[e.Type]
	if read == nil {
		return nil, nil
	}
	return read(g, ctx, e)
}

func malformed() error { return &purchasing.RefusedError{Reason: purchasing.Malformed} }

// noticed is an event that a person must read.
func (e *told) noticed(account, format string, args ...any) []purchasing.Event {
	return e.event(account, &purchasing.Noticed{Text: fmt.Sprintf(format, args...)})
}

// object reads what an event is about.
func (e *told) object(into any) error {
	if json.Unmarshal(e.Data.Object, into) != nil {
		return malformed()
	}
	return nil
}

// event is the one event that e means.
func (e *told) event(account string, what purchasing.Happening) []purchasing.Event {
	return []purchasing.Event{{ID: e.ID, Created: time.Unix(e.Created, 0).UTC(), Account: account, What: what}}
}

// id is the id of an object, which an event has alone or with the object around it.
type id string

// UnmarshalJSON takes a string, an object with an id, or null.
func (i *id) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var o struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal(data, &o)
		*i = id(o.ID)
		return err
	}
	return json.Unmarshal(data, (*string)(i))
}
