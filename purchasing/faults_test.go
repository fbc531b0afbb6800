package purchasing_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/purchasingtest"
	"drawdown/purchasing/stripe"
	"drawdown/purchasing/stripe/fakestripe"
)

// chaos is a seller with a gateway on a rough day: every request may be lost before or after its work, answered by an
// error that the gateway keeps, or slow; the log loses records and replies; and the purchaser is killed again and again.
type chaos struct {
	t       *testing.T
	world   *purchasingtest.World
	fake    *fakestripe.Server
	gateway *stripe.Gateway
	random  *rand.Rand

	process *purchasingtest.Process
	kills   int
	intake  atomic.Pointer[purchasing.Intake] // what takes webhooks: forgets with each kill what it has handled
}

// chaosConfig repeats quickly: what takes minutes in life takes milliseconds here.
func chaosConfig() purchasing.Config {
	config := purchasing.Default()
	config.RetryMin, config.RetryMax, config.AttemptTimeout = time.Millisecond, 20*time.Millisecond, 5*time.Second
	return config
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{t: t, random: rand.New(rand.NewPCG(seed, 7)), world: purchasingtest.NewWorld(time.Now)}
	c.fake = fakestripe.New(fakestripe.Options{SecretKey: "sk_test_chaos", Delay: 2 * time.Millisecond})
	t.Cleanup(c.fake.Close)
	config := stripe.Default()
	config.SecretKey, config.APIBase, config.WebhookSecrets = "sk_test_chaos", c.fake.URL(), []string{"whsec_chaos"}
	c.gateway = stripe.New(config)
	c.fake.SetCard("pm_bad", fakestripe.Declines("insufficient_funds"))
	c.fake.Faults(fakestripe.Seeded(seed, fakestripe.Often))
	losses := rand.New(rand.NewPCG(seed, 8))
	c.world.Lose(func(*purchasing.Operation) purchasingtest.Loss { // called under the log's lock
		switch losses.IntN(20) {
		case 0:
			return purchasingtest.LostWhole
		case 1:
			return purchasingtest.LostReply
		default:
			return purchasingtest.Kept
		}
	})
	return c
}

func (c *chaos) start() {
	purchaser := newPurchaser(c.t, chaosConfig(), c.gateway, c.world)
	intake, err := purchasing.NewIntake(purchaser, c.gateway, c.world)
	if err != nil {
		c.t.Fatal(err)
	}
	c.intake.Store(intake)
	c.process = c.world.Start(c.t, purchaser)
}

// webhooks has the gateway post what happened: some before the reply to the call that caused it, some twice, some much
// later, in any order.
func (c *chaos) webhooks(seed uint64) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.intake.Load().ServeHTTP(w, r) }))
	c.t.Cleanup(receiver.Close)
	c.fake.Webhooks(receiver.URL, "whsec_chaos", fakestripe.Delivery{Early: 100, Twice: 100, Held: 50, Shuffle: true, Seed: seed})
}

// restart kills the purchaser and starts another: with what it committed, or with what it forgot to commit.
func (c *chaos) restart() {
	if c.random.IntN(2) == 0 {
		c.process.Commit()
	}
	c.process.Kill()
	c.kills++
	c.start()
}

// customers has accounts use credits until each has bought so often: they go on when a purchase settles, and replace a
// card that was refused. The purchaser is killed every hundred purchases or so.
func (c *chaos) customers(accounts, purchases int) {
	bought, cards, next, kill := map[string]int{}, map[string]int{}, 0, 0
	for i := range accounts {
		account := fmt.Sprintf("a%d", i)
		card := "pm_good"
		if i%5 == 0 {
			card = "pm_bad"
		}
		c.world.Open(account, "packs", card)
		c.world.Use(account, 10)
	}
	deadline := time.Now().Add(4 * time.Minute)
	for total := 0; total < accounts*purchases; {
		if time.Now().After(deadline) {
			c.t.Fatalf("after 4 minutes, %d of %d purchases are settled", total, accounts*purchases)
		}
		var lines []string
		if lines, next = c.world.LinesFrom(next, "purchase.settled", "purchase.failed"); len(lines) == 0 {
			time.Sleep(time.Millisecond) // the log wakes nobody here; the deadline bounds the wait
			continue
		}
		if total >= kill {
			kill = total + 1 + c.random.IntN(200)
			c.restart()
		}
		for _, line := range lines {
			account := member(line, "account")
			if strings.Contains(line, `"purchase.failed"`) {
				cards[account]++
				c.world.SaveCard(account, fmt.Sprintf("pm_new_%d", cards[account]), false)
				continue
			}
			bought[account]++
			total++
			if bought[account] == purchases {
				continue
			}
			if (total+bought[account])%7 == 0 {
				c.world.SaveCard(account, "pm_bad", false)
			}
			c.world.Use(account, 10)
		}
	}
}

// member cuts a text member out of a line.
func member(line, name string) string {
	_, rest, _ := strings.Cut(line, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// TestChargedIsSettledIsGranted makes 10,000 purchases on a rough day.
func TestChargedIsSettledIsGranted(t *testing.T) {
	const accounts, purchases = 200, 50
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newChaos(t, seed)
	c.world.Plan("packs", nil)
	c.world.Rates()
	c.start()
	c.webhooks(seed)
	c.customers(accounts, purchases)
	c.settleDown()
	c.compare(accounts * purchases)
	rejected, duplicates := c.world.Rejections()
	t.Logf("%d kills, %d duplicates in the log, rejected %v, requests %v", c.kills, duplicates, rejected, c.fake.Requests())
}

// settleDown waits until nothing is open and every webhook is delivered.
func (c *chaos) settleDown() {
	if err := c.fake.Drain(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for !c.process.Read() {
		if time.Now().After(deadline) {
			c.t.Fatal("after a minute of quiet, purchases are still open")
		}
		time.Sleep(time.Millisecond)
	}
	c.process.Kill()
}

// compare holds the three against each other: what the gateway charged, what the ledger says is settled, what accounts got.
func (c *chaos) compare(want int) {
	t := c.t
	settled := map[string]bool{}
	for _, line := range c.world.Lines("purchase.settled") {
		purchase := member(line, "purchase")
		if settled[purchase] || member(line, "quantity") != "10" || member(line, "amount") != "13.00" {
			t.Errorf("settled wrongly, or twice: %s", line)
		}
		settled[purchase] = true
	}
	charged := c.fake.Charges()
	for purchase, charge := range charged {
		if charge.Count != 1 || charge.Amount != 1300 || !settled[purchase] {
			t.Errorf("purchase %s: charged %d times %d, settled %v", purchase, charge.Count, charge.Amount, settled[purchase])
		}
	}
	if len(settled) != want || len(charged) != want {
		t.Errorf("%d purchases are settled and %d charged, want %d", len(settled), len(charged), want)
	}
	granted := drawdown.Total{}
	accounts := 0
	for _, b := range c.world.Balances() {
		granted = granted.Plus(b.Granted)
		accounts++
		if b.AutoPurchase.Open != "" {
			t.Errorf("account %s: %s is still open", b.Account, b.AutoPurchase.Open)
		}
	}
	if whole := drawdown.TotalOf(drawdown.Credits(want+accounts) * 10 * drawdown.Credit); granted.Compare(whole) != 0 {
		t.Errorf("granted %s credits, want %s", granted.AppendCredits(nil), whole.AppendCredits(nil))
	}
}
