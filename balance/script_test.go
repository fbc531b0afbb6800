package balance

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"drawdown"
)

// script drives a partition by steps that a table can hold in a line, and says in words what they caused.
//
//	grant 100              100 credits that never expire
//	use c 1 40             job 1 of connection c uses 40 credits
//	free c 1 40            the same of a source that is beta
//	hold h c 1 40          holds 40 credits for job 1 of c, for an hour; "hold h c 1 40 90" for 90 minutes
//	wait h c 1 40          the same, as soon as it can be held
//	release h              ends a hold
//	connect c · remove c   makes a connection known, or no longer; "connect c beta" with a source that is beta
//	priority c critical    sets a priority
//	gate 10 3 5            reserve 10, the breaker at 3 times and above 5 credits; "gate 10" without a breaker
//	ack c                  acknowledges a runaway
//	enrol                  joins the Free Connector Program
//	tick 60                60 minutes pass
type script struct {
	t      testing.TB
	p      *Partition
	now    drawdown.Time
	offset drawdown.Offset
	caused []string // by the last step
}

const scriptAccount = "acme"

func newScript(t testing.TB) *script {
	t.Helper()
	s := &script{t: t, p: NewPartition(0), now: 1_750_000_000_000}
	s.p.accounts[scriptAccount] = nil
	price := drawdown.UnitPrice(1)
	s.operate(drawdown.PlanPublished, &drawdown.Plan{
		ID: "plan", Currency: "USD", GraceHours: 1, MaxOverdraft: 1000 * drawdown.Credit,
		Purchase: drawdown.PurchaseTerms{Unit: 1, Min: 1, Max: 1, Default: 1, UnitPrice: &price, ValidMonths: 1},
	})
	s.operate(drawdown.RatesPublished, &drawdown.RateCard{Version: "1", EffectiveFrom: s.now, Rates: []drawdown.Rate{
		{Kind: "api", Meter: drawdown.Records, Credits: drawdown.Credit, Per: 1},
	}})
	for connector, stage := range map[string]drawdown.Stage{"ga": drawdown.GA, "beta": drawdown.Beta} {
		s.operate(drawdown.ConnectorSet, &drawdown.ConnectorEntry{Connector: connector, Kind: "api", Stage: stage, EffectiveAt: drawdown.NoTime})
	}
	s.operate(drawdown.AccountOpened, &drawdown.OpenAccount{Plan: "plan", Email: "a@acme.example", EmailVerified: true})
	return s
}

// run runs steps that are separated by semicolons.
func (s *script) run(steps string) *script {
	s.t.Helper()
	for step := range strings.SplitSeq(steps, ";") {
		if words := strings.Fields(step); len(words) > 0 {
			s.step(words[0], words[1:])
		}
	}
	return s
}

func (s *script) step(verb string, words []string) {
	s.t.Helper()
	words = append(words, "", "", "", "") // what is left out is empty
	switch verb {
	case "grant":
		s.operate(drawdown.CreditsGranted, &drawdown.GrantCredits{Amount: s.credits(words[0]), ExpiresAt: drawdown.Never})
	case "use":
		s.use(words[0], s.number(words[1]), s.number(words[2]), "ga")
	case "free":
		s.use(words[0], s.number(words[1]), s.number(words[2]), "beta")
	case "hold", "wait":
		minutes := uint64(60)
		if words[4] != "" {
			minutes = s.number(words[4])
		}
		s.operate(drawdown.HoldPlaced, &drawdown.PlaceHold{
			Hold: words[0], Connection: words[1], Job: s.number(words[2]), Amount: s.credits(words[3]),
			ExpiresAt: s.now + drawdown.Time(minutes)*drawdown.Minute, Wait: verb == "wait",
		})
	case "release":
		s.operate(drawdown.HoldReleased, &drawdown.ReleaseHold{Hold: words[0]})
	case "connect":
		source := "ga"
		if words[1] != "" {
			source = words[1]
		}
		s.operate(drawdown.ConnectionSet, &drawdown.SetConnection{Connection: words[0], SourceConnector: source, DestinationConnector: "ga"})
	case "remove":
		s.operate(drawdown.ConnectionRemoved, &drawdown.RemoveConnection{Connection: words[0]})
	case "priority":
		priority, known := drawdown.ParsePriority([]byte(words[1]))
		if !known {
			s.t.Fatalf("no priority: %q", words[1])
		}
		s.operate(drawdown.ConnectionPrioritized, &drawdown.PrioritizeConnection{Connection: words[0], Priority: priority})
	case "gate":
		set := &drawdown.SetGate{Reserve: s.credits(words[0])}
		if words[1] != "" {
			set.RunawayFactor, set.RunawayMin = int64(s.number(words[1])), s.credits(words[2])
		}
		s.operate(drawdown.GateSet, set)
	case "ack":
		s.operate(drawdown.RunawayAcknowledged, &drawdown.AcknowledgeRunaway{Connection: words[0]})
	case "enrol":
		s.operate(drawdown.PaymentMethodSaved, &drawdown.SavePaymentMethod{Method: "pm", Kind: "card"})
		s.operate(drawdown.ProgramEnrolled, nil)
	case "tick":
		s.now += drawdown.Time(s.number(words[0])) * drawdown.Minute
		s.operate(drawdown.Tick, nil)
	default:
		s.t.Fatalf("no step: %q", verb)
	}
}

