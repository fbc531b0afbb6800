package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAKeyOfOneInstanceWorksOnAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		here, there := start(t, log), start(t, log)
		key, token := here.issue(t, NewKey{Name: "scheduler", Role: Worker, Account: "acme", Scopes: []Scope{AskGate}})
		if key.State(time.Now()) != KeyActive || key.CreatedBy != root.ID || key.Generation != 1 || len(token) != tokenLen {
			t.Errorf("issued %+v with %d bytes", key, len(token))
		}
		began := time.Now()
		synctest.Wait()
		for name, store := range map[string]*instance{"here": here, "there": there, "after a restart": start(t, log)} {
			p, err := store.Check(token)
			if err != nil || p.ID != "key:"+key.ID || p.Role != Worker || p.Account != "acme" || !slices.Equal(p.Scopes, []Scope{AskGate}) {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
		if passed := time.Since(began); passed > time.Second {
			t.Errorf("it took %v", passed)
		}
		for _, r := range log.all() {
			if _, secret, _ := parseKeyToken(token); bytes.Contains(r.Value, []byte(secret)) {
				t.Error("the log has the secret")
			}
		}
		if strings.Contains(here.logs.String()+fmt.Sprintf("%+v %#v", key, key), token[len(token)-secretLen:]) {
			t.Error("the secret is printed")
		}
		if _, err := there.Revoke(t.Context(), root, key.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := there.Check(token); why(t, err) != "the key is revoked" {
			t.Errorf("revoked there: %v", err)
		}
		synctest.Wait()
		if _, err := here.Check(token); why(t, err) != "the key is revoked" {
			t.Errorf("revoked here: %v", err)
		}
		if again, err := here.Revoke(t.Context(), root, key.ID); err != nil || again.RevokedBy != root.ID {
			t.Errorf("revoking again: %+v, %v", again, err)
		}
		if count := len(log.all()); count != 2 {
			t.Errorf("there are %d records, expected issued and revoked", count)
		}
	})
}

func TestKeysThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := start(t, newMemoryLog())
		_, token := store.issue(t, NewKey{})
		_, other := store.issue(t, NewKey{})
		_, short := store.issue(t, NewKey{ExpiresAt: time.Now().Add(time.Hour)})
		if _, err := store.Check(short); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		for name, c := range map[string]struct{ token, why string }{
			"nothing":           {"", "it has not the form of a key"},
			"only a prefix":     {"dk_", "it has not the form of a key"},
			"a digit too few":   {token[:len(token)-1], "it has not the form of a key"},
			"a digit too many":  {token + "0", "it has not the form of a key"},
			"no digit":          {token[:len(token)-1] + "-", "it has not the form of a key"},
			"unknown":           {"dk_000000000000_" + token[len(token)-secretLen:], "there is no key dk_000000000000"},
			"another's secret":  {token[:len(token)-secretLen] + other[len(other)-secretLen:], "wrong secret"},
			"expired":           {short, "the key is expired"},
			"expired and wrong": {short[:len(short)-secretLen] + other[len(other)-secretLen:], "wrong secret"},
		} {
			if _, err := store.Check(c.token); why(t, err) != c.why {
				t.Errorf("%s: %q", name, why(t, err))
			}
		}
	})
}

func TestAnEmptyPreviousSecretIsNone(t *testing.T) {
	held := &heldKey{Key: Key{Generation: 1}, secret: hashOf("x")}
	if held.check(secretHash{}, time.Now()) != "wrong secret" {
		t.Error("a hash of zeros is taken for the secret before")
	}
}

func TestNothingIsCheckedBeforeAllKeysAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		_, token := start(t, log).issue(t, NewKey{})
		late := newStore(t, log)
		log.goAway(errAway)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = late.Run(ctx) }()
		defer func() { cancel(); <-done }()
		time.Sleep(time.Minute)
		_, checked := late.Check(token)
		_, _, issued := late.Issue(ctx, root, NewKey{Name: "x", Role: Worker})
		if !errors.Is(checked, ErrUnavailable) || errors.Is(checked, ErrUnauthenticated) || !errors.Is(issued, ErrUnavailable) || late.Ready() == nil {
			t.Errorf("checked: %v; issued: %v", checked, issued)
		}
		log.goAway(nil)
		time.Sleep(pauseMax)
		if _, err := late.Check(token); err != nil {
			t.Errorf("when the log is back: %v", err)
		}
	})
}

func TestKeysWorkWhileTheLogIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		store := start(t, log)
		key, token := store.issue(t, NewKey{})
		log.goAway(errAway)
		time.Sleep(time.Hour)
		if _, err := store.Check(token); err != nil {
			t.Errorf("checked: %v", err)
		}
		if _, err := store.Revoke(t.Context(), root, key.ID); !errors.Is(err, ErrUnavailable) {
			t.Errorf("revoked: %v", err)
		}
		time.Sleep(2 * useEvery) // that it was used can't be written
		log.goAway(nil)
		time.Sleep(2 * useEvery) // and then can
		if got, err := start(t, log).Key(root, key.ID); err != nil || got.LastUsedAt.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		store, there := start(t, log), start(t, log)
		key, first := store.issue(t, NewKey{Account: "acme"})
		rotated, second, err := store.Rotate(t.Context(), root, key.ID, OverlapDefault)
		if err != nil || rotated.Generation != 2 || !rotated.PreviousUntil.Equal(time.Now().Add(OverlapDefault)) || first == second {
			t.Fatalf("%+v, %v", rotated, err)
		}
		good := func(when string, want bool, token string) {
			t.Helper()
			synctest.Wait()
			for name, s := range map[string]*instance{"here": store, "there": there} {
				if _, err := s.Check(token); (err == nil) != want {
					t.Errorf("%s, %s: %v", when, name, err)
				}
			}
		}
		time.Sleep(OverlapDefault - time.Millisecond)
		good("the old one just before the end", true, first)
		good("the new one", true, second)
		time.Sleep(time.Millisecond)
		good("the old one at the end", false, first)
		good("the new one at the end", true, second)
		if _, err := store.Check(first); why(t, err) != "the secret was replaced, and the overlap is over" {
			t.Error(why(t, err))
		}
		_, third, err := store.Rotate(t.Context(), root, key.ID, OverlapMax)
		if err != nil {
			t.Fatal(err)
		}
		_, fourth, err := store.Rotate(t.Context(), root, key.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		good("replaced before the one before", false, second)
		good("without overlap", false, third)
		good("the last", true, fourth)
		if _, err := store.Revoke(t.Context(), root, key.ID); err != nil {
			t.Fatal(err)
		}
		good("revoked", false, fourth)
		if _, _, err := store.Rotate(t.Context(), root, key.ID, 0); !errors.Is(err, ErrKeyEnded) {
			t.Errorf("rotating what is revoked: %v", err)
		}
	})
}

func TestRotatingAtTheSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		stores := []*instance{start(t, log), start(t, log)}
		key, _ := stores[0].issue(t, NewKey{})
		synctest.Wait()
		var parts sync.WaitGroup
		tokens, faults := make([]string, 2), make([]error, 2)
		for i, s := range stores {
			parts.Go(func() { _, tokens[i], faults[i] = s.Rotate(t.Context(), root, key.ID, 0) })
		}
		parts.Wait()
		synctest.Wait()
		worked := 0
		for i := range stores {
			switch {
			case faults[i] == nil:
				worked++
				if _, err := stores[1-i].Check(tokens[i]); err != nil {
					t.Errorf("the secret that was given out does not work: %v", err)
				}
			case !errors.Is(faults[i], ErrKeyChanged) || tokens[i] != "":
				t.Errorf("got %q, %v", tokens[i], faults[i])
			}
		}
		if worked == 0 {
			t.Error("nobody has a secret")
		}
	})
}

func TestRecordsThatAreNotOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		store := start(t, log)
		key, token := store.issue(t, NewKey{})
		if _, _, err := store.Rotate(t.Context(), root, key.ID, time.Hour); err != nil {
			t.Fatal(err)
		}
		own := log.all()
		forge := func(signer Signer, domain string) LogRecord {
			id := keyPrefix + "forged000000"
			record := newRecord(keyIssued, id, recordData{By: "x", Name: "x", Role: Operator, Secret: hexHash(hashOf(strings.Repeat("0", secretLen)))})
			r, err := record.sign(signer)
			if err != nil {
				t.Fatal(err)
			}
			if domain != recordDomain {
				r.Signature, _ = signer.Sign(append([]byte(domain), r.Value...))
			}
			return r
		}
		changed := own[0]
		changed.Value = bytes.Replace(changed.Value, []byte(`"worker"`), []byte(`"operator"`), 1)
		unsigned := forge(signingKeysOf(t, "k1"), recordDomain)
		unsigned.Signature = nil
		forged := []LogRecord{
			unsigned, changed, forge(signingKeysOf(t, "k2"), recordDomain),
			forge(signingKeysOf(t, "k1"), ""), // signed as an operation is
			{Key: key.ID}, {Value: []byte("{}"), Signature: []byte("k1:00")},
		}
		for _, r := range forged {
			if _, err := log.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.Revoke(t.Context(), root, key.ID); err != nil {
			t.Fatal(err)
		}
		for _, r := range own { // copies of what was right once
			if _, err := log.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for name, s := range map[string]*instance{"running": store, "restarted": start(t, log)} {
			if len(s.Keys(root)) != 1 || s.records(resultForged) != len(forged) || s.records(resultRepeated) != len(own) {
				t.Errorf("%s: %d keys, %d forged, %d repeated", name, len(s.Keys(root)), s.records(resultForged), s.records(resultRepeated))
			}
			if _, err := s.Check(token); why(t, err) != "the key is revoked" {
				t.Errorf("%s: a revoked key: %v", name, err)
			}
			if _, err := s.Check("dk_forged000000_" + strings.Repeat("0", secretLen)); why(t, err) != "there is no key dk_forged000000" {
				t.Errorf("%s: a forged key: %v", name, err)
			}
		}
	})
}

func TestRecordsOfANewerVersionAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		for _, record := range []*keyRecord{
			newRecord("key.renamed", "dk_000000000001", recordData{}),
			newRecord(keyIssued, "dk_000000000001", recordData{Name: "x", Role: "auditor", Secret: hexHash{1}}),
			newRecord(keyIssued, "dk_000000000001", recordData{Name: "x", Role: Worker}),
			newRecord(keyIssued, "dk_1", recordData{Name: "x", Role: Worker, Secret: hexHash{1}}),
			newRecord(keyRotated, "dk_000000000001", recordData{Secret: hexHash{1}, Generation: 1, PreviousUntil: time.Now()}),
			newRecord(keyUsed, "", recordData{}),
		} {
			r, err := record.sign(signingKeysOf(t, "k1"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.Append(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if store := start(t, log); store.records(resultMalformed) != 6 || len(store.Keys(root)) != 0 {
			t.Errorf("%d malformed, %d keys", store.records(resultMalformed), len(store.Keys(root)))
		}
	})
}

func TestUseIsWrittenOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		here, there := start(t, log), start(t, log)
		key, token := here.issue(t, NewKey{})
		second, _ := here.issue(t, NewKey{})
		uses := func() (count int) {
			for _, r := range log.all() {
				count += strings.Count(string(r.Value), `"key.used"`)
			}
			return count
		}
		time.Sleep(30 * time.Minute) // to the middle of an hour
		hour := time.Now().Truncate(time.Hour)
		for range 10 {
			if _, err := here.Check(token); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			if _, err := there.Check(token); err != nil {
				t.Fatal(err)
			}
		}
		if got := uses(); got != 1 {
			t.Errorf("%d records of use in an hour, on two instances", got)
		}
		for name, s := range map[string]*instance{"here": here, "there": there, "restarted": start(t, log)} {
			used, err := s.Key(root, key.ID)
			unused, _ := s.Key(root, second.ID)
			if err != nil || !used.LastUsedAt.Equal(hour) || !unused.LastUsedAt.IsZero() {
				t.Errorf("%s: used at %v, the other one at %v; %v", name, used.LastUsedAt, unused.LastUsedAt, err)
			}
		}
		time.Sleep(time.Hour)
		if _, err := here.Check(token); err != nil {
			t.Fatal(err)
		}
		here.stop() // writes what is left
		if got := uses(); got != 2 {
			t.Errorf("%d records of use in two hours", got)
		}
	})
}

func TestNobodyMakesAKeyBeyondThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := start(t, newMemoryLog())
		acme := &Principal{ID: "acme's", Role: Operator, Account: "acme"}
		keysOnly := &Principal{ID: "keys", Role: Operator, Scopes: []Scope{ManageKeys, AskGate}}
		worker := &Principal{ID: "worker", Role: Worker}
		for name, c := range map[string]struct {
			by     *Principal
			wanted NewKey
			want   error
		}{
			"an operator of all":                 {root, NewKey{Role: Operator}, nil},
			"of one account, for it":             {acme, NewKey{Role: Worker, Account: "acme"}, nil},
			"of one account, for another":        {acme, NewKey{Role: Worker, Account: "other"}, ErrBeyondIssuer},
			"of one account, for all":            {acme, NewKey{Role: Worker}, ErrBeyondIssuer},
			"with scopes, within them":           {keysOnly, NewKey{Role: Worker, Scopes: []Scope{AskGate}}, nil},
			"with scopes, beyond them":           {keysOnly, NewKey{Role: Worker}, ErrBeyondIssuer},
			"with scopes, for an operator":       {keysOnly, NewKey{Role: Operator}, ErrBeyondIssuer},
			"a worker, for an operator":          {worker, NewKey{Role: Operator}, ErrBeyondIssuer},
			"a worker, a customer's":             {worker, NewKey{Role: Customer, Account: "acme"}, ErrBeyondIssuer},
			"an operator of all, for a customer": {root, NewKey{Role: Customer, Account: "acme"}, nil},
		} {
			c.wanted.Name = name
			if _, token, err := store.Issue(t.Context(), c.by, c.wanted); !errors.Is(err, c.want) || (err == nil) != (token != "") {
				t.Errorf("%s: %v", name, err)
			}
		}
		powerful, _ := store.issue(t, NewKey{Role: Operator})
		if _, _, err := store.Rotate(t.Context(), keysOnly, powerful.ID, 0); !errors.Is(err, ErrBeyondIssuer) {
			t.Errorf("a secret of a key that may more: %v", err)
		}
		_, _, rotated := store.Rotate(t.Context(), acme, powerful.ID, 0)
		_, revoked := store.Revoke(t.Context(), acme, powerful.ID)
		_, seen := store.Key(acme, powerful.ID)
		if !errors.Is(rotated, ErrNoSuchKey) || !errors.Is(revoked, ErrNoSuchKey) || !errors.Is(seen, ErrNoSuchKey) {
			t.Errorf("a key that is not theirs to see: %v; %v; %v", rotated, revoked, seen)
		}
		if list := store.Keys(acme); len(list) != 2 || list[0].Account != "acme" || list[1].Account != "acme" {
			t.Errorf("they see %v", list)
		}
	})
}

