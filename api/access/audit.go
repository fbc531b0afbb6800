package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"drawdown"
)

// Bounds of audit entries.
const (
	// AuditDetailMax bounds what an entry tells in detail. Settings fit many times over.
	AuditDetailMax = 16 << 10
	// AuditPageMax is the most entries of one answer: with the longest details, 16 MB.
	AuditPageMax = 1000
	// AuditPageDefault is how many entries there are unless it is said.
	AuditPageDefault = 100
	// auditTextMax bounds the other members, in bytes. Principals and operations have less.
	auditTextMax = 512
)

// AuditEntry says who did what, or asked for it: entries are written before what they tell of is tried.
type AuditEntry struct {
	// ID and Time are given by Append, whatever stands there. IDs grow with time.
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Actor is a principal's id, Role its role.
	Actor string `json:"actor"`
	Role  Role   `json:"role"`
	// Account is whose account it was done to; "" where it concerns none, or all.
	Account string `json:"account,omitempty"`
	// Action is a word: a type of operation, or what was done to keys and links.
	Action string `json:"action"`
	// Operation is the id of the record in the log, where there is one.
	Operation string `json:"operation,omitempty"`
	// RemoteAddr is where the request came from.
	RemoteAddr string `json:"remote_addr,omitempty"`
	// Detail is what was asked for, in JSON and without secrets. One longer than AuditDetailMax is left out: what is
	// done must not go unwritten because it was asked for at length.
	Detail json.RawMessage `json:"detail,omitempty"`
}

// Validate reports every fault at once.
func (e *AuditEntry) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!auditText(e.Actor) || e.Actor == "", "actor: allowed are 1 to %d bytes of text", auditTextMax)
	fault(!auditText(e.Action) || e.Action == "", "action: allowed are 1 to %d bytes of text", auditTextMax)
	fault(!auditText(string(e.Role)), "role: allowed are at most %d bytes of text", auditTextMax)
	fault(!auditText(e.Operation), "operation: allowed are at most %d bytes of text", auditTextMax)
	fault(!auditText(e.RemoteAddr), "remote_addr: allowed are at most %d bytes of text", auditTextMax)
	fault(e.Account != "" && !drawdown.ValidAccount([]byte(e.Account)), "account: is not the id of an account")
	fault(e.Detail != nil && !json.Valid(e.Detail), "detail: allowed is JSON")
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("access: audit entry: %w", err)
	}
	return nil
}

// Fit leaves a detail out that is too long, and says so.
func (e *AuditEntry) Fit() {
	if length := len(e.Detail); length > AuditDetailMax {
		e.Detail = fmt.Appendf(nil, `{"omitted_bytes":%d}`, length)
	}
}

func auditText(text string) bool { return len(text) <= auditTextMax && utf8.ValidString(text) }

// AuditFilter says which entries are of interest. Zero members restrict nothing.
type AuditFilter struct {
	Account string // one account's: quicker, too
	Actor   string
	Action  string
	Since   time.Time // at or after it
	Until   time.Time // before it
	// Before goes on after a page: only entries older than the one with this id.
	Before string
	// Limit is how many at most: 1 to AuditPageMax, 0 for AuditPageDefault.
	Limit int
}

// Wants reports whether the filter lets an entry pass.
func (f *AuditFilter) Wants(e *AuditEntry) bool {
	return (f.Account == "" || f.Account == e.Account) && (f.Actor == "" || f.Actor == e.Actor) &&
		(f.Action == "" || f.Action == e.Action) && (f.Since.IsZero() || !e.Time.Before(f.Since)) &&
		(f.Until.IsZero() || e.Time.Before(f.Until)) && (f.Before == "" || e.ID < f.Before)
}

// Validate checks the limit.
func (f *AuditFilter) Validate() error {
	if f.Limit < 0 || f.Limit > AuditPageMax {
		return fmt.Errorf("access: audit filter: limit is %d; allowed are 1 to %d", f.Limit, AuditPageMax)
	}
	return nil
}

// AuditLog keeps audit entries. Package accesslog keeps them on Kafka.
type AuditLog interface {
	// Append returns when the entry can't be lost any more. After an error it may have been written all the same.
	Append(ctx context.Context, e AuditEntry) error
	// List returns the newest entries of a filter, the newest first.
	List(ctx context.Context, f AuditFilter) ([]AuditEntry, error)
}
