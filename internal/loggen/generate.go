package loggen

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"drawdown/internal/reference"
)

// Options are the knobs of a log. The zero value is a good mixture.
type Options struct {
	// Accounts is how many accounts there are; 0 lets the seed choose 1 to 6.
	Accounts int
	// Weirdness is the share of records, in percent, that are broken on purpose; 0 means DefaultWeirdness, a
	// negative one none.
	Weirdness int
	// TimeScale multiplies the ordinary steps of the clock, in percent; 0 means 100.
	TimeScale int
	// WithoutLogtime leaves logtime out of every sound record, so that time is the log time.
	WithoutLogtime bool
}

// DefaultWeirdness is the share of broken records, in percent, that keeps about 85 % of a log accepted.
const DefaultWeirdness = 5

// generator writes one log. The engine beside it applies each record, so that the next can aim at its state.
type generator struct {
	*rand.Rand
	options Options
	engine  *reference.Engine
	log     [][]byte
	// kept are the sound records so far, to repeat them under another log time or id.
	kept []event
	// queue holds records that must come next, such as what a newly opened account needs.
	queue []func() event

	accounts    []string
	versions    []string
	connections []string
	weights     []int
	ids         int
	attempts    map[attemptKey]*attemptState
	// accepted are instants at which something was remembered, to come back when the memory lapses.
	accepted []reference.Instant
	// rich logs give and buy as much as can be written, to reach the end of the range.
	rich bool
	// indebted logs use up to the end of the range of overdraft, pay some of it back and have that refunded.
	indebted bool
	// laddered logs stay within the hours of a purchase's retries, and dwell on refused charges.
	laddered bool
	// guarded logs dwell on holds, priorities and runaway jobs, with the breaker on.
	guarded bool
	// striped logs dwell on one attempt and leave out every other number, to reach the limit of ranges.
	striped bool
}

// Generate writes a log of the given number of records, one a line. The same arguments give the same bytes.
func Generate(seed uint64, records int, options Options) []byte {
	g := newGenerator(seed, options)
	g.prologue()
	for len(g.log) < records {
		g.step()
	}
	log := bytes.Join(g.log[:max(records, 0)], []byte("\n"))
	if len(log) > 0 && (g.chance(90) || len(g.log[records-1]) == 0) {
		log = append(log, '\n') // the last newline makes no record
	}
	return log
}

func newGenerator(seed uint64, options Options) *generator {
	if options.Weirdness == 0 {
		options.Weirdness = DefaultWeirdness
	}
	if options.TimeScale == 0 {
		options.TimeScale = 100
	}
	g := &generator{
		Rand:     rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		options:  options,
		engine:   reference.New(),
		attempts: map[attemptKey]*attemptState{},
	}
	names := []string{"acme", "shop", "a", "a:1", "acme:sub:x", "A.b_c-D:9", "zz", "Z", "0", "acme-2"}
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	count := options.Accounts
	if count == 0 {
		count = 1 + g.IntN(6)
	}
	for len(names) < count {
		names = append(names, fmt.Sprintf("account-%d", len(names)))
	}
	g.accounts = names[:count]
	g.connections = []string{"c", "pg to bq", "é<&>", "x"}[:1+g.IntN(4)]
	g.rich, g.striped, g.indebted, g.laddered = g.chance(6), g.chance(6), g.chance(4), g.chance(15)
	g.guarded = g.chance(18)
	g.weighActions()
	return g
}

// action is one kind of record with its usual weight, and the weights of rich, indebted, laddered and guarded logs.
type action struct {
	weight, rich, indebted, laddered, guarded int
	make                                      func(*generator) event
}

func actions() []action {
	return []action{
		{90, 20, 60, 40, 90, (*generator).usage},
		{14, 5, 2, 10, 10, (*generator).tick},
		{24, 0, 10, 8, 12, (*generator).settleRequested},
		{14, 0, 2, 40, 6, (*generator).failRequested},
		{6, 0, 0, 25, 0, (*generator).retryRequested},
		{5, 0, 0, 3, 2, (*generator).settleFailed},
		{10, 60, 30, 2, 14, (*generator).settleManual},
		{2, 5, 0, 1, 0, (*generator).settleStrange},
		{12, 2, 30, 5, 8, (*generator).refundPurchase},
		{2, 0, 1, 1, 0, (*generator).refundStrange},
		{10, 60, 2, 2, 16, (*generator).grantCredits},
		{5, 2, 1, 2, 4, (*generator).voidGrant},
		{8, 1, 0, 10, 4, (*generator).changePlan},
		{2, 0, 0, 0, 1, (*generator).verifyEmail},
		{6, 0, 1, 25, 3, (*generator).saveMethod},
		{3, 0, 0, 12, 1, (*generator).removeMethod},
		{8, 0, 0, 4, 4, (*generator).setAutoPurchase},
		{6, 0, 0, 0, 1, (*generator).enrol},
		{4, 0, 0, 0, 0, (*generator).setContacts},
		{4, 0, 0, 0, 0, (*generator).setWebhook},
		{2, 0, 0, 0, 0, (*generator).disableWebhook},
		{2, 0, 0, 0, 0, (*generator).removeWebhook},
		{6, 0, 0, 0, 4, (*generator).setConnection},
		{2, 0, 0, 0, 4, (*generator).removeConnection},
		{5, 2, 5, 4, 6, (*generator).repeat},
		{1, 0, 0, 0, 0, (*generator).openAccount},
		{2, 0, 0, 0, 0, (*generator).publishPlan},
		{3, 0, 0, 0, 0, (*generator).publishRates},
		{8, 0, 0, 0, 1, (*generator).setConnector},
		{1, 0, 0, 0, 0, (*generator).unknownType},
		{9, 4, 2, 4, 60, (*generator).placeHold},
		{4, 2, 1, 2, 20, (*generator).releaseHold},
		{3, 0, 0, 1, 14, (*generator).prioritize},
		{3, 1, 0, 1, 8, (*generator).setGate},
		{2, 0, 0, 0, 12, (*generator).acknowledge},
		{3, 0, 0, 0, 16, (*generator).runAway},
	}
}