// An id that is asked for is had once: its second asker, also one at the same moment on another instance, gets no secret.
func TestAnIDIsIssuedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		here, there := start(t, log), start(t, log)
		wanted := NewKey{ID: KeyIDOf("deploy"), Name: "scheduler", Role: Worker}
		if wanted.ID == KeyIDOf("deploy again") || !validKeyID(wanted.ID) || KeyIDOf("deploy") != wanted.ID {
			t.Fatalf("the id is %s", wanted.ID)
		}
		got := make(chan error, 2)
		for _, store := range []*instance{here, there} {
			go func() {
				key, token, err := store.Issue(t.Context(), root, wanted)
				if err == nil {
					if p, checked := store.Check(token); checked != nil || p.ID != "key:"+wanted.ID || key.ID != wanted.ID {
						t.Errorf("%+v, %v", key, checked)
					}
				}
				got <- err
			}()
		}
		first, second := <-got, <-got
		if first == nil {
			first, second = second, first
		}
		if !errors.Is(first, ErrKeyExists) || second != nil {
			t.Errorf("%v and %v", first, second)
		}
		synctest.Wait()
		before := len(log.all())
		if _, token, err := there.Issue(t.Context(), root, wanted); !errors.Is(err, ErrKeyExists) || token != "" || len(log.all()) != before {
			t.Errorf("again: %v, %d records after %d", err, len(log.all()), before)
		}
		var invalid *InvalidKeyError
		if _, _, err := here.Issue(t.Context(), root, NewKey{ID: "dk_1", Name: "n", Role: Worker}); !errors.As(err, &invalid) {
			t.Error(err)
		}
	})
}

func TestKeysThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemoryLog()
		store := start(t, log)
		for name, c := range map[string]struct {
			wanted NewKey
			faults []string
		}{
			"nothing":            {NewKey{}, []string{"name", "role"}},
			"long name":          {NewKey{Name: strings.Repeat("x", 129), Role: Worker}, []string{"name"}},
			"newline":            {NewKey{Name: "a\nb", Role: Worker}, []string{"name"}},
			"no UTF-8":           {NewKey{Name: "a\xff", Role: Worker}, []string{"name"}},
			"a customer of none": {NewKey{Name: "x", Role: Customer}, []string{"account"}},
			"bad account":        {NewKey{Name: "x", Role: Worker, Account: "a b"}, []string{"account"}},
			"no scopes":          {NewKey{Name: "x", Role: Worker, Scopes: []Scope{}}, []string{"scopes"}},
			"beyond the role":    {NewKey{Name: "x", Role: Worker, Scopes: []Scope{Administer}}, []string{"scopes"}},
			"twice":              {NewKey{Name: "x", Role: Worker, Scopes: []Scope{AskGate, AskGate}}, []string{"scopes"}},
			"expired":            {NewKey{Name: "x", Role: Worker, ExpiresAt: time.Now()}, []string{"expires_at"}},
			"too late":           {NewKey{Name: "x", Role: Worker, ExpiresAt: time.Now().AddDate(9000, 0, 0)}, []string{"expires_at"}},
			"all at once":        {NewKey{Role: Customer, Scopes: []Scope{"x"}, ExpiresAt: time.Unix(1, 0)}, []string{"name", "account", "scopes", "expires_at"}},
		} {
			_, _, err := store.Issue(t.Context(), root, c.wanted)
			var invalid *InvalidKeyError
			if !errors.As(err, &invalid) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, fault := range c.faults {
				if !strings.Contains(err.Error(), fault+": ") {
					t.Errorf("%s: %v, expected %s", name, err, fault)
				}
			}
		}
		key, _ := store.issue(t, NewKey{})
		for _, overlap := range []time.Duration{-1, OverlapMax + 1} {
			var invalid *InvalidKeyError
			if _, _, err := store.Rotate(t.Context(), root, key.ID, overlap); !errors.As(err, &invalid) {
				t.Errorf("overlap of %v: %v", overlap, err)
			}
		}
		if len(log.all()) != 1 {
			t.Errorf("%d records, expected the one key's", len(log.all()))
		}
	})
}

func TestAStoreWithoutAKeyToSignWith(t *testing.T) {
	if _, err := NewKeyStore(KeyStoreConfig{}); err == nil {
		t.Error("a configuration without anything is accepted")
	}
}

func BenchmarkCheck(b *testing.B) {
	store := newStore(b, newMemoryLog())
	token, hash := newSecret("dk_000000000001")
	store.ready = true
	store.keys.apply(newRecord(keyIssued, "dk_000000000001", recordData{Name: "x", Role: Worker, Secret: hexHash(hash)}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Check(token); err != nil {
			b.Fatal(err)
		}
	}
}
