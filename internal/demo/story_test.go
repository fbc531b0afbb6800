package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"drawdown"
	"drawdown/consumer/murmur"
)

// TestTheStoryFitsTheExamples: a connector that is not published, or a stage that is not what the story says, would
// show as a drift only after half a minute.
func TestTheStoryFitsTheExamples(t *testing.T) {
	type published struct{ Kind, Stage string }
	connectors := map[string]published{}
	list, err := exampleData("examples/connectors.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range list {
		var connector struct {
			Connector string
			published
		}
		if err := json.Unmarshal(data, &connector); err != nil {
			t.Fatal(err)
		}
		connectors[connector.Connector] = connector.published
	}
	meters := map[string]drawdown.Meter{
		"api": drawdown.Records, "custom": drawdown.Records, "database": drawdown.Bytes, "file": drawdown.Bytes, "module": drawdown.Operations,
	}
	ga := func(connector string) bool { return connectors[connector].Stage == "ga" }
	used := map[int32]bool{}
	var free []string
	for _, c := range story() {
		used[murmur.Partition([]byte(c.account), partitions)] = true
		shares := 0.0
		for _, connection := range c.all() {
			shares += connection.share
			if meter, known := meters[connectors[connection.source].Kind]; !known || meter != connection.meter {
				t.Errorf("%s/%s: source %s is %+v, the story counts %v", c.account, connection.name, connection.source, connectors[connection.source], connection.meter)
			}
			if c.enrolled && !(ga(connection.source) && ga(connection.destination)) {
				free = append(free, connection.name)
			}
			if connectors[connection.destination].Kind == "" {
				t.Errorf("%s/%s: destination %s is not published", c.account, connection.name, connection.destination)
			}
		}
		if len(c.connections) > 0 && math.Abs(shares-1) > 1e-9 {
			t.Errorf("%s: the shares of its connections add up to %v", c.account, shares)
		}
	}
	if !slices.Equal(free, []string{"notion-postgres"}) {
		t.Errorf("free are %v by the examples", free)
	}
	if len(used) < 2 {
		t.Errorf("all accounts are in one of %d partitions", partitions)
	}
}

// TestTheLadderPlanIsMake10kWithALadder: but for its id and the ladder it is the example.
func TestTheLadderPlanIsMake10kWithALadder(t *testing.T) {
	example, err := exampleData("examples/make-10k.json")
	if err != nil {
		t.Fatal(err)
	}
	var plan, want map[string]any
	if err := errors.Join(json.Unmarshal(ladderPlanData, &plan), json.Unmarshal(example[0], &want)); err != nil {
		t.Fatal(err)
	}
	if plan["id"] != ladderPlan || plan["payment_ladder"] == nil {
		t.Errorf("id %v, ladder %v", plan["id"], plan["payment_ladder"])
	}
	delete(plan, "payment_ladder")
	if plan["id"] = makePlan; !reflect.DeepEqual(plan, want) {
		t.Errorf("%v is not %v", plan, want)
	}
}

// TestTheRecordingIsTheConnectors holds the copy against the original, and the count against its records.
func TestTheRecordingIsTheConnectors(t *testing.T) {
	original, err := os.ReadFile("../../producer/tap/testdata/source-faker.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(original, recorded) {
		t.Error("testdata/source-faker.jsonl is not that of producer/tap")
	}
	if found := bytes.Count(recorded, []byte(`{"type":"RECORD"`)); found != recordedRecords {
		t.Errorf("%d records, expected %d", found, recordedRecords)
	}
}
