package accesslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/api/access"
	"drawdown/consumer/fetch"
	"drawdown/consumer/signature"
	"drawdown/producer"
)

// AuditLog is an [access.AuditLog] on Kafka. Entries of an account are in the partition that Kafka's default partitioner
// gives it, those of none in partition 0. It is safe for concurrent use and has nothing to close.
type AuditLog struct {
	producer *producer.Log
	fetch    *fetch.Client
	signer   access.Signer
	logger   *slog.Logger
}

var _ access.AuditLog = (*AuditLog)(nil)

// NewAuditLog does not connect.
func NewAuditLog(config Config, signer access.Signer, logger *slog.Logger) (*AuditLog, error) {
	if signer == nil || logger == nil {
		return nil, errors.New("accesslog: audit entries need a signer and a logger")
	}
	client, err := config.client(false)
	if err != nil {
		return nil, err
	}
	return &AuditLog{producer: config.Producer, fetch: client, signer: signer, logger: logger}, nil
}

// auditDomain precedes an entry under its signature, so that it is nothing else that is signed with the same keys.
const auditDomain = "drawdown audit 1\n"

func domainOf(value []byte) []byte { return append([]byte(auditDomain), value...) }

// Append implements [access.AuditLog].
func (l *AuditLog) Append(ctx context.Context, e access.AuditEntry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	e.Fit()
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("append an audit entry: %w", err)
	}
	e.ID, e.Time = id.String(), time.Now().UTC().Truncate(time.Millisecond)
	value, err := json.Marshal(&e)
	if err != nil {
		return fmt.Errorf("append an audit entry: %w", err)
	}
	signed, err := l.signer.Sign(domainOf(value))
	if err != nil {
		return fmt.Errorf("append an audit entry: %w", err)
	}
	header := kafka.Header{Key: signature.Header, Value: signed}
	if e.Account == "" {
		_, err = l.producer.AppendTo(ctx, 0, "", value, header)
	} else {
		_, _, err = l.producer.Append(ctx, e.Account, value, header)
	}
	if err != nil {
		return fmt.Errorf("append an audit entry: %w", err)
	}
	return nil
}

// errForged says that an entry has no valid signature.
var errForged = errors.New("it has no valid signature")

// decode reads an entry of a partition.
func (l *AuditLog) decode(r *fetch.Record) (*access.AuditEntry, error) {
	signed, _ := r.Header(signature.Header)
	if !l.signer.Verify(domainOf(r.Value), signed) {
		return nil, errForged
	}
	var entry access.AuditEntry
	if err := json.Unmarshal(r.Value, &entry); err != nil {
		return nil, err
	}
	return &entry, nil
}
