package stripe

import (
	"context"
	"fmt"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// Subscription reads a subscription. Credits are its first item.
func (g *Gateway) Subscription(ctx context.Context, id string) (purchasing.Subscription, error) {
	params := &api.SubscriptionRetrieveParams{}
	params.AddExpand("schedule")
	s, err := g.client.V1Subscriptions.Retrieve(ctx, id, params)
	if failed := g.failure("read subscription", err); failed != nil {
		return purchasing.Subscription{}, failed
	}
	if s.Items == nil || len(s.Items.Data) == 0 || s.Items.Data[0].Price == nil {
		return purchasing.Subscription{}, fmt.Errorf("stripe: subscription %s has no price", id)
	}
	item := s.Items.Data[0]
	read := purchasing.Subscription{
		ID: s.ID, Account: s.Metadata[metaAccount], State: subscriptionState(s.Status), Price: item.Price.ID,
		PeriodEnd: time.Unix(item.CurrentPeriodEnd, 0).UTC(),
	}
	if s.Customer != nil {
		read.Customer = s.Customer.ID
	}
	read.NextPrice = nextPrice(s, item)
	return read, nil
}

// subscriptionState says whether a status is paid for. A paused subscription bills nothing, so it grants nothing.
func subscriptionState(status api.SubscriptionStatus) purchasing.SubscriptionState {
	switch status {
	case api.SubscriptionStatusActive, api.SubscriptionStatusTrialing:
		return purchasing.SubscriptionActive
	case api.SubscriptionStatusPastDue:
		return purchasing.SubscriptionPastDue
	case api.SubscriptionStatusCanceled, api.SubscriptionStatusUnpaid, api.SubscriptionStatusIncompleteExpired, api.SubscriptionStatusPaused:
		return purchasing.SubscriptionEnded
	case api.SubscriptionStatusIncomplete:
		return purchasing.SubscriptionIncomplete
	default:
		// A status of the future grants nothing, and takes nothing away.
		return purchasing.SubscriptionIncomplete
	}
}

// nextPrice is what is billed when the present period ends.
func nextPrice(s *api.Subscription, item *api.SubscriptionItem) string {
	end := item.CurrentPeriodEnd
	if s.CancelAtPeriodEnd || s.CancelAt != 0 && s.CancelAt <= end || s.EndedAt != 0 {
		return ""
	}
	if s.Schedule == nil || s.Schedule.Status == api.SubscriptionScheduleStatusReleased || s.Schedule.Status == api.SubscriptionScheduleStatusCanceled {
		return item.Price.ID
	}
	var last int64
	for _, phase := range s.Schedule.Phases {
		last = max(last, phase.EndDate)
		if phase.StartDate <= end && end < phase.EndDate && len(phase.Items) > 0 && phase.Items[0].Price != nil {
			return phase.Items[0].Price.ID
		}
	}
	if last != 0 && last <= end && s.Schedule.EndBehavior == api.SubscriptionScheduleEndBehaviorCancel {
		return ""
	}
	return item.Price.ID
}
