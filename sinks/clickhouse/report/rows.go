package report

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"drawdown"
)

// chargeColumns are the members of a charge (contract, section 8), behind where it stands: numbers, texts, nil for a text
// that is absent, and what was burned.
var chargeColumns = []struct {
	name string
	of   func(*Charge) any
}{
	{"partition", func(c *Charge) any { return c.Partition }},
	{"offset", func(c *Charge) any { return c.Offset }},
	{"n", func(c *Charge) any { return c.N }},
	{"at", func(c *Charge) any { return stamp(c.At) }},
	{"time", func(c *Charge) any { return stamp(c.Time) }},
	{"connection", func(c *Charge) any { return c.Connection }},
	{"source_connector", func(c *Charge) any { return c.Source }},
	{"destination_connector", func(c *Charge) any { return c.Destination }},
	{"job", func(c *Charge) any { return c.Job }},
	{"attempt", func(c *Charge) any { return c.Attempt }},
	{"stream", func(c *Charge) any {
		if c.Stream == "" {
			return nil
		}
		return c.Stream
	}},
	{"event", func(c *Charge) any { return c.Event }},
	{"kind", func(c *Charge) any { return c.Kind }},
	{"meter", func(c *Charge) any { return c.Meter }},
	{"quantity", func(c *Charge) any { return c.Quantity }},
	{"credits", func(c *Charge) any { return c.Credits.String() }},
	{"waived", func(c *Charge) any { return c.Waived.String() }},
	{"category", func(c *Charge) any { return c.Category }},
	{"rates", func(c *Charge) any { return c.Rates }},
	{"burned", func(c *Charge) any { return Burned(c.Burned) }},
	{"overdraft", func(c *Charge) any { return c.Overdraft.String() }},
}

// ChargeHeader names the cells of a charge, which are the members of its line.
func ChargeHeader() []string {
	names := make([]string, len(chargeColumns))
	for i := range chargeColumns {
		names[i] = chargeColumns[i].name
	}
	return names
}

// Line is a charge as one JSON object, as the contract has it and with its partition.
func (c *Charge) Line() []byte {
	line := []byte{'{'}
	for i, column := range chargeColumns {
		if i > 0 {
			line = append(line, ',')
		}
		line = strconv.AppendQuote(line, column.name)
		line = append(append(line, ':'), jsonOf(column.of(c))...)
	}
	return append(line, '}')
}

// Cells is a charge as a row of a table, below [ChargeHeader]. A text that a spreadsheet would take for a formula has an
// apostrophe before it.
func (c *Charge) Cells() []string {
	cells := make([]string, len(chargeColumns))
	for i, column := range chargeColumns {
		switch value := column.of(c).(type) {
		case nil:
		case string:
			cells[i] = safeCell(value)
		default:
			cells[i] = string(jsonOf(value))
		}
	}
	return cells
}

// EntryHeader names the cells of a ledger entry.
func EntryHeader() []string { return []string{"partition", "offset", "n", "at", "type", "entry"} }

// Cells is a ledger entry as a row of a table, below [EntryHeader]: where it stands, and its line.
func (e *Entry) Cells() []string {
	return []string{
		strconv.Itoa(int(e.Partition)), strconv.FormatInt(int64(e.Offset), 10), strconv.Itoa(e.N), stamp(e.At), e.Type, string(e.Line),
	}
}

// Burned is what was taken from each grant, as a charge has it in JSON: a list, also where it is empty.
type Burned []Burn

// MarshalJSON implements [json.Marshaler].
func (b Burned) MarshalJSON() ([]byte, error) {
	type member struct {
		Grant   string `json:"grant"`
		Credits string `json:"credits"`
	}
	members := make([]member, len(b))
	for i, one := range b {
		members[i] = member{one.Grant, one.Credits.String()}
	}
	return jsonOf(members), nil
}

// stamp is an instant as the contract prints it.
func stamp(t time.Time) string { return drawdown.TimeOf(t).String() }

// safeCell is text in a cell that no spreadsheet takes for a formula: names come from customers.
func safeCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}

// jsonOf is a value as JSON, with no character escaped that need not be.
func jsonOf(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("report: encode a charge: " + err.Error()) // numbers, texts, and what was burned
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}
