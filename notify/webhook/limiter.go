package webhook

import (
	"context"
	"sync"
)

// limiter bounds how many tries are under way, in all and to one host. Who waits for a host holds nothing else, so a
// slow host holds up only its own tries.
type limiter struct {
	perHost int
	total   chan struct{}

	mu    sync.Mutex
	hosts map[string]*hostSlots // those with tries under way or waiting
}

type hostSlots struct {
	slots chan struct{}
	users int // tries that hold a slot or wait for one; at 0 the host is forgotten
}

func newLimiter(total, perHost int) *limiter {
	return &limiter{perHost: perHost, total: make(chan struct{}, total), hosts: make(map[string]*hostSlots)}
}

// acquire waits for a turn, until ctx ends. Call release when the try is over.
func (l *limiter) acquire(ctx context.Context, host string) (release func(), err error) {
	slots := l.enter(host)
	if err := take(ctx, slots); err != nil {
		l.leave(host)
		return nil, err
	}
	if err := take(ctx, l.total); err != nil {
		<-slots
		l.leave(host)
		return nil, err
	}
	return func() {
		<-l.total
		<-slots
		l.leave(host)
	}, nil
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *limiter) enter(name string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	host := l.hosts[name]
	if host == nil {
		host = &hostSlots{slots: make(chan struct{}, l.perHost)}
		l.hosts[name] = host
	}
	host.users++
	return host.slots
}

func (l *limiter) leave(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	host := l.hosts[name]
	if host.users--; host.users == 0 {
		delete(l.hosts, name)
	}
}
