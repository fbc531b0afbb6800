package stripe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

const (
	// eventsKept is how long Stripe keeps events.
	eventsKept = 30 * 24 * time.Hour
	// window is how much of the time is listed at once. Stripe lists the newest first, so a window is held in memory to
	// be turned round.
	window = time.Hour
)

// askedFor are the types of events that are asked for. Payments without the customer are left out: whoever made them finds
// them (Pay, Find, Cancel), and there may be a hundred thousand a day.
var askedFor = slices.DeleteFunc(slices.Sorted(maps.Keys(kinds)), func(kind string) bool { return kind == paidKind })

// Since lists what the webhook would have told since an instant, the oldest first, as far back as Stripe remembers (30
// days), but for payments without the customer. It ends with the first error, unless that is about one event which can't be understood.
func (g *Gateway) Since(ctx context.Context, since time.Time) iter.Seq2[purchasing.Event, error] {
	return func(yield func(purchasing.Event, error) bool) {
		now := g.now()
		if oldest := now.Add(-eventsKept); since.Before(oldest) {
			since = oldest
		}
		for from := since; !from.After(now); from = from.Add(window) {
			if !g.windowFrom(ctx, from, yield) {
				return
			}
		}
	}
}

// windowFrom yields the events of a window. It reports whether to go on.
func (g *Gateway) windowFrom(ctx context.Context, from time.Time, yield func(purchasing.Event, error) bool) bool {
	all, failed := g.listEvents(ctx, from)
	if failed != nil {
		yield(purchasing.Event{}, failed)
		return false
	}
	for _, e := range slices.Backward(all) {
		events, err := g.meaning(ctx, &e)
		var refused *purchasing.RefusedError
		if err != nil && (!yield(purchasing.Event{}, fmt.Errorf("event %s: %w", e.ID, err)) || !errors.As(err, &refused)) {
			return false // one that can't be understood must not hide those after it
		}
		for _, event := range events {
			if !yield(event, nil) {
				return false
			}
		}
	}
	return true
}

// listEvents reads the events of a window, the newest first.
func (g *Gateway) listEvents(ctx context.Context, from time.Time) ([]told, *Error) {
	params := &api.EventListParams{
		Types:        api.StringSlice(askedFor),
		CreatedRange: &api.RangeQueryParams{GreaterThanOrEqual: from.Unix(), LesserThan: from.Add(window).Unix()},
	}
	params.Limit = api.Int64(pageSize)
	var all []told
	for e, err := range g.client.V1Events.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, g.failure("list events", err)
		}
		t := told{ID: e.ID, Type: string(e.Type), Created: e.Created}
		if e.Data != nil {
			t.Data.Object = e.Data.Raw
		}
		all = append(all, t)
	}
	return all, nil
}
