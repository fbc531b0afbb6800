package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"drawdown"
	"drawdown/api/access"
	"drawdown/consumer/decode"
)

// Ingest takes usage events of workers that don't write to Kafka: CloudEvents as JSON, of type sync.usage only. There is a
// result for each, in order; it returns once all in-sync replicas have those that it accepts. After an error any of them may
// stand in the log, and handing all of them in again is harmless: what was taken is a duplicate (contract, section 4).
//
// The credential of one account reports for that account only; its events may leave the subject out.
func (o *Office) Ingest(ctx context.Context, p *access.Principal, events [][]byte) ([]EventResult, error) {
	if err := mayAny(p, access.ReportUsage); err != nil {
		return nil, err
	}
	results := make([]EventResult, len(events))
	accepted := make([]UsageEvent, 0, len(events))
	places := make([]int, 0, len(events))
	for i, event := range events {
		usage, result := readEvent(p, event)
		results[i] = result
		if result.State == EventAccepted {
			accepted, places = append(accepted, usage), append(places, i)
		}
	}
	if len(accepted) == 0 {
		return results, nil
	}
	appending, cancel := context.WithTimeout(ctx, appendMax)
	defer cancel()
	positions, err := o.deps.Log.AppendUsage(appending, accepted)
	if err != nil {
		return nil, unavailable(ctx, "the log", err)
	}
	for i, place := range places {
		results[place].Position = positions[i]
	}
	return results, nil
}

// eventBytesMax bounds one event: ten times what the contract's strings can need, and small enough for every broker.
const eventBytesMax = 64 << 10

// readEvent reads an event as a worker of ours would, and says why it can't be taken.
func readEvent(p *access.Principal, event []byte) (UsageEvent, EventResult) {
	if len(event) > eventBytesMax {
		return UsageEvent{}, EventResult{
			State: EventRejected, Reason: drawdown.Malformed, Detail: fmt.Sprintf("It has %d bytes, allowed are %d.", len(event), eventBytesMax),
		}
	}
	var decoder decode.Decoder
	var rec drawdown.Record
	decoder.Decode(event, drawdown.NoTime, &rec)
	if p.Account != "" && rec.Account == nil && rec.Reject == drawdown.Malformed {
		if filled, err := withSubject(event, p.Account); err == nil {
			event = filled
			decoder.Decode(event, drawdown.NoTime, &rec)
		}
	}
	result := EventResult{ID: string(rec.ID), State: EventRejected, Reason: rec.Reject}
	switch {
	case rec.Type != drawdown.SyncUsage && (rec.Type != drawdown.TypeUnknown || rec.Reject == drawdown.UnknownType):
		result.Reason, result.Detail = drawdown.UnknownType, "Only sync.usage is taken here; everything else has a request of its own."
	case rec.Reject != "":
		result.Detail = faultOf(&rec, event)
	case !p.Sees(string(rec.Account)):
		result.Reason, result.Detail = drawdown.UnknownAccount, "There is no such account."
	default:
		result.State = EventAccepted
	}
	return UsageEvent{Account: string(rec.Account), Value: event}, result
}

var errSubject = errors.New("the event has a subject")

// withSubject fills in the account of an event that names none.
func withSubject(event []byte, account string) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(event, &members); err != nil {
		return nil, err
	}
	if members == nil || members["subject"] != nil && string(members["subject"]) != "null" {
		return nil, errSubject
	}
	subject, err := json.Marshal(account)
	if err != nil {
		return nil, err
	}
	members["subject"] = subject
	return json.Marshal(members)
}

// faultOf says what is wrong with an event, as far as that can be seen member by member.
func faultOf(rec *drawdown.Record, event []byte) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(event, &members) != nil || members == nil {
		return "It is no JSON object."
	}
	var wrong []string
	say := func(bad bool, what string) {
		if bad {
			wrong = append(wrong, what)
		}
	}
	say(rec.ID == nil, fmt.Sprintf("id: 1 to %d bytes", drawdown.MaxIDLen))
	say(rec.Source == nil, fmt.Sprintf("source: 1 to %d bytes", drawdown.MaxSourceLen))
	say(string(members["specversion"]) != `"1.0"`, `specversion: "1.0"`)
	say(rec.Time == drawdown.NoTime, "time: RFC 3339, such as 2026-02-01T00:00:00Z")
	say(rec.Account == nil, fmt.Sprintf("subject: the account, 1 to %d of A-Z a-z 0-9 . _ : -", drawdown.MaxAccountLen))
	if len(wrong) == 0 {
		return "The members of data are not those of sync.usage: see the contract, section 3."
	}
	return "Asked for are: " + strings.Join(wrong, "; ") + "."
}
