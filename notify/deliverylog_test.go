package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestTheDeliveryLogShowsHowDeliveriesStand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.account("globex")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		w.publish(lowBalance("acme"))
		after(time.Hour)
		later := time.Now()
		after(time.Second)
		w.publish(exhausted("globex")...)
		settle()
		ids := func(f Filter) (all []string) {
			for _, r := range w.list(f) {
				all = append(all, r.ID)
			}
			return all
		}
		mail, hook, globex := "0-101-0/email/acme@example.com", "0-101-0/webhook/crm", "0-102-0/email/globex@example.com"
		expectAll(t, "all", ids(Filter{}), []string{mail, hook, globex})
		expectAll(t, "of an account", ids(Filter{Account: "acme"}), []string{mail, hook})
		expectAll(t, "pending", ids(Filter{State: StatePending}), []string{hook})
		expectAll(t, "of a kind", ids(Filter{Kind: PaymentFailed}), []string{globex})
		expectAll(t, "of a channel", ids(Filter{Channel: Webhook}), []string{hook})
		expectAll(t, "changed since", ids(Filter{Since: later}), []string{globex})
		expectAll(t, "the newest", ids(Filter{Limit: 1}), []string{globex})
		waiting := w.list(Filter{State: StatePending})[0]
		expect(t, "tries", waiting.Tries, 3)
		text, err := json.Marshal(waiting)
		if err != nil || !strings.Contains(string(text), `"delivery":"0-101-0/webhook/crm","state":"pending"`) {
			t.Errorf("got %s, %v", text, err)
		}
		p.stop()
	})
}
