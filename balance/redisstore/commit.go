package redisstore

import (
	"context"
	"strconv"

	"drawdown"
	"drawdown/balance"
)

// Commit implements [balance.Store]: one call of commit.lua. The client may send it more than once when a reply is
// lost; the script then answers AlreadyApplied.
func (s *Store) Commit(ctx context.Context, c *balance.Commit) (balance.Outcome, error) {
	outcome, err := s.commit(ctx, c)
	return outcome, classify("commit", c.Partition, err)
}

func (s *Store) commit(ctx context.Context, c *balance.Commit) (balance.Outcome, error) {
	if err := c.Validate(); err != nil {
		return balance.Outcome{}, err
	}
	r := s.requests.Get().(*request)
	defer func() {
		r.reset()
		s.requests.Put(r)
	}()
	r.encode(s.keys.partition(c.Partition), c)
	reply, err := commitScript.run(ctx, s.client, r.args)
	if err != nil {
		return balance.Outcome{}, err
	}
	return parseOutcome(reply, c)
}

var outcomeKinds = map[string]balance.OutcomeKind{
	balance.Applied.String():        balance.Applied,
	balance.AlreadyApplied.String(): balance.AlreadyApplied,
	balance.Fenced.String():         balance.Fenced,
	balance.Rewound.String():        balance.Rewound,
	balance.Diverged.String():       balance.Diverged,
}

// parseOutcome reads the script's answer: {kind, meta, account, version, balance}, short where there is nothing.
func parseOutcome(reply any, c *balance.Commit) (balance.Outcome, error) {
	values, _ := reply.([]any)
	if len(values) == 0 {
		return balance.Outcome{}, corrupt("the commit script answered %v", reply)
	}
	name, _ := values[0].(string)
	outcome := balance.Outcome{Kind: outcomeKinds[name]}
	switch {
	case outcome.Kind == balance.Applied && len(values) == 1:
		return outcome, nil
	case outcome.Kind == 0 || len(values) < 2:
		return balance.Outcome{}, corrupt("the commit script answered %v", reply)
	}
	found, err := parsePosition(values[1])
	if err != nil {
		return balance.Outcome{}, err
	}
	outcome.Found = found
	if len(values) == 5 {
		err = parseDifference(values[2:], c, &outcome)
	}
	return outcome, err
}

// parseDifference reads which account differs and what is stored of it.
func parseDifference(values []any, c *balance.Commit, outcome *balance.Outcome) error {
	number, _ := values[0].(int64)
	if number < 1 || number > int64(len(c.Accounts)) {
		return corrupt("the commit script named account %v of %d", values[0], len(c.Accounts))
	}
	version, _ := values[1].(string)
	available, _ := values[2].(string)
	got, err := parseMark(version, available)
	change := &c.Accounts[number-1]
	outcome.Account, outcome.Expected, outcome.Got = change.Account, change.Before, got
	return err
}

// parseMark reads an account's version and balance; both are empty where there is no account.
func parseMark(version, available string) (balance.Mark, error) {
	if version == "" && available == "" {
		return balance.Mark{}, nil
	}
	v, errVersion := strconv.ParseInt(version, 10, 64)
	b, errBalance := strconv.ParseInt(available, 10, 64)
	if errVersion != nil || errBalance != nil {
		return balance.Mark{}, corrupt("an account has version %q and balance %q", version, available)
	}
	return balance.Mark{Version: v, Balance: drawdown.Credits(b)}, nil
}
