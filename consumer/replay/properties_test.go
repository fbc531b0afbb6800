package replay_test

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
	"drawdown/internal/loggen"
)

// machine is the engine alone, fed line by line.
type machine struct {
	partition *balance.Partition
	decoder   decode.Decoder
	record    drawdown.Record
	out       collected
}

func newMachine() *machine { return &machine{partition: balance.NewPartition(0)} }

// apply applies a line at an offset and returns the lines that it caused.
func (m *machine) apply(offset int, line []byte) []string {
	m.decoder.Reset()
	m.record.Offset = drawdown.Offset(offset)
	m.decoder.Decode(line, drawdown.NoTime, &m.record)
	if m.record.Account != nil && m.partition.Missing(m.record.Account) {
		if _, err := m.partition.Restore(balance.Stored{Account: string(m.record.Account)}); err != nil {
			panic(err)
		}
	}
	m.out.Reset()
	m.partition.Apply(&m.record, &m.out)
	return strings.Split(strings.TrimSuffix(m.out.String(), "\n"), "\n")
}

func (m *machine) balances() string {
	var out collected
	out.balances(m.partition.Balances())
	return out.String()
}

// drawLog draws a random log as its lines.
func drawLog(t *rapid.T) [][]byte {
	log := loggen.Generate(rapid.Uint64Range(0, 1<<40).Draw(t, "seed"), rapid.IntRange(50, 250).Draw(t, "records"),
		loggen.Options{Accounts: rapid.IntRange(1, 4).Draw(t, "accounts")})
	return bytes.Split(bytes.TrimSuffix(log, []byte{'\n'}), []byte{'\n'})
}

// TestConservation: granted − used − expired − voided = available + held = what remains of all grants − overdraft, after
// every record; and held is what is left of all open holds.
func TestConservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		refunded := map[string]bool{}
		for i, line := range drawLog(t) {
			for _, written := range m.apply(i, line) {
				refunded[string(m.record.Account)] = refunded[string(m.record.Account)] || strings.Contains(written, `"type":"grant.refunded"`)
			}
			for _, b := range m.partition.Balances() {
				if err := conserved(&b, refunded[b.Account]); err != nil {
					t.Fatalf("after record %d, %s: %v", i, line, err)
				}
			}
		}
	})
}

// conserved checks one balance. Overdraft stands beside grants only where a refund put it there.
func conserved(b *drawdown.Balance, refunded bool) error {
	sum := b.Granted.Big()
	for _, less := range []drawdown.Total{b.Used, b.Expired, b.Voided} {
		sum.Sub(sum, less.Big())
	}
	held, err := heldOf(b)
	if err != nil {
		return err
	}
	if balance := big.NewInt(int64(b.Available + held)); sum.Cmp(balance) != 0 {
		return fmt.Errorf("account %s: granted − used − expired − voided is %v, available + held %v", b.Account, sum, balance)
	}
	remaining := drawdown.Credits(0)
	for _, g := range b.Grants {
		if g.Remaining <= 0 || g.Remaining > g.Amount {
			return fmt.Errorf("account %s: grant %s has %v of %v", b.Account, g.Grant, g.Remaining, g.Amount)
		}
		remaining += g.Remaining
	}
	if remaining-b.Overdraft-held != b.Available || (remaining > 0 && b.Overdraft > 0 && !refunded) {
		return fmt.Errorf("account %s: remaining %v, overdraft %v, held %v, available %v", b.Account, remaining, b.Overdraft, held, b.Available)
	}
	used := big.NewInt(0)
	for _, c := range b.Connections {
		used.Add(used, c.Used.Big())
	}
	if used.Cmp(b.Used.Big()) != 0 {
		return fmt.Errorf("account %s: its connections used %v, the account %v", b.Account, used, b.Used.Big())
	}
	return nil
}

// heldOf adds up what is left of the open holds, and compares it with what the account says.
func heldOf(b *drawdown.Balance) (drawdown.Credits, error) {
	held := drawdown.Credits(0)
	for _, h := range b.Holds {
		switch {
		case h.Remaining < 0 || h.Remaining > h.Amount, h.Waiting && h.Remaining != h.Amount:
			return 0, fmt.Errorf("account %s: hold %s has %v of %v", b.Account, h.Hold, h.Remaining, h.Amount)
		case h.ExpiresAt <= b.At:
			return 0, fmt.Errorf("account %s: hold %s is there at %v, it ended at %v", b.Account, h.Hold, b.At, h.ExpiresAt)
		case !h.Waiting:
			held += h.Remaining
		}
	}
	if held != b.Held {
		return 0, fmt.Errorf("account %s: its open holds have %v, it says %v", b.Account, held, b.Held)
	}
	return held, nil
}

