package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"drawdown/api/office"
)

// AccountPath is the account that a request is about.
type AccountPath struct {
	Account string `path:"account" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9._:-]+$" doc:"The account's id." example:"acme"`
}

// OnceHeader is the idempotency key of a write whose answer has a secret.
type OnceHeader struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"64" pattern:"^[!-~]+$" doc:"Keeps a repetition of this request from happening again: it is a 409 already_done, since the secret cannot be shown again."`
}

// HarmlessHeader is the idempotency key of a write that may be repeated.
type HarmlessHeader struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"64" pattern:"^[!-~]+$" doc:"May be sent. A repetition is harmless also without one."`
}

// WriteHeaders are the headers of every write.
type WriteHeaders struct {
	IdempotencyKey string `header:"Idempotency-Key" minLength:"1" maxLength:"64" pattern:"^[!-~]+$" doc:"Makes a repetition of this request the same write: for a day the answer is the same, and for 35 days nothing happens twice."`
	Prefer         string `header:"Prefer" doc:"wait=N (0 to 10 seconds): answer when the write is applied, so that what is read next shows it." example:"wait=2"`
}

// write is how the office is to write.
func (h *WriteHeaders) write() office.Write {
	wait, _ := preferredWait(h.Prefer)
	return office.Write{Key: h.IdempotencyKey, Wait: wait}
}

// appliedWait is the header Preference-Applied for a header Prefer.
func appliedWait(header string) string {
	wait, preferred := preferredWait(header)
	if !preferred {
		return ""
	}
	return "wait=" + strconv.Itoa(int(wait/time.Second))
}

// preferredWait reads the header Prefer (RFC 7240). Preferences that it does not know are ignored, as the RFC asks; of
// several waits the first counts, and none is longer than the longest.
func preferredWait(header string) (wait time.Duration, preferred bool) {
	for preference := range strings.FieldsFuncSeq(header, func(c rune) bool { return c == ',' || c == ';' }) {
		name, value, _ := strings.Cut(preference, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 32)
		if err != nil {
			continue
		}
		return min(time.Duration(seconds)*time.Second, waitMax), true
	}
	return 0, false
}

// Outcome is how far a write has come.
type Outcome struct {
	Operation string   `json:"operation" doc:"The id of the operation's record in the log."`
	Position  Position `json:"position"`
	State     string   `json:"state" enum:"appended,applied" doc:"appended: it stands in the log, and will be applied or rejected. applied: whatever is read now shows it."`
}

// Position is where a record stands in the log.
type Position struct {
	Partition int32 `json:"partition" minimum:"0"`
	Offset    int64 `json:"offset" minimum:"0"`
}

// WriteAnswer is the answer to a write: 200 or 201 where it is applied, 202 where it is only appended.
type WriteAnswer struct {
	Status            int
	PreferenceApplied string `header:"Preference-Applied" doc:"How long was waited at most."`
	Location          string `header:"Location" doc:"What was made."`
	Body              Outcome
}

// do does something to an account and says how far it has come. made is the path of what it makes below the account, "" for
// nothing.
func (s *server) do(ctx context.Context, account string, action office.Action, h *WriteHeaders, made string) (*WriteAnswer, error) {
	written, err := s.office.Do(ctx, principal(ctx), account, action, h.write())
	if err != nil {
		return nil, err
	}
	if written.State == office.Rejected {
		return nil, rejected(ctx, written.Reason)
	}
	answer := &WriteAnswer{
		Status: http.StatusAccepted, PreferenceApplied: appliedWait(h.Prefer),
		Body: Outcome{
			Operation: written.Operation, State: string(office.Appended),
			Position: Position{written.Position.Partition, int64(written.Position.Offset)},
		},
	}
	if written.State != office.Appended { // applied, or a repetition of what is
		answer.Status, answer.Body.State = http.StatusOK, string(office.Applied)
		if made != "" {
			answer.Status = http.StatusCreated
		}
	}
	if made != "" {
		answer.Location = prefix + "/accounts/" + account + made
	}
	return answer, nil
}

// list is never nil: an empty list is [] in JSON.
func list[From, To any](from []From, convert func(From) To) []To {
	to := make([]To, 0, len(from))
	for _, f := range from {
		to = append(to, convert(f))
	}
	return to
}
