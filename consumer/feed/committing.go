package feed

import (
	"context"
	"time"
)

const (
	// refreshInterval is how often also offsets that have not moved are committed. Where nobody is a member of the group,
	// brokers forget an offset some days (offsets.retention.minutes) after its last commit.
	refreshInterval = time.Hour
	// lagInterval is how often the lag is measured: some measurements for each time that the metrics are read.
	lagInterval = 5 * time.Second
)

// committer commits how far the lanes of an assignment have come.
type committer struct {
	*Follower
	owned     []*partition
	member    member
	committed map[int32]int64
	refreshed time.Time // when all were committed last
	retry     backoff
	after     time.Time // not before: set by a failure
}

// commitOffsets commits at intervals, and a last time when all lanes are closed.
func (f *Follower) commitOffsets(ctx context.Context, owned []*partition, m member, closed <-chan struct{}) {
	c := &committer{
		Follower: f, owned: owned, member: m, committed: make(map[int32]int64), refreshed: time.Now(),
		retry: backoff{min: f.cfg.RetryMin, max: f.cfg.RetryMax},
	}
	interval, measure := time.NewTicker(f.cfg.CommitInterval), time.NewTicker(lagInterval)
	defer interval.Stop()
	defer measure.Stop()
	for {
		select {
		case <-interval.C:
			if !time.Now().Before(c.after) {
				_ = c.commit(ctx) // counted, shown by Ready, and tried again
			}
		case <-measure.C:
			c.measureLag(ctx)
		case <-closed:
			c.commitLast(ctx)
			return
		}
	}
}

// commit commits what has moved.
func (c *committer) commit(ctx context.Context) error {
	all := time.Since(c.refreshed) >= refreshInterval
	moved := make(map[int32]int64)
	for _, p := range c.owned {
		before, known := c.committed[p.index]
		if done := p.done.Load(); done != none && (all || !known || done != before) {
			moved[p.index] = done
		}
	}
	if len(moved) == 0 {
		return nil
	}
	if err := c.offsets.commit(ctx, c.member, moved); err != nil {
		c.metrics.failed(stageCommit)
		c.commits(err)
		c.log.Warn("commit offsets", "error", err)
		c.after = time.Now().Add(c.retry.next())
		return err
	}
	c.retry.reset()
	c.commits(nil)
	c.metrics.lastCommit.SetToCurrentTime()
	if all {
		c.refreshed = time.Now()
	}
	for partition, done := range moved {
		c.committed[partition] = done
	}
	return nil
}

// commitLast commits what the lanes have done at their end, so that the next owner does not do it again. It tries for
// as long as one attempt may take, unless the group has given the partitions away; what is not committed comes again.
func (c *committer) commitLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.AttemptTimeout)
	defer cancel()
	c.retry.reset()
	for err := c.commit(ctx); err != nil; err = c.commit(ctx) {
		if expelled(err) || !sleep(ctx, c.retry.next()) {
			c.log.Error("the last offsets are not committed: what was done since the last commit comes again", "error", err)
			return
		}
	}
}

// measureLag asks where the partitions end. It does so beside the lanes, so that the lag of one that is stuck shows.
func (c *committer) measureLag(ctx context.Context) {
	if len(c.owned) == 0 {
		return
	}
	indexes := make([]int32, 0, len(c.owned))
	for _, p := range c.owned {
		indexes = append(indexes, p.index)
	}
	ranges, err := c.client.Offsets(ctx, c.cfg.Topic, indexes)
	if err != nil {
		c.metrics.failed(stageLag)
		c.log.Debug("measure the lag", "error", err)
		return
	}
	for _, p := range c.owned {
		if next := p.next.Load(); next != none {
			c.metrics.lag(p.index, max(0, ranges[p.index].Latest-next))
		}
	}
}
