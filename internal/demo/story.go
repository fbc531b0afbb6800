package demo

import (
	"drawdown"
	"drawdown/producer"
)

// connection is one connection of a customer.
type connection struct {
	name                string
	source, destination string
	meter               drawdown.Meter // what the rate of its source counts
	streams             []string
	share               float64 // of what the account uses
	free                bool    // has an alpha or beta connector, and the account is in the Free Connector Program
}

// customer is one account and what becomes of it while the demo runs.
type customer struct {
	account string
	plan    string
	// buys is how many credits are ordered by hand at the start, and price what they cost; 0 under a subscription.
	buys  int64
	price string
	// auto is whether more is bought automatically; it needs a saved card.
	auto bool
	// enrolled is whether the account joins the Free Connector Program.
	enrolled bool
	// runsOut is after which part of the demo the credits of the start would be used up; above 1 they last.
	runsOut     float64
	connections []connection
}

const (
	airbytePlan = "airbyte-cloud"
	makePlan    = "make-10k"
	makeCredits = 10_000 // of its subscription
)

// starting is how many credits the account begins with.
func (c *customer) starting() int64 {
	if c.plan == makePlan {
		return makeCredits
	}
	return c.buys
}

// recordedConnection is the one whose syncs are the recorded output of a real connector, passed through the tap.
var recordedConnection = connection{
	name: "faker-postgres", source: "source-faker", destination: "destination-postgres", meter: drawdown.Records,
}

const recordedAccount = "cobalt-labs"

// story is who takes part. One account runs out with auto-purchase on (dune-retail, and acme-data before it has nothing
// left), one without (birchwood), one pays for a part of its usage only (cobalt-labs), two just work.
func story() []customer {
	return []customer{
		{
			account: "acme-data", plan: airbytePlan, buys: 200, price: "500.00", auto: true, runsOut: 0.7,
			connections: []connection{
				database("orders-snowflake", "source-postgres", "destination-snowflake", 0.4, "orders", "order_lines", "customers"),
				database("shop-snowflake", "source-mysql", "destination-snowflake", 0.3, "products", "prices"),
				api("stripe-snowflake", "source-stripe", "destination-snowflake", 0.2, "charges", "invoices", "payouts"),
				api("github-snowflake", "source-github", "destination-snowflake", 0.1, "issues", "commits"),
			},
		},
		{
			account: "birchwood", plan: airbytePlan, buys: 200, price: "500.00", runsOut: 0.55,
			connections: []connection{
				api("crm-bigquery", "source-salesforce", "destination-bigquery", 0.5, "accounts", "opportunities", "contacts"),
				api("hubspot-bigquery", "source-hubspot", "destination-bigquery", 0.2, "deals", "companies"),
				database("erp-bigquery", "source-postgres", "destination-bigquery", 0.3, "bookings", "ledger"),
			},
		},
		{
			account: recordedAccount, plan: airbytePlan, buys: 400, price: "1000.00", enrolled: true, runsOut: 2.2,
			connections: []connection{
				file("exports-s3", "source-s3", "destination-s3", 0.5, "exports"),
				api("stripe-postgres", "source-stripe", "destination-postgres", 0.25, "charges", "refunds"),
				freeAPI("notion-postgres", "source-notion", "destination-postgres", 0.25, "pages", "comments"),
			},
		},
		{
			account: "dune-retail", plan: makePlan, auto: true, runsOut: 0.55,
			connections: []connection{
				scenario("order-intake", 0.5), scenario("stock-alerts", 0.2), scenario("newsletter", 0.2), scenario("returns", 0.1),
			},
		},
		{
			account: "elm-clinic", plan: makePlan, runsOut: 1.2,
			connections: []connection{scenario("appointments", 0.6), scenario("reminders", 0.3), scenario("lab-results", 0.1)},
		},
		{
			account: "fjord-travel", plan: makePlan, runsOut: 2.1,
			connections: []connection{scenario("booking-sync", 0.7), scenario("price-watch", 0.3)},
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

func freeAPI(name, source, destination string, share float64, streams ...string) connection {
	c := api(name, source, destination, share, streams...)
	c.free = true
	return c
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

// usage is what all events of one sync of the connection share.
func (c *connection) usage(account string, job int64) producer.Usage {
	return producer.Usage{
		Account: account, Connection: c.name, SourceConnector: c.source, DestinationConnector: c.destination, Job: job, Attempt: 1,
	}
}
