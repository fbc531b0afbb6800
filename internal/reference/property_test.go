package reference_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"drawdown/internal/loggen"
	"drawdown/internal/reference"
)

// logs are how many random logs each property is tried on, and how long they are.
const (
	logs    = 120
	records = 250
)

func randomLog(seed uint64) []byte {
	return loggen.Generate(seed, records, loggen.Options{WithoutLogtime: seed%8 == 7})
}

// TestTicksChangeNothingButPromptness inserts ticks at the clock in force, for any account, between any two records.
// leaving_free_program is the contract's one exception: its lines are left out, and so is what only they moved.
func TestTicksChangeNothingButPromptness(t *testing.T) {
	inserted := 0
	for seed := range uint64(logs) {
		log := reference.Records(randomLog(seed))
		random := rand.New(rand.NewPCG(seed, 1))
		plain, ticked := reference.New(), reference.New()
		var want, got []reference.Line
		for _, record := range log {
			want = append(want, apply(t, plain, record)...)
			got = append(got, apply(t, ticked, record)...)
			now, running := ticked.Now()
			for running && now.String() < "9000-12" && random.IntN(3) == 0 {
				inserted++
				got = append(got, apply(t, ticked, tick(ticked.Accounts(), now, random))...)
			}
		}
		compareEffects(t, seed, want, got)
		// What the last record's advance left undone for other accounts is only late: bring both to the same instant.
		if now, running := plain.Now(); running && now.String() < "9000-12" {
			var last, lastTicked []reference.Line
			for _, account := range plain.Accounts() {
				last = append(last, apply(t, plain, tickOf(account, now))...)
				lastTicked = append(lastTicked, apply(t, ticked, tickOf(account, now))...)
			}
			compareEffects(t, seed, append(want, last...), append(got, lastTicked...))
			compare(t, encoded(t, plain.Balances()), encoded(t, ticked.Balances()))
		}
	}
	if inserted < logs*records/10 {
		t.Fatalf("only %d ticks inserted", inserted)
	}
}

func apply(t *testing.T, engine *reference.Engine, record []byte) []reference.Line {
	t.Helper()
	lines, err := engine.Apply(record)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func tick(accounts []string, now reference.Instant, random *rand.Rand) []byte {
	account := "nobody"
	if len(accounts) > 0 {
		account = accounts[random.IntN(len(accounts))]
	}
	return tickOf(account, now)
}

func tickOf(account string, now reference.Instant) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"t","source":"t","type":"tick","subject":%q,"time":%q}`, account, now)
}

// compareEffects compares, account by account, the effects that both have reached: one may be ahead of the other
// where its last ticks wrote what is due, so the shorter must begin the longer.
func compareEffects(t *testing.T, seed uint64, want, got []reference.Line) {
	t.Helper()
	wanted, gotten := effects(t, want), effects(t, got)
	for account, lines := range wanted {
		n := min(len(lines), len(gotten[account]))
		if len(gotten[account]) < len(lines) {
			t.Fatalf("seed %d: %s has %d effects with ticks, %d without", seed, account, len(gotten[account]), len(lines))
		}
		if !slices.Equal(lines[:n], gotten[account][:n]) {
			t.Logf("seed %d, account %s", seed, account)
			compare(t, gotten[account][:n], lines[:n])
		}
	}
}

// effects are the lines by account without offset and n, and without those that ticks may change.
func effects(t *testing.T, lines []reference.Line) map[string][]string {
	t.Helper()
	byAccount := map[string][]string{}
	for _, line := range lines {
		if line["type"] == "rejected" || line["type"] == "duplicate" || line["kind"] == "leaving_free_program" {
			continue
		}
		copied := reference.Line{}
		for key, value := range line {
			if key != "offset" && key != "n" {
				copied[key] = value
			}
		}
		account := line["account"].(string)
		byAccount[account] = append(byAccount[account], encoded(t, []reference.Line{copied})...)
	}
	return byAccount
}

func encoded(t *testing.T, lines []reference.Line) []string {
	t.Helper()
	var texts []string
	for _, line := range lines {
		text, err := reference.Encode(line)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// TestRepeatingARecordAtOnceHasNoEffect applies each accepted record twice: account operations, usage and broadcasts
// are then duplicates, so that no balance moves.
func TestRepeatingARecordAtOnceHasNoEffect(t *testing.T) {
	repeated := 0
	for seed := range uint64(logs / 4) {
		engine := reference.New()
		for _, record := range reference.Records(randomLog(seed)) {
			first := apply(t, engine, record)
			if slices.ContainsFunc(first, isRefusal) {
				continue
			}
			before := encoded(t, engine.Balances())
			for _, line := range apply(t, engine, record) {
				// A connection's new connectors may make such a notice due at once, for the next record to write.
				if !isRefusal(line) && line["kind"] != "leaving_free_program" {
					t.Fatalf("seed %d: repeated at once, %s gives %v", seed, record, line)
				}
			}
			repeated++
			compare(t, encoded(t, engine.Balances()), before)
		}
	}
	if repeated < logs/4*records/4 {
		t.Fatalf("only %d records repeated", repeated)
	}
}

func isRefusal(line reference.Line) bool {
	return line["type"] == "duplicate" || line["type"] == "rejected"
}

// TestAccountsAreIndependent compares each account's lines with those of a log without the other accounts' records,
// which are replaced by lines that do nothing but move the clock.
func TestAccountsAreIndependent(t *testing.T) {
	for seed := range uint64(60) {
		log := reference.Records(randomLog(seed))
		whole := reference.New()
		var all []reference.Line
		for _, record := range log {
			all = append(all, apply(t, whole, record)...)
		}
		for _, account := range whole.Accounts() {
			alone := reference.New()
			var got, want []reference.Line
			for _, record := range log {
				if subject := reference.SubjectOf(record); subject != "" && subject != account {
					record = onlyClock(record)
				}
				got = append(got, linesOf(account, apply(t, alone, record))...)
			}
			want = linesOf(account, all)
			compare(t, encoded(t, got), encoded(t, want))
		}
	}
}

func linesOf(account string, lines []reference.Line) []reference.Line {
	return slices.DeleteFunc(slices.Clone(lines), func(line reference.Line) bool { return line["account"] != account })
}

// onlyClock is a malformed record with the log time of another.
func onlyClock(record []byte) []byte {
	at, ok := reference.LogTimeOf(record)
	if !ok {
		return []byte("[]")
	}
	return fmt.Appendf(nil, `{"logtime":%q}`, at)
}

// TestReplayWritesWhatTheEngineGives checks Replay's handling of line ends against records applied one by one.
func TestReplayWritesWhatTheEngineGives(t *testing.T) {
	for seed := range uint64(40) {
		log := randomLog(seed)
		engine := reference.New()
		var want []reference.Line
		for _, record := range reference.Records(log) {
			want = append(want, apply(t, engine, record)...)
		}
		want = append(want, engine.Balances()...)
		got := replay(t, log)
		if string(got) != strings.Join(encoded(t, want), "") {
			t.Fatalf("seed %d: replay differs from its engine", seed)
		}
		if !bytes.Equal(got, replay(t, log)) {
			t.Fatalf("seed %d: two replays differ", seed)
		}
	}
}
