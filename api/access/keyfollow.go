package access

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Bounds of following.
const (
	// The pause after a failure doubles between these: a broker is back within seconds, and a log line every few
	// seconds is enough.
	pauseMin, pauseMax = 100 * time.Millisecond, 5 * time.Second
	// useEvery is how often use is written. One record then serves all keys.
	useEvery = time.Minute
	// usedKeysMax bounds the keys of one such record: 16 KB.
	usedKeysMax = 1000
	// lastUseTimeout is for the last record of use when the store stops: late is as good as never.
	lastUseTimeout = 2 * time.Second
)

// Run follows the log until ctx ends, and returns nil then.
func (s *KeyStore) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	parts.Go(func() { s.follow(ctx) })
	parts.Go(func() { s.writeUse(ctx) })
	parts.Wait()
	return nil
}

// follow reads on and on. A failure that does not pass (the topic was cut or made anew) is tried again too: what was read
// stays right, and a person who repairs the topic should not have to restart everything.
func (s *KeyStore) follow(ctx context.Context) {
	end, pause := int64(-1), pauseMin
	for ctx.Err() == nil {
		err := s.readOn(ctx, &end)
		if err == nil {
			s.metrics.read.SetToCurrentTime()
			pause = pauseMin
			continue
		}
		if ctx.Err() != nil {
			return
		}
		s.logger.Error("the log of API keys can't be read; keys that are known go on working", "error", err, "offset", s.next)
		wait(ctx, pause/2+rand.N(pause/2))
		pause = min(2*pause, pauseMax)
	}
}

// readOn reads what there is. End is where the log ended when it was asked first, or negative.
func (s *KeyStore) readOn(ctx context.Context, end *int64) (err error) {
	if *end < 0 {
		if *end, err = s.log.End(ctx); err != nil {
			*end = -1
			return err
		}
		s.moveTo(s.next, *end)
	}
	next, err := s.log.Read(ctx, s.next, s.take) // only this goroutine writes next
	if err != nil {
		return err
	}
	s.moveTo(next, *end)
	return nil
}

func (s *KeyStore) moveTo(next, end int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next != s.next {
		s.next = next
		close(s.moved)
		s.moved = make(chan struct{})
	}
	if !s.ready && next >= end {
		s.ready = true
		s.logger.Info("API keys are known", "keys", len(s.keys), "offset", next)
	}
}

// take applies one record. One that is not ours has no effect, whatever it says.
func (s *KeyStore) take(r LogRecord) {
	record, err := readRecord(r, s.signer)
	switch {
	case errors.Is(err, errForged):
		s.metrics.records.WithLabelValues(resultForged).Inc()
		s.logger.Error("a record of an API key without a valid signature is ignored: find out who can write to the topic", "bytes", len(r.Value))
		return
	case err != nil:
		s.metrics.records.WithLabelValues(resultMalformed).Inc()
		s.logger.Error("a record of an API key can't be read and is ignored", "error", err)
		return
	}
	s.mu.Lock()
	changed := s.keys.apply(record)
	s.mu.Unlock()
	if changed {
		s.metrics.records.WithLabelValues(resultApplied).Inc()
	} else {
		s.metrics.records.WithLabelValues(resultRepeated).Inc()
	}
}

// writeUse writes from time to time which keys were used, and what is left at the end.
func (s *KeyStore) writeUse(ctx context.Context) {
	for wait(ctx, useEvery) {
		s.flushUse(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastUseTimeout)
	defer cancel()
	s.flushUse(last)
}

// flushUse writes a record for each hour. What could not be written is written with the next one.
func (s *KeyStore) flushUse(ctx context.Context) {
	s.useMu.Lock()
	used := s.used
	s.used = map[string]int64{}
	s.useMu.Unlock()
	byHour := map[int64][]string{}
	for id, hour := range used {
		byHour[hour] = append(byHour[hour], id)
	}
	for _, hour := range slices.Sorted(maps.Keys(byHour)) {
		slices.Sort(byHour[hour])
		for ids := range slices.Chunk(byHour[hour], usedKeysMax) {
			if err := s.appendUse(ctx, hour, ids); err != nil {
				s.keepUse(ids, hour)
				s.logger.Warn("when API keys were used could not be written; it will be with the next record", "error", err)
			}
		}
	}
}

func (s *KeyStore) appendUse(ctx context.Context, hour int64, ids []string) error {
	record, err := newRecord(keyUsed, "", recordData{Hour: time.Unix(hour*3600, 0).UTC(), Keys: ids}).sign(s.signer)
	if err != nil {
		return err
	}
	_, err = s.log.Append(ctx, record)
	return err
}

func (s *KeyStore) keepUse(ids []string, hour int64) {
	s.useMu.Lock()
	defer s.useMu.Unlock()
	for _, id := range ids {
		s.used[id] = max(s.used[id], hour)
	}
}

// wait reports whether a time has passed before ctx ended.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
