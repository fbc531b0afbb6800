package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"drawdown/api/access"
	"drawdown/api/office"
)

// OperatorLog appends operations that an operator gives by hand, each behind an audit entry. Unlike the office it checks
// nothing first: what is wrong shows among the rejected records.
type OperatorLog struct {
	operations *Operations
	audit      access.AuditLog
	actor      string
	close      []func()
}

// OpenOperatorLog connects nothing yet, and refuses to work without a key. The actor is whom entries and operations name,
// such as "cli:jane". Close it.
func (c *Config) OpenOperatorLog(actor string) (*OperatorLog, error) {
	l := &OperatorLog{actor: actor}
	if err := l.open(c); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *OperatorLog) open(c *Config) (err error) {
	if l.operations, err = c.OpenOperations("drawdown/cli"); err != nil {
		return err
	}
	l.close = append(l.close, func() { l.operations.Close() })
	cluster, err := c.Cluster()
	if err != nil {
		return err
	}
	l.close = append(l.close, func() { cluster.Close() })
	audit, closeAudit, err := c.openAudit(cluster, l.operations, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	l.audit, l.close = audit, append(l.close, closeAudit)
	return nil
}

// Close closes idle connections.
func (l *OperatorLog) Close() {
	for _, closeOne := range l.close {
		closeOne()
	}
}

// Append is [Operations.Append], once an audit entry says who does what. A crash in between leaves an entry without an
// operation, never an operation without an entry.
func (l *OperatorLog) Append(ctx context.Context, op Operation) ([]Position, error) {
	op.Actor = l.actor
	if _, err := op.encode(); err != nil { // which also gives it an id
		return nil, err
	}
	detail, err := auditDetailOf(op.Data)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", op.Type, err)
	}
	err = l.audit.Append(ctx, access.AuditEntry{
		Actor: l.actor, Role: access.Operator, Account: op.Account, Action: op.Type.String(), Operation: op.ID, Detail: detail,
	})
	if err != nil {
		return nil, fmt.Errorf("nothing was done: %w; 'drawdown topics create' makes the topic where there is none", err)
	}
	return l.operations.Append(ctx, op)
}

// auditDetailOf is an operation's data as its audit entry tells it.
func auditDetailOf(data any) (json.RawMessage, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("the data is no JSON object: %w", err)
	}
	return office.AuditDetail(members), nil
}
