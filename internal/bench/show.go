package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// tabled is a result that people read as a table, and programs as JSON.
type tabled interface{ table(out *bytes.Buffer) }

// show writes a result's table and, as the last line, the JSON object; all of it at once, so that it is whole or not there.
func show(out io.Writer, result tabled, onlyJSON bool) error {
	line, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("show the result: %w", err)
	}
	var text bytes.Buffer
	if !onlyJSON {
		result.table(&text)
	}
	text.Write(line)
	text.WriteByte('\n')
	if _, err := out.Write(text.Bytes()); err != nil {
		return fmt.Errorf("show the result: %w", err)
	}
	return nil
}

// columns align the cells of a table's rows. Flush it after the last row.
type columns struct{ *tabwriter.Writer }

func newColumns(out *bytes.Buffer) columns {
	return columns{tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)}
}

func (c columns) row(cells ...any) {
	for _, cell := range cells {
		fmt.Fprint(c, cell, "\t")
	}
	fmt.Fprintln(c)
}
