package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"drawdown/sinks/clickhouse/report"
)

// The formats of exports, by their name.
const (
	csvFormat   = "csv"
	jsonlFormat = "jsonl"
)

var exportTypes = map[string]string{csvFormat: "text/csv; charset=utf-8", jsonlFormat: "application/jsonl"}

// Format is in which form an export is wanted.
type Format struct {
	Format string `query:"format" enum:"csv,jsonl" default:"csv" doc:"csv: a header, then a row each; text that a spreadsheet would take for a formula has an apostrophe before it. jsonl: a JSON object a line, exact."`
}

// exports binds a handler that streams a file. Errors before anything is sent are problems; after it the connection is
// cut, so that half a file does not look whole.
func exports[I any](h func(*server, context.Context, *I) (*export, error)) binding {
	return func(s *server, _ *route, op huma.Operation) {
		op.DefaultStatus = http.StatusOK
		text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		op.Responses["200"] = &huma.Response{
			Description: "The file.",
			Headers:     map[string]*huma.Param{"Content-Disposition": {Description: "The file's name.", Schema: &huma.Schema{Type: huma.TypeString}}},
			Content:     map[string]*huma.MediaType{"text/csv": text, "application/jsonl": text},
		}
		huma.Register(s.huma, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
			e, err := h(s, ctx, in)
			if err != nil {
				return nil, refuse(ctx, err)
			}
			return &huma.StreamResponse{Body: func(hctx huma.Context) {
				_, w := humago.Unwrap(hctx)
				e.stream(ctx, w, s.config.ExportStall)
			}}, nil
		})
	}
}

// export is a file to be streamed.
type export struct {
	name   string // without its ending
	format string
	header []string // of CSV
	// each hands over every row: its JSON, and its cells where the format is CSV.
	each func(take func(row) error) error

	w       http.ResponseWriter
	control *http.ResponseController
	out     *bufio.Writer
	csv     *csv.Writer
	stall   time.Duration
	sent    bool // the client has the beginning
}

// row is one row of an export in both forms; only the one that is wanted is made.
type row struct {
	line  func() []byte
	cells func() []string
}

// exportBuffer is how much is written at a time.
const exportBuffer = 64 << 10

func (e *export) stream(ctx context.Context, w http.ResponseWriter, stall time.Duration) {
	e.w, e.control, e.stall = w, http.NewResponseController(w), stall
	err := e.each(func(r row) error { return e.write(r) })
	if err == nil && e.out == nil {
		err = e.begin() // an empty file is one, too
	}
	if err == nil {
		err = e.end()
	}
	switch {
	case err == nil:
	case !e.sent:
		w.Header().Del("Content-Disposition")
		refuse(ctx, err).write(w)
	default:
		_ = refuse(ctx, err) // for the log; the client has half of the file
		panic(http.ErrAbortHandler)
	}
}

func (e *export) begin() error {
	h := e.w.Header()
	h.Set("Content-Type", exportTypes[e.format])
	h.Set("Content-Disposition", `attachment; filename="`+e.name+"."+e.format+`"`)
	e.out = bufio.NewWriterSize(stallWriter{e}, exportBuffer)
	if e.format == jsonlFormat {
		return nil
	}
	e.csv = csv.NewWriter(e.out)
	return e.csv.Write(e.header)
}

func (e *export) write(r row) error {
	if e.out == nil {
		if err := e.begin(); err != nil {
			return err
		}
	}
	if e.csv != nil {
		return e.csv.Write(r.cells())
	}
	if _, err := e.out.Write(r.line()); err != nil {
		return err
	}
	return e.out.WriteByte('\n')
}

func (e *export) end() error {
	if e.csv != nil {
		e.csv.Flush()
		if err := e.csv.Error(); err != nil {
			return err
		}
	}
	return e.out.Flush()
}

// stallWriter gives the client some time for each piece, however long the whole takes.
type stallWriter struct{ e *export }

func (w stallWriter) Write(p []byte) (int, error) {
	w.e.sent = true
	_ = w.e.control.SetWriteDeadline(time.Now().Add(w.e.stall)) // not every writer has deadlines: tests' recorders
	n, err := w.e.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

type exportLedgerInput struct {
	AccountPath
	LedgerFilter
	Format
}

func (s *server) exportLedger(ctx context.Context, in *exportLedgerInput) (*export, error) {
	q, err := in.query(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	p := principal(ctx)
	return &export{
		name: "ledger-" + in.Account, format: in.Format.Format, header: report.EntryHeader(),
		each: func(take func(row) error) error {
			return s.office.ExportLedger(ctx, p, in.Account, q, func(e *report.Entry) error {
				return take(row{func() []byte { return e.Line }, e.Cells})
			})
		},
	}, nil
}

type exportChargesInput struct {
	AccountPath
	Connection string    `query:"connection" minLength:"1" maxLength:"128" doc:"Only this connection's."`
	Job        countText `query:"job" minLength:"1" maxLength:"16" doc:"Only this job's, with connection."`
	Span
	Format
}

func (s *server) exportCharges(ctx context.Context, in *exportChargesInput) (*export, error) {
	from, to, err := in.parse(ctx)
	if err != nil {
		return nil, err
	}
	q := report.ChargeQuery{Account: in.Account, Connection: in.Connection, From: from, To: to}
	if in.Job != "" {
		job, ok := parseInteger(string(in.Job))
		if !ok {
			return nil, malformed(ctx, "query.job", "it is not an integer from 0 to 2^53-1")
		}
		q.Job = &job
	}
	p := principal(ctx)
	return &export{
		name: "charges-" + in.Account, format: in.Format.Format, header: report.ChargeHeader(),
		each: func(take func(row) error) error {
			return s.office.ExportCharges(ctx, p, in.Account, q, func(c *report.Charge) error {
				return take(row{c.Line, c.Cells})
			})
		},
	}, nil
}
