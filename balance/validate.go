package balance

import (
	"errors"
	"fmt"

	"drawdown"
)

// ErrInvalidCommit is what every fault that [Commit.Validate] finds wraps: a mistake of the caller, never of a server.
var ErrInvalidCommit = errors.New("invalid commit")

// MaxExact bounds offsets, versions and due instants: stores may keep them in floating point (a sorted set's score, a
// number of a Redis script), which holds every integer below it exactly. As an instant it is the year 287396.
const MaxExact = 1 << 53

// Validate reports the first fault that makes a commit meaningless. Stores call it before they do anything: what it
// lets through can be refused for what the store holds, but can't fail halfway.
func (c *Commit) Validate() error {
	switch {
	case c.Partition < 0:
		return fmt.Errorf("%w: partition %d", ErrInvalidCommit, c.Partition)
	case c.Epoch.Number <= 0 || c.Epoch.Number >= MaxExact || c.Epoch.Token == "":
		return fmt.Errorf("%w: partition %d: no epoch: claim the partition first", ErrInvalidCommit, c.Partition)
	case c.Expected < 0 || c.Next <= c.Expected || c.Next >= MaxExact:
		return fmt.Errorf("%w: partition %d: from %d to %d", ErrInvalidCommit, c.Partition, c.Expected, c.Next)
	case c.Clock == drawdown.NoTime && len(c.Wake) > 0:
		return fmt.Errorf("%w: partition %d: connectors to wake, but no clock", ErrInvalidCommit, c.Partition)
	case c.Clock != drawdown.NoTime && !exactInstant(c.Clock):
		return fmt.Errorf("%w: partition %d: clock %d", ErrInvalidCommit, c.Partition, c.Clock)
	}
	for i := range c.Accounts {
		if err := c.Accounts[i].validate(); err != nil {
			return fmt.Errorf("%w: partition %d: account %q: %w", ErrInvalidCommit, c.Partition, c.Accounts[i].Account, err)
		}
	}
	return nil
}

func (a *AccountChange) validate() error {
	switch {
	case a.Account == "":
		return errors.New("no id")
	case a.After.Version <= 0 || a.After.Version >= MaxExact:
		return fmt.Errorf("version %d", a.After.Version)
	case a.Due != drawdown.Never && !exactInstant(a.Due):
		return fmt.Errorf("due instant %d", a.Due)
	default:
		return nil
	}
}

func exactInstant(t drawdown.Time) bool { return t >= 0 && t < MaxExact }