// TestRepeatedRecordsChangeNothing appends every record twice, as a producer's retry does. Ticks, broadcasts and
// rejected records included, no balance differs.
func TestRepeatedRecordsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		for i, line := range drawLog(t) {
			m.apply(2*i, line)
			before := m.balances()
			m.apply(2*i+1, line)
			if after := m.balances(); after != before {
				t.Fatalf("record %d again, %s:\nbefore %s\nafter  %s", i, line, before, after)
			}
		}
	})
}

// TestReplayIsAFunctionOfTheLog replays any prefix twice.
func TestReplayIsAFunctionOfTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawLog(t)
		prefix := lines[:rapid.IntRange(1, len(lines)).Draw(t, "prefix")]
		first, second := newMachine(), newMachine()
		for i, line := range prefix {
			if a, b := first.apply(i, line), second.apply(i, line); strings.Join(a, "\n") != strings.Join(b, "\n") {
				t.Fatalf("record %d: %s, then %s", i, a, b)
			}
		}
		if first.balances() != second.balances() {
			t.Fatal("balances differ")
		}
	})
}

// TestAccountsAreIndependent replaces the records of all accounts but one by records that only move the clock, and
// expects the same lines for the one.
func TestAccountsAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawLog(t)
		all, alone := newMachine(), newMachine()
		one := ""
		for i, line := range lines {
			got := all.apply(i, line)
			account, logTime := string(all.record.Account), all.record.LogTime
			if one == "" && all.record.Type == drawdown.AccountOpened && all.record.Reject == "" {
				one = account
			}
			switch {
			case account == one || account == "" || all.record.Type.IsBroadcast():
				want := alone.apply(i, line)
				if strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Fatalf("record %d, %s:\namong others %s\nalone        %s", i, line, got, want)
				}
			case logTime != drawdown.NoTime:
				alone.apply(i, []byte(`{"logtime":"`+logTime.String()+`"}`))
			default:
				alone.apply(i, nil)
			}
		}
	})
}

// TestTicksChangeNothingButPromptness inserts ticks of every account before every record, at the log time of that
// record: effects come earlier, and no other. Notices of leaving the free program are left out: they follow what is
// known when an account advances.
func TestTicksChangeNothingButPromptness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := drawLog(t)
		plain, ticked := newMachine(), newMachine()
		var want, got []string
		for i, line := range lines {
			want = append(want, effects(t, plain.apply(i, line))...)
			if logTime := plain.record.LogTime; logTime != drawdown.NoTime {
				for _, b := range ticked.partition.Balances() {
					at := max(logTime, ticked.partition.Clock()).String()
					tick := fmt.Sprintf(`{"specversion":"1.0","id":"t","source":"s","type":"tick","subject":%q,"time":%q,"logtime":%q}`, b.Account, at, at)
					got = append(got, effects(t, ticked.apply(i, []byte(tick)))...)
				}
			}
			got = append(got, effects(t, ticked.apply(i, line))...)
		}
		// Accounts that the log never comes back to are advanced to its end in both.
		end := plain.partition.Clock().String()
		for _, b := range plain.partition.Balances() {
			tick := fmt.Sprintf(`{"specversion":"1.0","id":"t","source":"s","type":"tick","subject":%q,"time":%q}`, b.Account, end)
			want = append(want, effects(t, plain.apply(len(lines), []byte(tick)))...)
			got = append(got, effects(t, ticked.apply(len(lines), []byte(tick)))...)
		}
		if difference := firstDifference(byAccount(got), byAccount(want)); difference != "" {
			t.Fatal(difference)
		}
	})
}

// effects keeps what ticks may not change of lines: no offset and n, no rejections and duplicates.
func effects(t *rapid.T, lines []string) []string {
	var kept []string
	for _, line := range lines {
		_, rest, found := strings.Cut(line, `,"type":`)
		if !found && line != "" {
			t.Fatalf("line without type: %s", line)
		}
		switch {
		case line == "", strings.HasPrefix(rest, `"rejected"`), strings.HasPrefix(rest, `"duplicate"`), strings.Contains(rest, `"leaving_free_program"`):
		default:
			kept = append(kept, rest)
		}
	}
	return kept
}

// byAccount orders lines by account, and keeps the order of each.
func byAccount(lines []string) []string {
	groups := map[string][]string{}
	var accounts []string
	for _, line := range lines {
		_, rest, _ := strings.Cut(line, `"account":"`)
		account, _, _ := strings.Cut(rest, `"`)
		if groups[account] == nil {
			accounts = append(accounts, account)
		}
		groups[account] = append(groups[account], line)
	}
	var ordered []string
	for _, account := range accounts {
		ordered = append(ordered, groups[account]...)
	}
	return ordered
}
