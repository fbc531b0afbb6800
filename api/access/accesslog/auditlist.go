package accesslog

import (
	"context"
	"slices"
	"strings"
	"time"

	"drawdown/api/access"
	"drawdown/consumer/fetch"
	"drawdown/producer"
)

// Bounds of listing.
const (
	// spanMin records are looked at first, from the newest back; each further span is twice as long, to spanMax. A page is
	// mostly found in the first few.
	spanMin, spanMax = 256, 8192
	// disorder is how far an entry may stand behind newer ones: instances' clocks differ, and appending is tried again.
	disorder = 5 * time.Minute
)

// List implements [access.AuditLog]. It reads from the newest entry back until the page is full or there are no more: a
// filter that few entries pass reads all that are kept, within ctx.
func (l *AuditLog) List(ctx context.Context, f access.AuditFilter) ([]access.AuditEntry, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if f.Limit == 0 {
		f.Limit = access.AuditPageDefault
	}
	partitions, err := l.partitions(ctx, f.Account)
	if err != nil {
		return nil, err
	}
	held, err := l.fetch.Offsets(ctx, l.producer.Topic(), partitions)
	if err != nil {
		return nil, err
	}
	found := &page{filter: f}
	for _, partition := range partitions {
		if err := l.readBack(ctx, partition, held[partition], found); err != nil {
			return nil, err
		}
	}
	return found.entries, nil
}

func (l *AuditLog) partitions(ctx context.Context, account string) ([]int32, error) {
	count, err := l.producer.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if account != "" {
		return []int32{producer.PartitionOf(account, count)}, nil
	}
	all := make([]int32, count)
	for i := range all {
		all[i] = int32(i)
	}
	return all, nil
}

// readBack reads a partition span by span, from its end.
func (l *AuditLog) readBack(ctx context.Context, partition int32, held fetch.Range, found *page) error {
	for end, span := held.Latest, int64(spanMin); end > held.Earliest; span = min(2*span, spanMax) {
		from := max(held.Earliest, end-span)
		oldest, err := l.readSpan(ctx, partition, from, end, found)
		if err != nil {
			return err
		}
		if found.endsBefore(oldest) {
			return nil
		}
		end = from
	}
	return nil
}

// readSpan reads the records from one offset to before another, and returns when the first of them was appended.
func (l *AuditLog) readSpan(ctx context.Context, partition int32, from, end int64, found *page) (oldest time.Time, err error) {
	for from < end {
		answer, err := l.fetch.Fetch(ctx, fetch.Request{
			Topic: l.producer.Topic(), Partitions: []fetch.Partition{{ID: partition, Offset: from, BytesMax: fetchBytesMax}},
			BytesMin: 1, BytesMax: fetchBytesMax, WaitMax: readWait,
		})
		if err != nil {
			return oldest, err
		}
		next, first, err := l.readSet(answer.Sets[0], end, found)
		answer.Release()
		if err != nil {
			return oldest, err
		}
		if oldest.IsZero() {
			oldest = first
		}
		from = next
	}
	return oldest, nil
}

// readSet takes the records of an answer, to before an offset. Those that are not ours are told of and left out.
func (l *AuditLog) readSet(set *fetch.Set, end int64, found *page) (next int64, first time.Time, err error) {
	var record fetch.Record
	for {
		more, err := set.Next(&record)
		if err != nil || !more || record.Offset >= end {
			return max(set.NextOffset(), 0), first, err
		}
		if first.IsZero() {
			first = time.UnixMilli(record.AppendTime)
		}
		entry, err := l.decode(&record)
		if err != nil {
			l.logger.Error("an audit entry is left out: find out who can write to the topic", "error", err, "partition", set.Partition, "offset", record.Offset)
			continue
		}
		found.add(entry)
	}
}

// page is the newest entries of a filter so far, the newest first, at most as many as asked for.
type page struct {
	filter  access.AuditFilter
	entries []access.AuditEntry
}

func (p *page) add(e *access.AuditEntry) {
	if !p.filter.Wants(e) {
		return
	}
	at, there := slices.BinarySearchFunc(p.entries, e, func(a access.AuditEntry, e *access.AuditEntry) int { return strings.Compare(e.ID, a.ID) })
	if there || at == p.filter.Limit {
		return // a copy, or older than a full page
	}
	if len(p.entries) == p.filter.Limit {
		p.entries = p.entries[:p.filter.Limit-1]
	}
	p.entries = slices.Insert(p.entries, at, *e)
}

// endsBefore reports whether nothing that was appended before an instant can be on the page any more.
func (p *page) endsBefore(oldest time.Time) bool {
	since := p.filter.Since
	if len(p.entries) == p.filter.Limit {
		if last := p.entries[len(p.entries)-1].Time; last.After(since) {
			since = last
		}
	}
	return !since.IsZero() && !oldest.IsZero() && oldest.Add(disorder).Before(since)
}
