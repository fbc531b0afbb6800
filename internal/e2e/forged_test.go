//go:build integration

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"drawdown/purchasing/stripe/fakestripe"
)

// TestForgedWebhooksAreRefusedAndCounted: an order is paid, and before the gateway tells of it, everybody else does.
func TestForgedWebhooksAreRefusedAndCounted(t *testing.T) {
	s := openShop(t, needs{Partitions: 1}, fakestripe.Delivery{Held: 1000}) // nothing comes by itself
	s.publishExamples()
	s.openUp()
	s.openCustomer("acme", "airbyte-cloud")
	s.awaitWorkedOff()
	purchase, session, err := s.desk.Order(t.Context(), "acme", 0, "")
	s.must(err)
	s.must(s.stripe.Complete(session.ID, fakestripe.Completion{Card: "pm_visa"}))
	body := s.told("checkout.session.completed")[0]
	before := s.ends(s.config.Worker.MeteringTopic)[0]

	now, hour := time.Now(), time.Hour
	genuine := fakestripe.Signature(s.signing, now, body)
	more := append(bytes.Clone(body), ' ')
	for _, forgery := range []struct {
		name, reason, signature string
		body                    []byte
	}{
		{"no signature", "unsigned", "", body},
		{"a signature that is none", "unsigned", "t=1,v1=zz", body},
		{"a time that is none", "unsigned", "t=now," + genuine[len("t=0000000000,"):], body},
		{"another secret", "forged", fakestripe.Signature("whsec_another", now, body), body},
		{"another body", "forged", genuine, more},
		{"another time", "forged", fmt.Sprintf("t=%d,%s", now.Unix()+1, genuine[len("t=0000000000,"):]), body},
		{"signed an hour ago", "stale", fakestripe.Signature(s.signing, now.Add(-hour), body), body},
		{"signed in an hour", "stale", fakestripe.Signature(s.signing, now.Add(hour), body), body},
		{"no event", "malformed", fakestripe.Signature(s.signing, now, []byte(`{"id":7}`)), []byte(`{"id":7}`)},
		{"too long", "malformed", genuine, bytes.Repeat([]byte(" "), 2<<20)},
	} {
		status, answer := s.post(forgery.body, forgery.signature)
		if status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", forgery.name, status, answer)
		}
		if forgery.name != "too long" && answer != forgery.reason {
			t.Errorf("%s: was called %s", forgery.name, answer)
		}
	}
	s.checkWebhooks(map[string]float64{"unsigned": 3, "forged": 3, "stale": 2, "malformed": 2, "taken": 0, "repeated": 0, "error": 0})
	if after := s.ends(s.config.Worker.MeteringTopic)[0]; after != before {
		t.Errorf("%d records were appended for what was refused", after-before)
	}

	// The genuine one is taken, and one who recorded it gains nothing by it.
	for range 3 {
		if status, answer := s.post(body, genuine); status != http.StatusOK {
			t.Errorf("the genuine webhook was answered %d %s", status, answer)
		}
	}
	s.checkWebhooks(map[string]float64{"taken": 1, "repeated": 2})
	if settled := s.ledger.await("acme", "purchase.settled", 1); settled[0].Purchase != purchase {
		t.Errorf("settled: %+v", settled)
	}
	if m := s.close(); m.repeated > 0 || len(m.rejected) > 0 {
		t.Errorf("%d duplicates, rejected: %v", m.repeated, m.rejected)
	}
}

// checkWebhooks compares how webhooks were counted.
func (s *shop) checkWebhooks(want map[string]float64) {
	s.t.Helper()
	for result, count := range want {
		if found := s.purchaser.metric(`drawdown_gateway_webhooks_total{result="` + result + `"}`); found != count {
			s.t.Errorf("%v webhooks are counted as %s, want %v", found, result, count)
		}
	}
}