func (s *script) number(word string) uint64 {
	s.t.Helper()
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) credits(word string) drawdown.Credits {
	s.t.Helper()
	c, ok := drawdown.ParseCredits([]byte(word))
	if !ok {
		s.t.Fatalf("no credits: %q", word)
	}
	return c
}

func (s *script) record(recordType drawdown.Type) *drawdown.Record {
	rec := &drawdown.Record{
		Offset: s.offset, LogTime: s.now, Time: s.now, Type: recordType,
		ID: strconv.AppendInt([]byte("e"), int64(s.offset), 10), Source: []byte("test"), Account: []byte(scriptAccount),
	}
	s.offset++
	s.caused = nil
	return rec
}

func (s *script) operate(recordType drawdown.Type, operation drawdown.Operation) {
	rec := s.record(recordType)
	rec.Operation = operation
	s.p.Apply(rec, s)
}

func (s *script) use(connection string, job, records uint64, source string) {
	rec := s.record(drawdown.SyncUsage)
	rec.Usage = drawdown.Usage{
		Connection: []byte(connection), SourceConnector: []byte(source), DestinationConnector: []byte("ga"),
		Job: job, Quantity: [drawdown.MeterCount]uint64{drawdown.Records: records},
	}
	s.p.Apply(rec, s)
}

func (s *script) say(format string, args ...any) {
	s.caused = append(s.caused, fmt.Sprintf(format, args...))
}

// said is what the last step caused.
func (s *script) said() string { return strings.Join(s.caused, "; ") }

func (s *script) Charge(c *drawdown.Charge)     { s.say("charged %v", c.Credits) }
func (s *script) Rejected(r *drawdown.Rejected) { s.say("%s", r.Reason) }
func (s *script) Duplicate(*drawdown.Duplicate) { s.say("duplicate") }
func (s *script) Ledger(e drawdown.Entry) {
	switch e := e.(type) {
	case *drawdown.HoldPlacedEntry:
		s.say("placed %s", e.Hold)
	case *drawdown.HoldQueuedEntry:
		s.say("queued %s", e.Hold)
	case *drawdown.HoldReleasedEntry:
		s.say("released %s %v used %v", e.Hold, e.Amount, e.Used)
	case *drawdown.HoldExpiredEntry:
		s.say("expired %s %v used %v", e.Hold, e.Amount, e.Used)
	case *drawdown.RunawayNotice:
		s.say("runaway %s %d used %v usual %v", e.Connection, e.Job, e.Used, e.Usual)
	case *drawdown.StatusChanged:
		s.say("%v", e.To)
	default:
		s.say("%s", e.EntryType())
	}
}

// stored is the account as a store would have it, with all its fields.
func (s *script) stored() Stored {
	a := s.p.accounts[scriptAccount]
	var w packer
	a.pack(&w)
	stored := Stored{Account: a.id, Mark: Mark{Version: int64(a.changedAt) + 1, Balance: a.unheld()}, Core: w.since(0)}
	if !a.holds.isDefault() {
		stored.Fields = append(stored.Fields, a.holds.changedField(&w))
	}
	begin := len(w.buf)
	a.contacts.pack(&w)
	stored.Fields = append(stored.Fields, Field{Name: ContactsField, Value: w.since(begin)})
	for _, name := range a.connectionNames() {
		begin := len(w.buf)
		a.connections[name].pack(&w)
		stored.Fields = append(stored.Fields, Field{Name: connectionField + name, Value: w.since(begin)})
	}
	return stored
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
