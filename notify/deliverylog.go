package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"drawdown/consumer/murmur"
)

// DeliveryLog shows what became of notices.
type DeliveryLog struct{ outbox Outbox }

// NewDeliveryLog returns the delivery log that an outbox keeps.
func NewDeliveryLog(outbox Outbox) *DeliveryLog { return &DeliveryLog{outbox: outbox} }

// Filter says which deliveries are of interest. Zero members restrict nothing.
type Filter struct {
	Account string // one account: only its partition is read
	State   State  // as they stand now
	Kind    Kind
	Channel Channel
	Since   time.Time // changed at or after it
	// Limit keeps the newest so many; 0 for all.
	Limit int
}

// List returns each delivery of the filter as it stands, the oldest first.
func (l *DeliveryLog) List(ctx context.Context, f Filter) ([]DeliveryRecord, error) {
	partitions, err := l.partitions(ctx, f.Account)
	if err != nil {
		return nil, err
	}
	var found []DeliveryRecord
	for _, partition := range partitions {
		latest, err := l.read(ctx, partition, &f)
		if err != nil {
			return nil, fmt.Errorf("read the delivery log of partition %d: %w", partition, err)
		}
		for _, r := range latest {
			if f.State == "" || r.State == f.State {
				found = append(found, *r)
			}
		}
	}
	slices.SortFunc(found, func(a, b DeliveryRecord) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[len(found)-f.Limit:]
	}
	return found, nil
}

func (l *DeliveryLog) partitions(ctx context.Context, account string) ([]int32, error) {
	count, err := l.outbox.Partitions(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the delivery log's partitions: %w", err)
	}
	if account != "" {
		return []int32{murmur.Partition([]byte(account), int(count))}, nil
	}
	all := make([]int32, 0, count)
	for partition := range count {
		all = append(all, partition)
	}
	return all, nil
}

// read returns the last record of each delivery in a partition that the filter does not rule out for good.
func (l *DeliveryLog) read(ctx context.Context, partition int32, f *Filter) (map[string]*DeliveryRecord, error) {
	latest := map[string]*DeliveryRecord{}
	err := l.outbox.Read(ctx, partition, f.Since, func(value *OutboxRecord) error {
		r, err := decodeRecord(value.Value)
		if err != nil {
			return err
		}
		if before := latest[r.ID]; f.wants(&r) && (before == nil || r.overtakes(before.State, before.Tries)) {
			latest[r.ID] = &r
		}
		return nil
	})
	return latest, err
}

// wants looks at what never changes.
func (f *Filter) wants(r *DeliveryRecord) bool {
	return (f.Account == "" || r.Notice.Account == f.Account) &&
		(f.Kind == "" || r.Notice.Kind == f.Kind) && (f.Channel == "" || r.Channel == f.Channel)
}

// MarshalJSON writes a record as it stands in the delivery log.
func (r DeliveryRecord) MarshalJSON() ([]byte, error) { return r.encode().Value, nil }

var _ json.Marshaler = DeliveryRecord{}
