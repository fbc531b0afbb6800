package demo

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"drawdown"
	"drawdown/sinks/clickhouse"
)

// printUsage prints what each connection used, as ClickHouse reports it, into so many columns.
func printUsage(out io.Writer, style style, connections []clickhouse.ConnectionUsage, columns int) {
	table := table{
		head: []string{"ACCOUNT", "CONNECTION", "EVENTS", "QUANTITY", "CREDITS", "WAIVED"}, right: []bool{false, false, true, true, true, true},
	}
	credits, waived := newAmounts(connections, false), newAmounts(connections, true)
	for i := range connections {
		u := &connections[i]
		table.rows = append(table.rows, []string{u.Account, u.Connection, number(u.Events), quantities(&u.Quantity), credits[i], waived[i]})
	}
	table.print(out, style, columns)
}

// table is a table of text.
type table struct {
	head  []string
	right []bool // aligned
	rows  [][]string
}

// print prints the table into so many columns, if they suffice.
func (t *table) print(out io.Writer, style style, columns int) {
	rows := append([][]string{t.head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	gap, total := "  ", 0
	for _, width := range widths {
		total += width + len(gap)
	}
	if total > columns {
		gap = " "
	}
	for n, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = padded(cell, widths[i], t.right[i])
		}
		text := strings.TrimRight(strings.Join(cells, gap), " ")
		if n == 0 {
			text = style.head.Render(text)
		}
		_, _ = fmt.Fprintln(out, text)
	}
}

// newAmounts are credits to the last digit, with their points below each other.
func newAmounts(connections []clickhouse.ConnectionUsage, waived bool) []string {
	amounts := make([]string, len(connections))
	decimals := 0
	for i := range connections {
		total := connections[i].Credits
		if waived {
			total = connections[i].Waived
		}
		amounts[i] = total.String()
		if _, fraction, found := strings.Cut(amounts[i], "."); found {
			decimals = max(decimals, len(fraction)+1)
		}
	}
	for i, amount := range amounts {
		whole, fraction, found := strings.Cut(amount, ".")
		if found {
			fraction = "." + fraction
		}
		amounts[i] = withCommas(whole) + padded(fraction, decimals, false)
	}
	return amounts
}

// units name what is charged for, briefly: six columns must fit into 80.
var units = [drawdown.MeterCount]string{drawdown.Records: "rows", drawdown.Bytes: "B", drawdown.Operations: "ops"}

// quantities shows what was charged for; a connection has one meter unless its source changed.
func quantities(quantity *[drawdown.MeterCount]drawdown.Total) string {
	var parts []string
	for meter := range drawdown.MeterCount {
		if q := quantity[meter]; !q.IsZero() {
			parts = append(parts, withCommas(q.Big().String())+" "+units[meter])
		}
	}
	return strings.Join(parts, ", ")
}
