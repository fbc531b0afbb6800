//go:build integration

package e2e

import (
	"os/exec"
	"testing"

	"drawdown"
	"drawdown/internal/servers/python"
)

// foreignProducer sends usage with a client in another language: its default partitioner, the account as key.
const foreignProducer = `
import datetime, json, sys
from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=sys.argv[1], acks="all", linger_ms=20)
now = datetime.datetime.now(datetime.timezone.utc).isoformat()
sent = []
for i in range(int(sys.argv[3])):
    account = "customer-%d" % (i % 200)
    event = {
        "specversion": "1.0", "id": "py-%d" % i, "source": "python", "type": "sync.usage", "subject": account, "time": now,
        "data": {
            "connection": "c", "source_connector": "source-faker", "destination_connector": "destination-postgres",
            "job": 1, "attempt": 0, "seq": i // 200 + 1, "stream": "users", "records": 1000,
        },
    }
    sent.append(producer.send(sys.argv[2], key=account.encode(), value=json.dumps(event).encode()))
producer.flush()
for future in sent:
    future.get(timeout=30)
`

// TestAProducerThatIsNotOurs: whoever uses the account as key, and no partitioner of their own, is right.
func TestAProducerThatIsNotOurs(t *testing.T) {
	in := install(t, needs{})
	in.publishExamples()
	const accounts, events = 200, 4000
	for i := range accounts {
		in.openAccount("customer-"+number(i), "airbyte-cloud", 1)
	}
	venv, err := python.Find()
	in.must(err)
	script := exec.CommandContext(t.Context(), venv.Python, "-c", foreignProducer, in.kafka, in.config.Worker.MeteringTopic, number(events))
	if output, err := script.CombinedOutput(); err != nil {
		t.Fatalf("the Python client: %v\n%s", err, output)
	}
	m := in.settle()
	in.check(m)
	if m.charged != events || len(m.rejected) > 0 || m.repeated > 0 {
		t.Errorf("%d charges of %d, %d duplicates, rejected: %v", m.charged, events, m.repeated, m.rejected)
	}
	for i := range accounts {
		want := drawdown.Credit - events/accounts*1000*creditsPerRecord
		if found := in.available("customer-" + number(i)); found != want {
			t.Errorf("customer-%d has %s, want %s", i, found, want)
		}
	}
}
