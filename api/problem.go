package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"drawdown"
	"drawdown/api/office"
)

// Problem is a refusal (RFC 9457).
//
//nolint:errname // it is the RFC's name, and that of its schema in the document
type Problem struct {
	Type     string  `json:"type" format:"uri-reference" doc:"Where the reason is explained: docs/api.md of this project, at the reason." example:"/docs/api.md#no_such_account"`
	Title    string  `json:"title" doc:"What is wrong, the same for every occurrence."`
	Status   int     `json:"status" minimum:"400" maximum:"599" doc:"The status of the answer."`
	Detail   string  `json:"detail" doc:"What is wrong here, and what to do about it."`
	Instance string  `json:"instance" format:"uri-reference" doc:"This very occurrence. Its last part is the request's id, by which operators find it in the logs."`
	Reason   string  `json:"reason" doc:"A word for programs." example:"no_such_account"`
	Missing  []words `json:"missing,omitempty" doc:"Preconditions that are not met." example:"[\"payment_method\"]"`
	Key      string  `json:"key,omitempty" doc:"The id of the API key that was issued or rotated already."`
	Errors   []Fault `json:"errors,omitempty" doc:"Each fault of the request."`

	retryAfter int   // seconds; 0: not said
	cause      error // for the log only
}

// words is a string that is a word for programs.
type words string

// Fault is one thing that does not fit the description of the API.
type Fault struct {
	Location string `json:"location" doc:"Where: path, query, header or body, and the name." example:"body.amount"`
	Message  string `json:"message" doc:"What was expected there."`
}

const problemType = "application/problem+json"

// Error and the methods below make a Problem an error that huma writes as it is.
func (p *Problem) Error() string { return p.Reason + ": " + p.Detail }

// Unwrap returns what caused the problem, which is told to nobody but the log.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus returns the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the content type of the answer.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders returns what the answer has besides.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	return h
}

// problem makes a Problem of a reason of the table. Without a detail, the table's advice is the detail.
func problem(ctx context.Context, reason, detail string) *Problem {
	r := explain(reason)
	if detail == "" {
		detail = r.advice
	}
	p := &Problem{Type: reasonsDocument + "#" + reason, Title: r.title, Status: r.status, Detail: detail, Reason: reason, Instance: "/requests/" + requestID(ctx)}
	if r.status == http.StatusServiceUnavailable {
		p.retryAfter = 1
	}
	return p
}

// refuse makes a Problem of whatever went wrong. What it does not know is an internal error, of which only the log learns
// the details.
func refuse(ctx context.Context, err error) *Problem {
	var p *Problem
	var refused *office.Error
	var status huma.StatusError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &refused):
		p = refusedByOffice(ctx, refused)
	case errors.As(err, &status):
		p = problem(ctx, reasonOf(status.GetStatus()), status.Error())
	case errors.Is(err, context.DeadlineExceeded):
		p = problem(ctx, "timeout", "")
	case errors.Is(err, context.Canceled):
		p = problem(ctx, "canceled", "")
	default:
		p = problem(ctx, "internal", "")
	}
	if p.cause == nil && p.Status >= http.StatusInternalServerError {
		p.cause = err
	}
	noteProblem(ctx, p)
	return p
}

// refusedByOffice keeps the office's own words. Its kind decides the status where the table does not know the reason.
func refusedByOffice(ctx context.Context, refused *office.Error) *Problem {
	p := problem(ctx, refused.Reason, refused.Detail)
	if status, known := officeStatuses[refused.Kind]; known {
		p.Status = status
	}
	if p.Status == http.StatusServiceUnavailable && p.retryAfter == 0 {
		p.retryAfter = 1
	}
	p.Key = refused.Key
	for _, m := range refused.Missing {
		p.Missing = append(p.Missing, words(m))
	}
	return p
}

var officeStatuses = map[office.ErrorKind]int{
	office.Invalid: http.StatusUnprocessableEntity, office.NotFound: http.StatusNotFound, office.Forbidden: http.StatusForbidden,
	office.Conflict: http.StatusConflict, office.Unavailable: http.StatusServiceUnavailable,
}

// rejected makes a Problem of a write that stands in the log but was rejected.
func rejected(ctx context.Context, reason drawdown.Reason) *Problem {
	return problem(ctx, string(reason), "")
}

// malformed makes a Problem of one member that has the right form but cannot be.
func malformed(ctx context.Context, location, message string) *Problem {
	p := problem(ctx, "malformed", "")
	p.Errors = []Fault{{location, message}}
	return p
}

// write writes the Problem outside of huma.
func (p *Problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		panic("api: encode a problem: " + err.Error()) // strings and integers only
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a client that is gone reads no problem
}

// What huma refuses by itself becomes a Problem too. It knows no other way than its package's variables: they are set once,
// before anything runs.
func init() {
	huma.NewErrorWithContext = humaProblem
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return humaProblem(nil, status, message, errs...)
	}
	huma.ValidateStrictCasing = true  // "Plan" is not "plan"
	huma.DefaultArrayNullable = false // no list of ours is null
}

// humaProblem translates huma's statuses: what does not fit the OpenAPI document is a 400. A 422 means that the request is
// well-formed, and that what it asks for cannot be.
func humaProblem(hctx huma.Context, status int, message string, errs ...error) huma.StatusError {
	ctx := context.Background()
	if hctx != nil {
		ctx = hctx.Context()
	}
	reason := reasonOf(status)
	if status == http.StatusUnprocessableEntity {
		reason = "bad_request"
	}
	p := problem(ctx, reason, "")
	if status == http.StatusInternalServerError {
		p.cause = errors.Join(append([]error{errors.New(message)}, errs...)...)
		noteProblem(ctx, p)
		return p
	}
	for _, err := range errs {
		var detailer huma.ErrorDetailer
		if errors.As(err, &detailer) {
			d := detailer.ErrorDetail()
			p.Errors = append(p.Errors, Fault{d.Location, d.Message})
		}
	}
	if len(p.Errors) == 1 && p.Errors[0].Message == errNotWhole.Error() {
		p = malformed(ctx, p.Errors[0].Location, p.Errors[0].Message)
	}
	if len(p.Errors) == 0 && message != "" {
		p.Errors = []Fault{{"body", message}}
	}
	noteProblem(ctx, p)
	return p
}
