package clickhouse

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// shared is what the lanes of a sink have in common.
type shared struct {
	config  Config
	store   Store
	source  Source
	rows    *rowBudget
	inserts *semaphore.Weighted
	blocks  *blockPool
	health  *health
}

// rowBudget bounds the rows in memory over all lanes. A lane that holds rows never waits for more: it writes what it
// has. So lanes can't wait for each other.
type rowBudget struct {
	permits *semaphore.Weighted
	size    int64
}

func newRowBudget(rows uint64) *rowBudget {
	return &rowBudget{permits: semaphore.NewWeighted(int64(rows)), size: int64(rows)}
}

// reserve makes room for more rows in the block. It waits only for a block without rows, and reports false where
// there is no room, or the context has ended. A block never needs more than all there is.
func (r *rowBudget) reserve(ctx context.Context, b *Block, rows int) bool {
	want := min(int64(rows), r.size-b.reserved)
	if !r.permits.TryAcquire(want) {
		if b.Rows > 0 || r.permits.Acquire(ctx, want) != nil {
			return false
		}
	}
	b.reserved += want
	return true
}

// keep gives back what was reserved for rows that the block did not take.
func (r *rowBudget) keep(b *Block) {
	if spare := b.reserved - int64(b.Rows); spare > 0 {
		r.permits.Release(spare)
		b.reserved -= spare
	}
}

// release gives back what the block had.
func (r *rowBudget) release(b *Block) {
	r.permits.Release(b.reserved)
	b.reserved = 0
}

// blockPool keeps the memory of blocks for the lanes that need one.
type blockPool struct{ pool sync.Pool }

func (p *blockPool) get() *Block {
	if b, ok := p.pool.Get().(*Block); ok {
		return b
	}
	return new(Block)
}

func (p *blockPool) put(b *Block) {
	b.Intent = Intent{}
	b.charges.clear()
	b.ledger.clear()
	p.pool.Put(b)
}

// health knows which lanes fail.
type health struct {
	mu     sync.Mutex
	faults map[*lane]error
}

func (h *health) set(l *lane, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.faults, l)
	} else {
		h.faults[l] = err
	}
}
