package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// recordsAfter is how many records the log will have after so many more.
func (r *purchaseRun) recordsAfter(ctx context.Context, more int) (int64, error) {
	ends, err := r.cluster.ends(ctx, r.options.Partitions)
	return total(ends) + int64(more), err
}

func total(ends []int64) (sum int64) {
	for _, end := range ends {
		sum += end
	}
	return sum
}

// await returns when the log has so many records or more, and Redis has all of them. It fails with the first process that
// ends, and when nothing moves any more.
func (r *purchaseRun) await(ctx context.Context, records int64, running ...*process) error {
	ticker := time.NewTicker(positionInterval)
	defer ticker.Stop()
	ended := anyEnded(running)
	defer ended.forget()
	moved, told, last := time.Now(), time.Now(), int64(-1)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case p := <-ended.first:
			return p.failure("run")
		case <-ticker.C:
		}
		ends, err := r.cluster.ends(ctx, r.options.Partitions)
		if err != nil {
			return err
		}
		committed, err := r.committed(ctx)
		if err != nil {
			return err
		}
		if committed == total(ends) && committed >= records {
			return nil
		}
		if committed != last {
			moved, last = time.Now(), committed
		} else if time.Since(moved) > stallTimeout {
			return fmt.Errorf("no progress within %s: the log has %d records, should get %d, and Redis has %d; see the logs in %s",
				stallTimeout, total(ends), records, committed, r.cluster.dir)
		}
		if time.Since(told) >= progressInterval {
			told = time.Now()
			r.say("  %s records of %s committed to Redis", thousands(committed), thousands(max(records, total(ends))))
		}
	}
}

// committed is how many records Redis has.
func (r *purchaseRun) committed(ctx context.Context) (sum int64, err error) {
	for partition := range r.options.Partitions {
		position, fault := r.store.Position(ctx, int32(partition))
		sum, err = sum+int64(position.Next), errors.Join(err, fault)
	}
	return sum, err
}

// firstEnd tells which process has ended first.
type firstEnd struct {
	first  chan *process
	forget context.CancelFunc
}

func anyEnded(running []*process) firstEnd {
	ctx, forget := context.WithCancel(context.Background())
	first := make(chan *process, len(running))
	for _, p := range running {
		go func() {
			select {
			case <-p.ended:
				first <- p
			case <-ctx.Done():
			}
		}()
	}
	return firstEnd{first, forget}
}
