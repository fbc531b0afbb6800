//go:build integration

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"drawdown/consumer/signature"
)

// history is the account that has been there for half a year: it has something to show in every window.
const history = "northwind"

const (
	historyDays = 200
	// removedDays ago one of its connections was removed.
	removedDays = 40
)

// historyConnections are its connections. An amount is what one stream moves on a weekday, in what the connector is rated by.
var historyConnections = []struct {
	name, source, destination, meter string
	amount                           int
	streams                          []string
}{
	{"Stripe → Snowflake", "source-stripe", "destination-snowflake", "records", 230_000, []string{"charges", "invoices"}},
	{"Postgres → BigQuery", "source-postgres", "destination-bigquery", "bytes", 270_000_000, []string{"orders", "customers"}},
	{"HubSpot → Snowflake", "source-hubspot", "destination-snowflake", "records", 120_000, []string{"contacts", "deals"}},
	{"Notion → Postgres", "source-notion", "destination-postgres", "records", 90_000, []string{"pages", "comments"}},
	{"Salesforce → S3", "source-salesforce", "destination-s3", "records", 70_000, []string{"opportunities"}},
	{"MySQL → BigQuery", "source-mysql", "destination-bigquery", "bytes", 90_000_000, []string{"tickets"}},
	{"GitHub → Postgres", "source-github", "destination-postgres", "records", 60_000, []string{"commits"}},
}

// chronicle is a log that is written with times of long ago. They may not go back.
type chronicle struct {
	*installation
	records map[int32][]protocol.Record
	count   int
}

// writeHistory writes a log of half a year: plans, rates and connectors, and what one account has bought and used.
func (s *storefront) writeHistory() {
	s.t.Helper()
	c := &chronicle{installation: s.installation, records: map[int32][]protocol.Record{}}
	begin := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -historyDays)
	c.publish(begin)
	c.operation(begin, "account.opened", map[string]any{"plan": "airbyte-cloud", "email": "data@northwind.example", "email_verified": true})
	c.operation(begin, "payment_method.saved", map[string]any{"method": "pm_ok-northwind", "kind": "card", "customer": "northwind"})
	random := rand.New(rand.NewPCG(19, 71))
	for day := range historyDays {
		at := begin.AddDate(0, 0, day)
		if day%67 == 0 {
			c.operation(at, "purchase.settled", map[string]any{
				"purchase": fmt.Sprintf("order-%d", day), "kind": "manual", "quantity": "600", "amount": "1500.00", "currency": "USD",
				"tax": "120.00", "receipt": fmt.Sprintf("https://pay.example.com/receipts/%d", day),
			})
		}
		switch day {
		case 0:
			for _, one := range historyConnections {
				c.operation(at, "connection.set", map[string]any{
					"connection": one.name, "source_connector": one.source, "destination_connector": one.destination,
				})
			}
		case 20:
			c.operation(at, "program.enrolled", nil)
		case historyDays - removedDays:
			c.operation(at, "connection.removed", map[string]any{"connection": "GitHub → Postgres"})
		case historyDays - 2:
			c.operation(at, "credits.granted", map[string]any{
				"amount": "60", "category": "promotional", "expires_at": at.AddDate(0, 0, 24).Format(time.RFC3339),
			})
		}
		c.syncs(random, day, at)
	}
	s.produce(c.records)
}

// publish publishes the examples that are shipped, with rates that hold from the beginning.
func (c *chronicle) publish(at time.Time) {
	c.t.Helper()
	for _, name := range []string{"airbyte-cloud", "make-10k"} {
		var plan map[string]any
		c.example(name, &plan)
		c.operation(at, "plan.published", plan)
	}
	var rates map[string]any
	c.example("rates", &rates)
	rates["effective_from"] = at.Format(time.RFC3339)
	c.operation(at, "rates.published", rates)
	var connectors []map[string]any
	c.example("connectors", &connectors)
	for _, connector := range connectors {
		c.operation(at, "connector.set", connector)
	}
}

// syncs has each connection sync once a day, less on weekends; now and then in two attempts.
func (c *chronicle) syncs(random *rand.Rand, day int, midnight time.Time) {
	for n, one := range historyConnections {
		if one.name == "GitHub → Postgres" && day >= historyDays-removedDays {
			continue
		}
		at := midnight.Add(time.Duration(n+1) * time.Hour)
		amount := one.amount*(60+day/4)/100 + random.IntN(one.amount/2)
		if weekday := at.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			amount /= 3
		}
		for attempt := range 1 + (day+n)%11/10 {
			for seq, stream := range one.streams {
				c.put(at, "sync.usage", map[string]any{
					"connection": one.name, "source_connector": one.source, "destination_connector": one.destination, "job": 1000 + day,
					"attempt": attempt, "seq": seq + 1, "stream": stream, one.meter: amount/(seq+1) + random.IntN(1000),
				}, false)
			}
		}
	}
}

// operation writes a signed record, a broadcast to every partition.
func (c *chronicle) operation(at time.Time, kind string, data map[string]any) {
	c.put(at, kind, data, true)
}

func (c *chronicle) put(at time.Time, kind string, data map[string]any, signed bool) {
	c.t.Helper()
	c.count++
	event := map[string]any{
		"specversion": "1.0", "id": "history-" + number(c.count), "source": "e2e/history", "type": kind, "time": at.Format(time.RFC3339),
	}
	if data != nil {
		event["data"] = data
	}
	homes, key := []int32{c.home(history)}, history
	switch kind {
	case "plan.published", "rates.published", "connector.set":
		homes, key = homes[:0], ""
		for partition := range int32(c.partitions) {
			homes = append(homes, partition)
		}
	default:
		event["subject"] = history
	}
	value, err := json.Marshal(event)
	c.must(err)
	for _, home := range homes {
		r := record(key, value)
		r.Time = at
		if signed {
			header, err := c.keys.Sign(value)
			c.must(err)
			r.Headers = []protocol.Header{{Key: signature.Header, Value: header}}
		}
		c.records[home] = append(c.records[home], r)
	}
}
