package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"drawdown/api/office"
)

// The content types of events (CloudEvents HTTP protocol binding 1.0.2).
const (
	eventType = "application/cloudevents+json"
	batchType = "application/cloudevents-batch+json"
	dataType  = "application/json" // binary mode: attributes in headers, data in the body
)

// EventResults says what became of each event, in the order of the events.
type EventResults struct {
	Results []EventResult `json:"results"`
}

// EventResult is what became of one event.
type EventResult struct {
	ID       string    `json:"id" doc:"The event's id; empty where it cannot be read."`
	State    string    `json:"state" enum:"accepted,rejected" doc:"accepted: all in-sync replicas of the log have it. When it is applied it may still turn out to be a duplicate, or of an unknown connector."`
	Reason   string    `json:"reason,omitempty" doc:"Why it was rejected: docs/contract.md, section 3."`
	Detail   string    `json:"detail,omitempty" doc:"What is wrong with it, for people."`
	Position *Position `json:"position,omitempty" doc:"Where an accepted event stands in the log."`
}

// takesEvents binds the ingestion of events. Its body is told apart by content type, which huma does not do.
func takesEvents(s *server, rt *route, op huma.Operation) {
	op.Description += fmt.Sprintf(" One event as %s, up to %d (and %d bytes) as %s, or one in binary mode: its attributes in headers "+
		"ce-id, ce-source, ce-type, …, its data as %s. Answered when all in-sync replicas of the log have what was accepted. "+
		"Repeating a request is harmless: an event is known by its sequence number or id. A key of one account may leave the subject out.",
		eventType, s.config.EventsMax, s.config.EventsBytesMax, batchType, dataType)
	event, data := eventSchema(), usageSchema()
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		eventType: {Schema: event}, batchType: {Schema: batchSchema(event, s.config.EventsMax)},
		dataType: {Schema: data},
	}}
	op.Responses["200"] = &huma.Response{
		Description: "What became of each event. A batch that could be read is always answered so; a single event that is rejected is a 422.",
		Content: map[string]*huma.MediaType{"application/json": {
			Schema: s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[EventResults](), true, ""),
		}},
	}
	s.huma.OpenAPI().AddOperation(&op)
	s.HandleFunc(rt.method+" "+prefix+rt.path, s.takeEvents)
}

func (s *server) takeEvents(w http.ResponseWriter, r *http.Request) {
	results, err := s.ingest(r)
	if err != nil {
		refuse(r.Context(), err).write(w)
		return
	}
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(append(appendJSON(nil, results), '\n')) // a client that is gone sends them again
}

func (s *server) ingest(r *http.Request) (*EventResults, error) {
	ctx := r.Context()
	events, single, err := s.readEvents(r)
	if err != nil {
		return nil, err
	}
	became, err := s.office.Ingest(ctx, principal(ctx), events)
	if err != nil {
		return nil, err
	}
	for i := range became {
		s.metrics.events.WithLabelValues(string(became[i].State)).Inc()
	}
	if single && became[0].State == office.EventRejected {
		p := problem(ctx, string(became[0].Reason), became[0].Detail)
		p.Status = http.StatusUnprocessableEntity
		return nil, p
	}
	return &EventResults{list(became, eventResultOf)}, nil
}

func eventResultOf(e office.EventResult) EventResult {
	result := EventResult{ID: e.ID, State: string(e.State), Reason: string(e.Reason), Detail: e.Detail}
	if e.State == office.EventAccepted {
		result.Position = &Position{e.Position.Partition, int64(e.Position.Offset)}
	}
	return result
}

// readEvents cuts a request into events. What an event must be is the office's to say; here it is only whether there are
// events at all.
func (s *server) readEvents(r *http.Request) (events [][]byte, single bool, err error) {
	ctx := r.Context()
	if r.URL.RawQuery != "" {
		return nil, false, misread(ctx, "query", "expected none")
	}
	body, err := io.ReadAll(r.Body) // the guard has bounded it
	if err != nil {
		return nil, false, err
	}
	contentType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := parameters["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, false, problem(ctx, "unsupported_media_type", "")
	}
	switch contentType {
	case eventType:
		return [][]byte{body}, true, nonEmpty(ctx, body)
	case batchType:
		events, err = s.batch(ctx, body)
		return events, false, err
	case dataType:
		event, err := binaryEvent(ctx, r.Header, body)
		return [][]byte{event}, true, err
	default:
		return nil, false, problem(ctx, "unsupported_media_type", "Send "+eventType+", "+batchType+", or "+dataType+" with the attributes in headers.")
	}
}

