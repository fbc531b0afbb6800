package api

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"drawdown"
	"drawdown/balance"
)

// GateAnswer says whether a sync may start.
type GateAnswer struct {
	Allowed   bool        `json:"allowed"`
	Reason    string      `json:"reason" enum:"connection_stopped,hold,free,reserved,held,active,purchasing,grace,payment_failed,exhausted" doc:"Why: docs/contract.md, section 10."`
	Status    string      `json:"status" enum:"active,purchasing,grace,payment_failed,exhausted" doc:"Of the account."`
	Available creditsText `json:"available" doc:"The balance less what is held."`
	Held      creditsText `json:"held" doc:"What is left of all open holds."`
	Reserve   creditsText `json:"reserve" doc:"The last credits, on which only critical connections may start."`
	Priority  string      `json:"priority" enum:"critical,normal,low" doc:"Of the connection."`
	Hold      *Hold       `json:"hold,omitempty" doc:"The hold for the job that was asked about."`
}

// asksGate binds the gate. It goes around huma, which costs several times what the answer itself does: see
// BenchmarkGate. The document describes it all the same.
func asksGate(s *server, rt *route, op huma.Operation) {
	schemas := s.huma.OpenAPI().Components.Schemas
	greatest := float64(drawdown.MaxInteger)
	op.Parameters = []*huma.Param{
		{Name: "account", In: "path", Required: true, Description: "The account's id.", Schema: &huma.Schema{
			Type: huma.TypeString, MinLength: ptr(1), MaxLength: ptr(drawdown.MaxAccountLen), Pattern: "^[A-Za-z0-9._:-]+$"}},
		{Name: "connection", In: "query", Required: true, Description: "The connection whose sync is to start.", Schema: &huma.Schema{
			Type: huma.TypeString, MinLength: ptr(1), MaxLength: ptr(drawdown.MaxNameLen)}},
		{Name: "job", In: "query", Description: "The sync's job: one with a hold of its own may start on it.", Schema: &huma.Schema{
			Type: huma.TypeInteger, Minimum: ptr(0.0), Maximum: &greatest}},
	}
	op.Responses["200"] = &huma.Response{
		Description: "Whether it may start; also where it may not.",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(reflect.TypeFor[GateAnswer](), true, "")}},
	}
	s.huma.OpenAPI().AddOperation(&op)
	s.HandleFunc(rt.method+" "+prefix+rt.path, s.answerGate)
}

func (s *server) answerGate(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	connection, job, refusal := readGateQuery(ctx, r.URL.RawQuery)
	if refusal != nil {
		refuse(ctx, refusal).write(w)
		return
	}
	answer, err := s.office.Gate(ctx, principal(ctx), r.PathValue("account"), connection, job)
	if err != nil {
		refuse(ctx, err).write(w)
		return
	}
	body := gateBodies.Get().(*[]byte)
	*body = appendGate((*body)[:0], answer)
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(*body) // a client that is gone asks again
	gateBodies.Put(body)
}

var (
	jsonType   = []string{"application/json"}
	gateBodies = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}
)

// readGateQuery reads `connection` and `job`, each at most once and nothing else.
func readGateQuery(ctx context.Context, query string) (connection string, job *uint64, refusal *Problem) {
	for len(query) > 0 {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(value)
		if err != nil || !utf8.ValidString(value) || strings.Contains(pair, ";") {
			return "", nil, misread(ctx, "query", "it has an escape or a separator that cannot be read, or is not UTF-8")
		}
		switch {
		case name == "connection" && connection == "" && value != "":
			connection = value
		case name == "job" && job == nil:
			number, ok := parseInteger(value)
			if !ok {
				return "", nil, misread(ctx, "query.job", "expected an integer from 0 to 2^53-1")
			}
			job = &number
		default:
			return "", nil, misread(ctx, "query", "expected connection and job only, each once and not empty")
		}
	}
	switch {
	case connection == "":
		return "", nil, misread(ctx, "query.connection", "required query parameter is missing")
	case utf8.RuneCountInString(connection) > drawdown.MaxNameLen:
		return "", nil, misread(ctx, "query.connection", "expected length <= 128")
	}
	return connection, job, nil
}

// parseInteger reads an integer as records have it: digits only, at most 2^53-1.
func parseInteger(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && n <= drawdown.MaxInteger && text[0] != '+'
}

// appendGate writes a [GateAnswer]. Its strings are words of ours and numbers, which need no escaping; names, which do, stand
// in the hold only.
func appendGate(dst []byte, a *balance.GateAnswer) []byte {
	dst = append(dst, `{"allowed":`...)
	dst = strconv.AppendBool(dst, a.Allowed)
	dst = append(dst, `,"reason":"`...)
	dst = append(dst, a.Reason...)
	dst = append(dst, `","status":"`...)
	dst = append(dst, a.Status.String()...)
	dst = append(dst, `","available":"`...)
	dst = a.Available.Append(dst)
	dst = append(dst, `","held":"`...)
	dst = a.Held.Append(dst)
	dst = append(dst, `","reserve":"`...)
	dst = a.Reserve.Append(dst)
	dst = append(dst, `","priority":"`...)
	dst = append(dst, a.Priority.String()...)
	dst = append(dst, '"')
	if a.Hold != nil {
		dst = append(dst, `,"hold":`...)
		dst = appendJSON(dst, holdOf(*a.Hold))
	}
	return append(dst, '}', '\n')
}
