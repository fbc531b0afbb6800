package demo

import (
	"slices"

	"drawdown"
	"drawdown/producer"
	"drawdown/purchasing/sandbox"
)

// connection is one connection of a customer.
type connection struct {
	name                string
	source, destination string
	meter               drawdown.Meter // what the rate of its source counts
	streams             []string
	share               float64 // of what the account uses
}

// customer is one account and what becomes of it while the demo runs.
type customer struct {
	account string
	plan    string
	// buys is how many credits are ordered by hand at the start; 0 under a subscription.
	buys int64
	// auto is whether more is bought automatically, with the saved card.
	auto bool
	// card is how the saved card behaves (package sandbox), backup a second one that is saved too; "" for sandbox.OK, and
	// for none.
	card, backup string
	// replaces is whether the owner saves another card when an e-mail says that a payment failed.
	replaces bool
	// enrolled is whether the account joins the Free Connector Program.
	enrolled bool
	// runsOut is after which part of the demo the credits of the start would be used up; above 1 they last.
	runsOut     float64
	connections []connection
	// scheduled are connections whose syncs follow a script (schedulers.go), and no pace.
	scheduled []connection
	// breaker is whether a sync is stopped that costs many times the usual.
	breaker bool
}

const (
	airbytePlan = "airbyte-cloud"
	makePlan    = "make-10k"
	ladderPlan  = "make-10k-plus" // make-10k with a payment ladder: a refused payment is tried on the backup card at once
	makeCredits = 10_000          // of the subscription of either
)

// address is where the owner gets e-mail.
func (c *customer) address() string { return "owner@" + c.account + ".example" }

// primary is the method of the card that is saved at the start. Methods of different customers differ.
func (c *customer) primary() string {
	if c.card == "" {
		return c.method(sandbox.OK)
	}
	return c.method(c.card)
}

func (c *customer) method(behaviour string) string { return behaviour + "-" + c.account }

// starting is how many credits the account begins with.
func (c *customer) starting() int64 {
	if c.plan == airbytePlan {
		return c.buys
	}
	return makeCredits
}

// recordedConnection is the one whose syncs are the recorded output of a real connector, passed through the tap.
var recordedConnection = connection{
	name: "faker-postgres", source: "source-faker", destination: "destination-postgres", meter: drawdown.Records,
}

const recordedAccount = "cobalt-labs"

// webhookAccount is the one whose notices are also posted to a program of the customer's.
const webhookAccount = "acme-data"

// holdsAccount is the one whose schedulers place holds; gateAccount the one of which the gate's first answer is told, too.
const (
	holdsAccount = "grove-media"
	gateAccount  = "birchwood"
)

// story is who takes part. Two accounts run out and buy more by themselves (dune-retail, and acme-data before it has
// nothing left), one runs out without (birchwood), one pays for a part of its usage only (cobalt-labs). The card of one is
// declined, so it stands still until its owner replaces it (fjord-travel); that of another too, but there is a backup
// card (elm-clinic). The last one is for holds and the breaker (grove-media).
func story() []customer {
	return []customer{
		{
			account: "acme-data", plan: airbytePlan, buys: 200, auto: true, runsOut: 0.85,
			connections: []connection{
				database("orders-snowflake", "source-postgres", "destination-snowflake", 0.4, "orders", "order_lines", "customers"),
				database("shop-snowflake", "source-mysql", "destination-snowflake", 0.3, "products", "prices"),
				api("stripe-snowflake", "source-stripe", "destination-snowflake", 0.2, "charges", "invoices", "payouts"),
				api("github-snowflake", "source-github", "destination-snowflake", 0.1, "issues", "commits"),
			},
		},
		{
			account: "birchwood", plan: airbytePlan, buys: 200, runsOut: 0.4,
			connections: []connection{
				api("crm-bigquery", "source-salesforce", "destination-bigquery", 0.5, "accounts", "opportunities", "contacts"),
				api("hubspot-bigquery", "source-hubspot", "destination-bigquery", 0.2, "deals", "companies"),
				database("erp-bigquery", "source-postgres", "destination-bigquery", 0.3, "bookings", "ledger"),
			},
		},
		{
			account: recordedAccount, plan: airbytePlan, buys: 400, enrolled: true, runsOut: 2.2,
			connections: []connection{
				file("exports-s3", "source-s3", "destination-s3", 0.5, "exports"),
				api("stripe-postgres", "source-stripe", "destination-postgres", 0.25, "charges", "refunds"),
				api("notion-postgres", "source-notion", "destination-postgres", 0.25, "pages", "comments"),
			},
		},
		{
			account: "dune-retail", plan: makePlan, auto: true, runsOut: 0.6,
			connections: []connection{
				scenario("order-intake", 0.5), scenario("stock-alerts", 0.2), scenario("newsletter", 0.2), scenario("returns", 0.1),
			},
		},
		{
			account: "elm-clinic", plan: ladderPlan, auto: true, runsOut: 0.7,
			card: sandbox.InsufficientFunds, backup: sandbox.OK,
			connections: []connection{scenario("appointments", 0.6), scenario("reminders", 0.3), scenario("lab-results", 0.1)},
		},
		{
			account: "fjord-travel", plan: makePlan, auto: true, runsOut: 0.5,
			card: sandbox.Declined, replaces: true,
			connections: []connection{scenario("booking-sync", 0.7), scenario("price-watch", 0.3)},
		},
		{
			account: holdsAccount, plan: airbytePlan, buys: 100, breaker: true,
			scheduled: []connection{
				api("ads-snowflake", "source-custom", "destination-snowflake", 0, "campaigns"),
				api("shop-snowflake", "source-stripe", "destination-snowflake", 0, "orders"),
				api("mail-snowflake", "source-hubspot", "destination-snowflake", 0, "newsletters"),
			},
		},
	}
}

func database(name, source, destination string, share float64, streams ...string) connection {
	return connection{name: name, source: source, destination: destination, meter: drawdown.Bytes, share: share, streams: streams}
}

func file(name, source, destination string, share float64, streams ...string) connection {
	return database(name, source, destination, share, streams...)
}

func api(name, source, destination string, share float64, streams ...string) connection {
	return connection{name: name, source: source, destination: destination, meter: drawdown.Records, share: share, streams: streams}
}

// scenario is a flow of modules: what Make calls a scenario. Each operation of a module is one credit.
func scenario(name string, share float64) connection {
	const modules = "scenario-module"
	return connection{name: name, source: modules, destination: modules, meter: drawdown.Operations, share: share}
}

// unitsPerCredit is how much of a meter one credit pays for under the example rates. Only the pace of the story follows
// from it: what is charged follows from the rates in the log.
func unitsPerCredit(meter drawdown.Meter) float64 {
	switch meter {
	case drawdown.Records:
		return 1e6 / 6
	case drawdown.Bytes:
		return 1e9 / 4
	default:
		return 1
	}
}

// all are the connections of the account.
func (c *customer) all() []connection { return slices.Concat(c.connections, c.scheduled) }

// usage is what all events of one sync of the connection share.
func (c *connection) usage(account string, job int64) producer.Usage {
	return producer.Usage{
		Account: account, Connection: c.name, SourceConnector: c.source, DestinationConnector: c.destination, Job: job, Attempt: 1,
	}
}