// weighActions draws this log's mixture: some kinds often, some never, so that logs differ in what they dwell on.
func (g *generator) weighActions() {
	for _, a := range actions() {
		factor := []int{0, 2, 4, 4, 4, 4, 16}[g.IntN(7)]
		switch {
		case g.rich:
			g.weights = append(g.weights, a.rich)
		case g.indebted:
			g.weights = append(g.weights, a.indebted)
		case g.laddered:
			g.weights = append(g.weights, a.laddered)
		case g.guarded:
			g.weights = append(g.weights, a.guarded)
		default:
			g.weights = append(g.weights, a.weight*factor)
		}
	}
	if !g.rich && !g.laddered && !g.guarded {
		g.weights[0] = max(g.weights[0], 90)
	}
	if g.striped {
		g.weights[0] *= 5
	}
}

// prologue makes a world in which most records are sound; some logs begin without.
func (g *generator) prologue() {
	if g.chance(5) {
		g.write([]byte(oneOf(g, notJSON...)))
	}
	g.setStart()
	if g.chance(3) {
		return
	}
	g.emit(g.publishRates())
	for range 2 + g.IntN(3) {
		g.emit(g.publishPlan())
	}
	for range 3 + g.IntN(3) {
		g.emit(g.setConnector())
	}
	for _, account := range g.accounts {
		if g.chance(92) {
			g.emit(g.open(account))
			g.flush()
		}
	}
	if g.guarded && g.chance(12) {
		g.emit(g.crowd())
		g.flush()
	}
}

func (g *generator) flush() {
	for len(g.queue) > 0 {
		next := g.queue[0]
		g.queue = g.queue[1:]
		g.emit(next())
	}
}

// step writes one record, and what must follow it.
func (g *generator) step() {
	if g.chance(g.options.Weirdness) {
		g.emitBroken()
		return
	}
	g.emit(g.pick(actions()).make(g))
	g.flush()
}

func (g *generator) pick(all []action) action {
	total := 0
	for _, w := range g.weights {
		total += w
	}
	at := g.IntN(total)
	for i, w := range g.weights {
		if at < w {
			return all[i]
		}
		at -= w
	}
	panic("loggen: weights do not add up")
}

// emit writes a sound record.
func (g *generator) emit(e event) {
	g.kept = append(g.kept, e)
	g.write(g.spell(e))
	if now, ok := g.engine.Now(); ok && g.chance(30) {
		g.accepted = append(g.accepted, now)
	}
}

// write adds a line to the log and lets the engine apply it.
func (g *generator) write(line []byte) {
	if bytes.IndexByte(line, '\n') >= 0 {
		panic("loggen: a record of two lines")
	}
	g.log = append(g.log, line)
	if _, err := g.engine.Apply(line); err != nil {
		panic(fmt.Sprintf("loggen: %v", err))
	}
}

// chance is true in the given share of calls, in percent.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// oneOf is one of the values, each as likely as its number.
func oneOf[T any](g *generator, values ...T) T { return values[g.IntN(len(values))] }

// account is one of the log's accounts, seldom one that nobody opened.
func (g *generator) account() string {
	if g.chance(1) {
		return "nobody"
	}
	account := oneOf(g, g.accounts...)
	if (g.rich || g.indebted) && g.chance(90) {
		account = g.accounts[0]
	}
	if !g.engine.Probe(account).Known && g.chance(50) {
		if len(g.engine.Plans()) == 0 {
			g.queue = append(g.queue, g.publishPlan)
		}
		g.queue = append(g.queue, func() event { return g.open(account) })
	}
	return account
}

// newID is an id that no record had, seldom one that another had.
func (g *generator) newID() string {
	if len(g.kept) > 0 && g.chance(2) {
		return oneOf(g, g.kept...).id
	}
	g.ids++
	return fmt.Sprintf("e%d", g.ids)
}