func nonEmpty(ctx context.Context, body []byte) error {
	if !json.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return misread(ctx, "body", "expected a JSON object")
	}
	return nil
}

func (s *server) batch(ctx context.Context, body []byte) ([][]byte, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil || raw == nil {
		return nil, misread(ctx, "body", "expected a JSON array of events")
	}
	switch {
	case len(raw) == 0:
		return nil, misread(ctx, "body", "expected at least one event")
	case len(raw) > s.config.EventsMax:
		return nil, problem(ctx, "too_many_events", fmt.Sprintf("There are %d events; send at most %d at a time.", len(raw), s.config.EventsMax))
	}
	return list(raw, func(m json.RawMessage) []byte { return m }), nil
}

// attributePrefix begins the header of each attribute in binary mode.
const attributePrefix = "Ce-"

// binaryEvent makes an event of a request in binary mode: header values are percent-encoded UTF-8 (section 3.1.3.2 of the
// binding).
func binaryEvent(ctx context.Context, header http.Header, body []byte) ([]byte, error) {
	event := map[string]json.RawMessage{}
	for name, values := range header {
		attribute, found := strings.CutPrefix(name, attributePrefix)
		if !found {
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil || len(values) > 1 || !utf8.ValidString(value) {
			return nil, misread(ctx, "header."+name, "it is there twice, or no percent-encoded UTF-8")
		}
		event[strings.ToLower(attribute)] = appendJSON(nil, value)
	}
	if len(event) == 0 {
		return nil, problem(ctx, "malformed", "Data alone is no event: send its attributes in headers ce-id, ce-source, …, or the whole event as "+eventType+".")
	}
	if err := nonEmpty(ctx, body); err != nil {
		return nil, err
	}
	event["datacontenttype"], event["data"] = json.RawMessage(`"`+dataType+`"`), body
	return appendJSON(nil, event), nil
}

// appendJSON appends what cannot fail to be JSON: strings, numbers, and JSON that was read before.
func appendJSON(dst []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("api: encode an answer: " + err.Error())
	}
	return append(dst, text...)
}

func name(limit int) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: ptr(1), MaxLength: ptr(limit)}
}

func integer(least float64) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: ptr(float64(1<<53 - 1))}
}

// orNull is for members of records that may be absent: null stands for that (contract, section 1).
func orNull(s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

// usageSchema describes the data of sync.usage (contract, section 3).
func usageSchema() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true, Required: []string{"connection", "source_connector", "destination_connector", "job", "attempt"},
		Properties: map[string]*huma.Schema{
			"connection": name(128), "source_connector": name(128), "destination_connector": name(128), "stream": orNull(name(128)),
			"job": integer(0), "attempt": integer(0), "seq": orNull(integer(1)),
			"records": orNull(integer(0)), "bytes": orNull(integer(0)), "operations": orNull(integer(0)),
		},
	}
}

// batchSchema describes a batch. What an event must be is left open: one that is not as it must be is rejected by itself.
func batchSchema(event *huma.Schema, most int) *huma.Schema {
	anything := &huma.Schema{Description: "Anything else is rejected by itself."}
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{AnyOf: []*huma.Schema{event, anything}}, MinItems: ptr(1), MaxItems: &most}
}

// eventSchema describes a usage event (contract, section 2).
func eventSchema() *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true, Required: []string{"specversion", "id", "source", "type", "time", "data"},
		Properties: map[string]*huma.Schema{
			"specversion": {Type: huma.TypeString, Enum: []any{"1.0"}},
			"id":          name(128), "source": name(256),
			"type":    {Type: huma.TypeString, Enum: []any{"sync.usage"}},
			"subject": {Type: huma.TypeString, Nullable: true, MinLength: ptr(1), MaxLength: ptr(128), Pattern: "^[A-Za-z0-9._:-]+$", Description: "The account; a key of one account may leave it out."},
			"time":    {Type: huma.TypeString, Format: "date-time"},
			"data":    usageSchema(),
		},
	}
}
