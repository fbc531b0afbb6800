package office

import (
	"fmt"

	"drawdown"
)

// refusals says of each reason of rejection (contract, sections 3, 9 and 10) what it means to who asked, and what to do.
// Those that an operation of this package can't get are left out: they get the last words of refusalOf.
var refusals = map[drawdown.Reason]Error{
	drawdown.Malformed:           {Kind: Invalid, Detail: "The operation is not of the form that the contract asks for."},
	drawdown.UnknownAccount:      {Kind: NotFound, Reason: "no_such_account", Detail: "There is no such account."},
	drawdown.AccountExists:       {Kind: Conflict, Detail: "An account with this id is there already. Choose another id, or use the account as it is."},
	drawdown.UnknownPlan:         {Kind: Invalid, Detail: "No plan with this id was published. List the plans to see which there are."},
	drawdown.SamePlan:            {Kind: Conflict, Detail: "The account has this plan already, and no change to another one waits."},
	drawdown.EmailNotVerified:    {Kind: Conflict, Detail: "The account's e-mail address is not verified. Follow the link in the mail that was sent to it."},
	drawdown.NoPaymentMethod:     {Kind: Conflict, Detail: "No card is saved for the account. Save one first."},
	drawdown.NoEligibleConnector: {Kind: Conflict, Detail: "No connection of the account has an alpha or beta connector. Set one up first."},
	drawdown.UnknownConnection:   {Kind: NotFound, Detail: "The account has no such connection. List its connections to see which there are."},
	drawdown.BadAmount:           {Kind: Invalid, Detail: "The amount must be above 0, and the expiry must lie ahead."},
	drawdown.GrantExists:         {Kind: Conflict, Detail: "A grant with this id has credits left. Repeat the request with another idempotency key."},
	drawdown.UnknownGrant:        {Kind: NotFound, Detail: "No grant of this id has anything left. List the balance's grants to see which have."},
	drawdown.OutOfRange:          {Kind: Invalid, Detail: "With these credits the account would hold more than 9,000,000,000. Grant less."},
	drawdown.TooManyEndpoints:    {Kind: Conflict, Detail: fmt.Sprintf("The account has %d webhook endpoints already. Remove one first.", drawdown.MaxEndpoints)},
	drawdown.UnknownEndpoint:     {Kind: NotFound, Detail: "The account has no such webhook endpoint. List its webhooks to see which there are."},
	drawdown.BadHold:             {Kind: Invalid, Detail: "The amount must be above 0, and the expiry must lie ahead, by at most 35 days."},
	drawdown.HoldExists:          {Kind: Conflict, Detail: "There is a hold of this id, or for this connection and job. Use that one, or release it first."},
	drawdown.TooManyHolds:        {Kind: Conflict, Detail: "The account has 256 holds, open and waiting. Release some first."},
	drawdown.ConnectionStopped:   {Kind: Conflict, Detail: "The connection was stopped because a sync of it cost many times the usual. Acknowledge that first."},
	drawdown.InsufficientCredits: {Kind: Conflict, Detail: "The credits that are neither used nor held do not suffice. Wait for credits (place the hold with wait), buy some, or hold less."},
	drawdown.UnknownHold:         {Kind: NotFound, Detail: "There is no such hold, open or waiting. It may have been released or have expired."},
	drawdown.Late:                {Kind: Unavailable, Detail: "The operation waited for too long before it was applied. Repeat it with another idempotency key."},
	drawdown.Future:              {Kind: Unavailable, Detail: "The clocks of the service disagree by more than an hour. Tell whoever runs it."},
	drawdown.UnsignedOperation:   {Kind: Unavailable, Detail: "The service's workers do not know the key that this operation was signed with. Tell whoever runs it."},
}

// refusalOf turns a rejection into what who asked is told.
func refusalOf(reason drawdown.Reason) *Error {
	refusal, known := refusals[reason]
	if !known {
		refusal = Error{Kind: Conflict, Detail: "The operation was rejected and has had no effect."}
	}
	if refusal.Reason == "" {
		refusal.Reason = string(reason)
	}
	return &refusal
}
