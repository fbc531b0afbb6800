package bench

import (
	"encoding/json"
	"fmt"

	"drawdown"
)

// question is what the gate is asked.
type question struct {
	account    *gateAccount
	connection int
	heldJob    bool  // it names the job that a hold is for
	seen       int64 // how many events an answer had already had in it when this was asked
}

// questionOf is the n-th question. Accounts, connections and jobs are mixed without a memory, so that no two connections
// ask in step.
func (g *gateAccounts) questionOf(n int) question {
	mixed := splitMix(uint64(n))
	q := question{account: &g.all[mixed%uint64(len(g.all))], connection: int(mixed >> 40 % gateConnections), heldJob: mixed>>50%2 == 0}
	q.seen = q.account.seen.Load()
	return q
}

// splitMix is the finalizer of the generator SplitMix64: each bit of the result depends on all of n.
func splitMix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// answer is what the gate says, as far as it is checked.
type answer struct {
	Allowed   bool
	Reason    string
	Available string
	Held      string
	Reserve   string
}

// WrongAnswerError says that the gate's answer is not what follows from the balances.
type WrongAnswerError struct {
	Question string
	Answer   string
	Fault    string
}

func (e *WrongAnswerError) Error() string {
	return fmt.Sprintf("a wrong answer to %s: %s: %s; no figure of this run counts", e.Question, e.Fault, e.Answer)
}

// check compares an answer with the rule, on a balance that the account can have had between the question and the answer:
// after all events that an answer had in it before the question, and none that was not appended by now.
func (q *question) check(body []byte) error {
	wrong := func(format string, args ...any) error {
		return &WrongAnswerError{Question: q.path(), Answer: string(body), Fault: fmt.Sprintf(format, args...)}
	}
	var found answer
	if err := json.Unmarshal(body, &found); err != nil {
		return wrong("it can't be read: %v", err)
	}
	a, appended := q.account, q.account.appended.Load()
	available, ok := drawdown.ParseCredits([]byte(found.Available))
	whole, isWhole := available.WholeCredits()
	used := a.granted - a.held - whole
	if !ok || !isWhole || used < q.seen || used > appended {
		return wrong("of %d credits, %d of them held, %d to %d were used", a.granted, a.held, q.seen, appended)
	}
	allowed, reason := q.rule(a.granted - used)
	if found.Allowed != allowed || found.Reason != reason || found.Held != fmt.Sprint(a.held) || found.Reserve != fmt.Sprint(a.reserve) {
		return wrong("expected allowed %t, reason %s, held %d, reserve %d", allowed, reason, a.held, a.reserve)
	}
	for seen := a.seen.Load(); used > seen && !a.seen.CompareAndSwap(seen, used); seen = a.seen.Load() {
	}
	return nil
}

// rule is the table of the contract, section 10, as far as these accounts go: nothing is stopped, free or bought, and there
// are no hours of grace.
func (q *question) rule(balance int64) (allowed bool, reason string) {
	a := q.account
	switch {
	case a.held > 0 && q.connection == gateHolder && q.heldJob:
		return true, "hold"
	case balance <= 0:
		return false, "exhausted"
	case a.reserve > 0 && q.connection != gateCritical && balance-a.held <= a.reserve:
		return false, "reserved"
	case balance-a.held <= 0:
		return false, "held"
	default:
		return true, "active"
	}
}

func (q *question) path() string {
	path := "/v1/accounts/" + q.account.name + "/gate?connection=" + gateConnection(q.connection)
	if q.heldJob {
		path += fmt.Sprintf("&job=%d", gateHeldJob)
	}
	return path
}

// naivePath asks for everything that the account holds, to decide by that.
func (q *question) naivePath() string { return "/v1/accounts/" + q.account.name + "/balance" }

// checkNaive compares a whole balance in the same way.
func (q *question) checkNaive(body []byte) error {
	a, appended := q.account, q.account.appended.Load()
	var found struct{ Status, Available string }
	err := json.Unmarshal(body, &found)
	available, ok := drawdown.ParseCredits([]byte(found.Available))
	whole, isWhole := available.WholeCredits()
	used := a.granted - a.held - whole
	status := "active"
	if a.granted-used <= 0 {
		status = "exhausted"
	}
	if err != nil || !ok || !isWhole || used < q.seen || used > appended || found.Status != status {
		return &WrongAnswerError{Question: q.naivePath(), Answer: string(body),
			Fault: fmt.Sprintf("expected %s, and that %d to %d of %d credits were used", status, q.seen, appended, a.granted)}
	}
	return nil
}
