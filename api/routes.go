package api

import (
	"net/http"

	"drawdown/api/access"
)

// prefix is what all paths begin with.
const prefix = "/v1"

// route is one row of the table: one operation of the API.
type route struct {
	method, path string
	id           string // of the operation, in the OpenAPI document, metrics and logs
	scope        access.Scope
	tag, summary string
	handle       binding
	// hot: asked thousands of times a second. It has a rate limit of its own and is not logged while it works.
	hot bool
	// export: its answer is a stream, which may take minutes.
	export bool
	// events: its body is a batch of events.
	events bool

	// The members below follow from those above.
	ofAccount bool // its path names an account, which the principal must see
	hasBody   bool
	metrics   *routeMetrics
}

// Tags, in the order of the document.
const (
	tagAccounts    = "Accounts"
	tagCredits     = "Credits and ledger"
	tagUsage       = "Usage"
	tagPurchases   = "Purchases"
	tagConnections = "Connections"
	tagGate        = "Gate and holds"
	tagNotices     = "Contacts and notices"
	tagEvents      = "Events"
	tagAdmin       = "Keys and audit"
)

const (
	get, put, post, remove = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete

	ofAccount = "/accounts/{account}"
)

// table is every operation of the API: what it is called, which scope it takes, what handles it. A test walks through the
// OpenAPI document and wants a case of each, in which others than the account's own are turned away.
func table() []*route {
	return []*route{
		{method: get, path: "/plans", id: "list-plans", tag: tagAccounts, summary: "The plans, with prices and terms", handle: reads((*server).plans)},
		{method: get, path: "/accounts", id: "list-accounts", scope: access.ReadAccounts, tag: tagAccounts, summary: "All accounts, page by page", handle: reads((*server).accounts)},
		{method: post, path: "/accounts", id: "open-account", scope: access.Administer, tag: tagAccounts, summary: "Open an account", handle: creates((*server).openAccount)},
		{method: get, path: ofAccount, id: "show-account", scope: access.ReadAccount, tag: tagAccounts, summary: "An account: plan, status, period, settings", handle: reads((*server).account)},
		{method: put, path: ofAccount + "/plan", id: "change-plan", scope: access.Administer, tag: tagAccounts, summary: "Move an account to another plan", handle: writes((*server).changePlan)},
		{method: post, path: ofAccount + "/email-verification", id: "verify-email", scope: access.Administer, tag: tagAccounts, summary: "Say that the account's e-mail address is its customer's", handle: writes((*server).verifyEmail)},
		{method: post, path: ofAccount + "/page-links", id: "make-page-link", scope: access.Administer, tag: tagAccounts, summary: "Make a sign-in link to the account's billing page", handle: begins((*server).makePageLink)},

		{method: get, path: ofAccount + "/balance", id: "show-balance", scope: access.ReadAccount, tag: tagCredits, summary: "Available credits, with grants, holds and expiry", handle: reads((*server).balance)},
		{method: post, path: ofAccount + "/grants", id: "grant-credits", scope: access.Administer, tag: tagCredits, summary: "Grant credits", handle: creates((*server).grant)},
		{method: post, path: ofAccount + "/grants/{grant}/void", id: "void-grant", scope: access.Administer, tag: tagCredits, summary: "Take back what is left of a grant", handle: writes((*server).void)},
		{method: get, path: ofAccount + "/ledger", id: "list-ledger", scope: access.ReadAccount, tag: tagCredits, summary: "Ledger entries, the latest first", handle: reads((*server).ledger)},
		{method: get, path: ofAccount + "/ledger/export", id: "export-ledger", scope: access.ReadAccount, tag: tagCredits, summary: "Ledger entries as a file, the oldest first", handle: exports((*server).exportLedger), export: true},
		{method: get, path: ofAccount + "/charges/export", id: "export-charges", scope: access.ReadAccount, tag: tagCredits, summary: "Charges as a file, the oldest first", handle: exports((*server).exportCharges), export: true},

		{method: get, path: ofAccount + "/usage", id: "show-usage", scope: access.ReadAccount, tag: tagUsage, summary: "What was used, by time and by connection, stream, source or destination", handle: reads((*server).usage)},
		{method: get, path: ofAccount + "/syncs", id: "list-syncs", scope: access.ReadAccount, tag: tagUsage, summary: "Syncs and what they cost, the latest first", handle: reads((*server).syncs)},
		{method: get, path: ofAccount + "/syncs/{connection}/{job}", id: "show-receipt", scope: access.ReadAccount, tag: tagUsage, summary: "The receipt of a sync", handle: reads((*server).receipt)},
		{method: get, path: ofAccount + "/forecast", id: "show-forecast", scope: access.ReadAccount, tag: tagUsage, summary: "When credits run out at the recent rate", handle: reads((*server).forecast)},

		{method: get, path: ofAccount + "/purchases", id: "list-purchases", scope: access.ReadAccount, tag: tagPurchases, summary: "Purchases, the latest first, with receipts", handle: reads((*server).purchases)},
		{method: post, path: ofAccount + "/purchases", id: "order-credits", scope: access.Buy, tag: tagPurchases, summary: "Begin to buy credits: returns where to pay", handle: begins((*server).order)},
		{method: post, path: ofAccount + "/subscriptions", id: "subscribe", scope: access.Buy, tag: tagPurchases, summary: "Begin a subscription: returns where to pay", handle: begins((*server).subscribe)},
		{method: get, path: ofAccount + "/payment-methods", id: "list-payment-methods", scope: access.ReadAccount, tag: tagPurchases, summary: "The cards that are saved", handle: reads((*server).paymentMethods)},
		{method: post, path: ofAccount + "/payment-methods", id: "save-payment-method", scope: access.Buy, tag: tagPurchases, summary: "Begin to save a card: returns where to enter it", handle: begins((*server).saveCard)},
		{method: remove, path: ofAccount + "/payment-methods/{slot}", id: "remove-payment-method", scope: access.Buy, tag: tagPurchases, summary: "Forget a card", handle: writes((*server).removeCard)},
		{method: get, path: ofAccount + "/auto-purchase", id: "show-auto-purchase", scope: access.ReadAccount, tag: tagPurchases, summary: "Auto-purchase: terms, settings, what it did in the period", handle: reads((*server).autoPurchase)},
		{method: put, path: ofAccount + "/auto-purchase", id: "set-auto-purchase", scope: access.Buy, tag: tagPurchases, summary: "Turn auto-purchase on or off", handle: writes((*server).setAutoPurchase)},
		{method: get, path: ofAccount + "/program", id: "show-program", scope: access.ReadAccount, tag: tagPurchases, summary: "The Free Connector Program: enrolment and its preconditions", handle: reads((*server).program)},
		{method: put, path: ofAccount + "/program", id: "enrol", scope: access.SetAccount, tag: tagPurchases, summary: "Join the Free Connector Program", handle: writes((*server).enrol)},

		{method: get, path: ofAccount + "/connections", id: "list-connections", scope: access.ReadAccount, tag: tagConnections, summary: "All connections, removed ones included", handle: reads((*server).connections)},
		{method: put, path: ofAccount + "/connections/{connection}", id: "set-connection", scope: access.ReportUsage, tag: tagConnections, summary: "Make a connection known", handle: writes((*server).setConnection)},
		{method: remove, path: ofAccount + "/connections/{connection}", id: "remove-connection", scope: access.ReportUsage, tag: tagConnections, summary: "Forget a connection", handle: writes((*server).removeConnection)},
		{method: put, path: ofAccount + "/connections/{connection}/priority", id: "set-priority", scope: access.SetAccount, tag: tagConnections, summary: "Set how much a connection matters when credits run short", handle: writes((*server).setPriority)},
		{method: post, path: ofAccount + "/connections/{connection}/acknowledgement", id: "acknowledge-runaway", scope: access.SetAccount, tag: tagConnections, summary: "Let a connection start again that the breaker stopped", handle: writes((*server).acknowledge)},

		{method: get, path: ofAccount + "/gate", id: "ask-gate", scope: access.AskGate, tag: tagGate, summary: "May a sync of a connection start now?", handle: asksGate, hot: true},
		{method: get, path: ofAccount + "/gate-settings", id: "show-gate-settings", scope: access.ReadAccount, tag: tagGate, summary: "The reserve and the breaker", handle: reads((*server).gateSettings)},
		{method: put, path: ofAccount + "/gate-settings", id: "set-gate", scope: access.SetAccount, tag: tagGate, summary: "Set the reserve and the breaker", handle: writes((*server).setGate)},
		{method: get, path: ofAccount + "/estimate", id: "estimate-sync", scope: access.AskGate, tag: tagGate, summary: "What a sync would cost, and whether the balance carries it", handle: reads((*server).estimate)},
		{method: get, path: ofAccount + "/start-order", id: "show-start-order", scope: access.AskGate, tag: tagGate, summary: "Which syncs should start first, and how many of them the credits carry", handle: reads((*server).startOrder)},
		{method: get, path: ofAccount + "/holds", id: "list-holds", scope: access.AskGate, tag: tagGate, summary: "Holds, open and waiting", handle: reads((*server).holds)},
		{method: post, path: ofAccount + "/holds", id: "place-hold", scope: access.PlaceHolds, tag: tagGate, summary: "Hold credits for a sync", handle: creates((*server).placeHold)},
		{method: get, path: ofAccount + "/holds/{hold}", id: "show-hold", scope: access.AskGate, tag: tagGate, summary: "One hold; also when it does not wait in line any more", handle: reads((*server).hold)},
		{method: remove, path: ofAccount + "/holds/{hold}", id: "release-hold", scope: access.PlaceHolds, tag: tagGate, summary: "Release a hold", handle: writes((*server).releaseHold)},

		{method: get, path: ofAccount + "/contacts", id: "show-contacts", scope: access.ReadAccount, tag: tagNotices, summary: "Who is told, and of what not", handle: reads((*server).contacts)},
		{method: put, path: ofAccount + "/contacts", id: "set-contacts", scope: access.SetAccount, tag: tagNotices, summary: "Set who is told", handle: writes((*server).setContacts)},
		{method: get, path: ofAccount + "/webhooks", id: "list-webhooks", scope: access.ReadAccount, tag: tagNotices, summary: "Webhook endpoints", handle: reads((*server).webhooks)},
		{method: put, path: ofAccount + "/webhooks/{endpoint}", id: "set-webhook", scope: access.SetAccount, tag: tagNotices, summary: "Set a webhook endpoint", handle: writes((*server).setWebhook)},
		{method: remove, path: ofAccount + "/webhooks/{endpoint}", id: "remove-webhook", scope: access.SetAccount, tag: tagNotices, summary: "Remove a webhook endpoint", handle: writes((*server).removeWebhook)},
		{method: get, path: ofAccount + "/webhooks/{endpoint}/secret", id: "show-webhook-secret", scope: access.SetAccount, tag: tagNotices, summary: "The secret that signs an endpoint's webhooks", handle: reads((*server).webhookSecret)},
		{method: get, path: ofAccount + "/notices", id: "list-notices", scope: access.ReadAccount, tag: tagNotices, summary: "What was told to whom, and what became of it", handle: reads((*server).notices)},

		{method: post, path: "/events", id: "report-usage", scope: access.ReportUsage, tag: tagEvents, summary: "Report usage as CloudEvents", handle: takesEvents, events: true},

		{method: get, path: "/keys", id: "list-keys", scope: access.ManageKeys, tag: tagAdmin, summary: "API keys, without their secrets", handle: reads((*server).keys)},
		{method: post, path: "/keys", id: "issue-key", scope: access.ManageKeys, tag: tagAdmin, summary: "Issue an API key; its secret is shown this once", handle: begins((*server).issueKey)},
		{method: remove, path: "/keys/{key}", id: "revoke-key", scope: access.ManageKeys, tag: tagAdmin, summary: "Revoke an API key at once", handle: reads((*server).revokeKey)},
		{method: post, path: "/keys/{key}/rotation", id: "rotate-key", scope: access.ManageKeys, tag: tagAdmin, summary: "Give an API key a new secret", handle: begins((*server).rotateKey)},
		{method: get, path: "/audit", id: "list-audit", scope: access.ReadAudit, tag: tagAdmin, summary: "Who did what, the latest first", handle: reads((*server).audit)},
	}
}
