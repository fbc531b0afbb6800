package ledgerevent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"drawdown"
)

const (
	typePrefix   = "drawdown."
	sourcePrefix = "drawdown/"
)

// Append appends the event of an entry of the partition. Offset is a string because an integer attribute of
// CloudEvents has 32 bits.
func Append(dst []byte, partition int32, e drawdown.Entry) []byte {
	head := e.Where()
	dst = append(dst, `{"specversion":"1.0","id":"`...)
	dst = appendID(dst, partition, head)
	dst = append(dst, `","source":"`+sourcePrefix...)
	dst = strconv.AppendInt(dst, int64(partition), 10)
	dst = append(dst, `","type":"`+typePrefix...)
	dst = append(dst, e.EntryType()...)
	dst = append(dst, `","subject":"`...)
	dst = append(dst, head.Account...) // an account id needs no escape
	if head.At != drawdown.NoTime {
		dst = append(dst, `","time":"`...)
		dst = head.At.Append(dst)
	}
	dst = append(dst, `","datacontenttype":"application/json","partition":`...)
	dst = strconv.AppendInt(dst, int64(partition), 10)
	dst = append(dst, `,"offset":"`...)
	dst = strconv.AppendInt(dst, int64(head.Offset), 10)
	dst = append(dst, `","n":`...)
	dst = strconv.AppendInt(dst, int64(head.N), 10)
	dst = append(dst, `,"data":`...)
	dst = drawdown.AppendLedger(dst, e)
	return append(dst, '}')
}

// appendID appends `<partition>-<offset>-<n>`.
func appendID(dst []byte, partition int32, head *drawdown.Head) []byte {
	dst = strconv.AppendInt(dst, int64(partition), 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, int64(head.Offset), 10)
	dst = append(dst, '-')
	return strconv.AppendInt(dst, int64(head.N), 10)
}

// Event is a ledger entry as it was published.
type Event struct {
	Partition int32
	drawdown.Head
	Type string // the entry's: grant.added, …
	Line []byte // the contract's line
}

// Decode reads the value of a record of drawdown.ledger. The event keeps nothing of value. It refuses whatever
// [Append] does not write, but for further attributes, which may be added later.
func Decode(value []byte) (Event, error) {
	var envelope struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject"`
		Data        json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(value, &envelope); err != nil {
		return Event{}, fmt.Errorf("read ledger event: %w", err)
	}
	if envelope.SpecVersion != "1.0" || !strings.HasPrefix(envelope.Source, sourcePrefix) {
		return Event{}, fmt.Errorf("read ledger event %q: specversion %q of source %q is none of ours",
			envelope.ID, envelope.SpecVersion, envelope.Source)
	}
	partition, err := strconv.ParseInt(envelope.Source[len(sourcePrefix):], 10, 32)
	if err != nil || partition < 0 {
		return Event{}, fmt.Errorf("read ledger event %q: source %q names no partition", envelope.ID, envelope.Source)
	}
	event := Event{Partition: int32(partition), Line: bytes.Clone(envelope.Data)}
	if err := event.readLine(); err != nil {
		return Event{}, fmt.Errorf("read ledger event %q: %w", envelope.ID, err)
	}
	if id := string(appendID(nil, event.Partition, &event.Head)); envelope.ID != id ||
		envelope.Type != typePrefix+event.Type || envelope.Subject != event.Account {
		return Event{}, fmt.Errorf("read ledger event %q of type %q for %q: its data is entry %s of type %q for %q",
			envelope.ID, envelope.Type, envelope.Subject, id, event.Type, event.Account)
	}
	return event, nil
}

// readLine takes from the line what every entry has.
func (e *Event) readLine() error {
	var line struct {
		Offset  *int64 `json:"offset"`
		N       *int   `json:"n"`
		Type    string `json:"type"`
		At      string `json:"at"`
		Account string `json:"account"`
	}
	if err := json.Unmarshal(e.Line, &line); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	at, ok := drawdown.ParseTime([]byte(line.At))
	if line.Offset == nil || line.N == nil || *line.Offset < 0 || *line.N < 0 || !ok ||
		line.Type == "" || !drawdown.ValidAccount([]byte(line.Account)) {
		return fmt.Errorf("data is no ledger entry: %.200s", e.Line)
	}
	e.Head = drawdown.Head{Offset: drawdown.Offset(*line.Offset), N: *line.N, At: at, Account: line.Account}
	e.Type = line.Type
	return nil
}
