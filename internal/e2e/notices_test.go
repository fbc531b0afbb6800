//go:build integration

package e2e

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"drawdown/notify"
	"drawdown/purchasing/stripe/fakestripe"
)

const (
	noticeAccounts = 25
	// noticeBreaks are how often the notifier ends in the middle, by force and in order by turns.
	noticeBreaks = 6
)

// mailed is how many mails of each kind an account gets, and posted how many webhooks (see live).
var (
	mailed = map[notify.Kind]int{
		notify.LowBalance: 1, notify.UsagePercent: 2, notify.Exhausted: 1, notify.Resumed: 2, notify.PurchaseSettled: 1,
		notify.PaymentDeclined: 1, notify.PaymentFailed: 1, notify.PurchaseRefunded: 1, notify.CreditsExpiring: 1,
		notify.CreditsExpired: 1, notify.LeavingFreeProgram: 1, notify.AutoPurchaseCapped: 1, notify.WebhookDisabled: 1,
		notify.Runaway: 1,
	}
	posted = map[notify.Kind]int{
		notify.LowBalance: 1, notify.UsagePercent: 2, notify.Exhausted: 2, notify.Resumed: 2, notify.PurchaseSettled: 1,
		notify.PaymentDeclined: 1, notify.PaymentFailed: 1, notify.PurchaseRefunded: 1, notify.CreditsExpiring: 1,
		notify.CreditsExpired: 1, notify.LeavingFreeProgram: 1, notify.AutoPurchaseCapped: 1, notify.Runaway: 1,
	}
)

// TestEveryNoticeArrives has accounts go through everything that customers are told of, while the notifier is killed and
// stopped, and now and then the broker forgets how far it has read. What the delivery log called delivered when a notifier had ended, comes no second time.
func TestEveryNoticeArrives(t *testing.T) {
	s := openShop(t, needs{Partitions: 2, CreateTime: true, Settings: settings{
		"worker.allow_create_time": true, "notifier.email_concurrency_max": 2, "notifier.webhook_concurrency_max": 2,
	}}, fakestripe.Delivery{})
	s.publishPast()
	s.worker = s.start("worker")
	for i := range noticeAccounts {
		s.live(fmt.Sprintf("reader-%d", i))
	}
	s.awaitWorkedOff()

	total := noticeAccounts * (sum(mailed) + sum(posted))
	settled := map[string]int{} // what was delivered when a notifier had ended, and how often it had come
	s.notifier = s.start("notifier")
	for breaks := range noticeBreaks {
		// Each notifier gets to tell something, also where all mails have come: a process that is asked to end before it
		// listens to that is killed by it.
		s.receiver.takeUntil((breaks+1)*noticeAccounts*sum(posted)/(noticeBreaks+2), s.notifier)
		if breaks%2 == 0 {
			s.notifier.kill()
		} else if err := s.notifier.stop(); err != nil {
			t.Errorf("the notifier ended with %v", err)
		}
		s.takeDown(settled)
		// A group that the broker knows nothing of any more begins with the first entry of the ledger.
		s.notifier = s.start("notifier", "DRAWDOWN_NOTIFIER_GROUP="+s.config.Notifier.Group+number(breaks/2))
	}
	s.receiver.setLimit(0)
	s.await("everything is delivered", func(context.Context) (bool, any) {
		ends := s.states()
		return ends[notify.StateDelivered] == total && ends[notify.StatePending] == 0, ends
	})
	s.close()

	arrivals := s.arrivals()
	for id, before := range settled {
		if before == 0 || arrivals[id] != before {
			t.Errorf("%s came %d times, had been delivered, and came %d times more", id, before, arrivals[id]-before)
		}
	}
	if len(settled) < total/4 {
		t.Errorf("only %d of %d had been delivered at the ends", len(settled), total)
	}
	s.checkKinds(arrivals)
}

func sum(counts map[notify.Kind]int) (total int) {
	for _, count := range counts {
		total += count
	}
	return total
}

// arrivals counts how often each delivery has come, by its id in the delivery log.
func (s *shop) arrivals() map[string]int {
	s.t.Helper()
	found := map[string]int{}
	for _, one := range s.mail.all() {
		found[one.Notice+"/email/"+one.To]++
	}
	for _, one := range s.receiver.all() {
		found[one.Notice+"/webhook/"+mainEndpoint]++
	}
	return found
}

// takeDown adds what the delivery log calls delivered, with how often it has come.
func (s *shop) takeDown(settled map[string]int) {
	s.t.Helper()
	arrivals := s.arrivals()
	for _, one := range s.deliveries() {
		if _, before := settled[one.ID]; !before && one.State == notify.StateDelivered {
			settled[one.ID] = arrivals[one.ID]
		}
	}
}

// states counts the deliveries by their state.
func (s *shop) states() map[notify.State]int {
	s.t.Helper()
	found := map[notify.State]int{}
	for _, one := range s.deliveries() {
		found[one.State]++
	}
	return found
}

// checkKinds compares what came, whatever came twice, with what each account was to be told.
func (s *shop) checkKinds(arrivals map[string]int) {
	s.t.Helper()
	type channel struct {
		account string
		channel notify.Channel
	}
	found := map[channel]map[notify.Kind]int{}
	for _, one := range s.deliveries() {
		if arrivals[one.ID] == 0 {
			if one.Target != goneEndpoint {
				s.t.Errorf("%s (%s) never came: it is %s, %s", one.ID, one.Notice.Kind, one.State, one.Detail)
			}
			continue
		}
		to := channel{one.Notice.Account, one.Channel}
		if found[to] == nil {
			found[to] = map[notify.Kind]int{}
		}
		found[to][one.Notice.Kind]++
	}
	for i := range noticeAccounts {
		account := fmt.Sprintf("reader-%d", i)
		for of, want := range map[notify.Channel]map[notify.Kind]int{notify.Email: mailed, notify.Webhook: posted} {
			if got := found[channel{account, of}]; !maps.Equal(got, want) {
				s.t.Errorf("%s was told by %s %v, want %v", account, of, got, want)
			}
		}
	}
	if len(mailed) != len(notify.Kinds) {
		s.t.Errorf("%d of %d kinds are tested", len(mailed), len(notify.Kinds))
	}
}
