package accesslog

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"drawdown/api/access"
)

var root = &access.Principal{ID: "test:root", Role: access.Operator}

func TestKeysOnKafka(t *testing.T) { onEmbedded(t, keysOnKafka) }

// keysOnKafka issues, rotates and revokes a key on two instances, forges records in between, and starts a third instance.
func keysOnKafka(t *testing.T, b *broker) {
	here, endHere := b.store(t)
	defer endHere()
	there, endThere := b.store(t)
	defer endThere()
	key, first, err := here.Issue(t.Context(), root, access.NewKey{Name: "scheduler", Role: access.Worker, Account: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	issued := time.Now()
	works := func(store *access.KeyStore, token string) bool { _, err := store.Check(token); return err == nil }
	eventually(t, "known there", func() bool { return works(there, first) })
	if passed := time.Since(issued); passed > time.Second {
		t.Errorf("a key works elsewhere after %v", passed)
	}
	_, second, err := there.Rotate(t.Context(), root, key.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "rotated here", func() bool { return works(here, second) && works(here, first) })

	forged := []byte(`{"specversion":"1.0","id":"x","source":"x","type":"key.issued","subject":"dk_forged000000","time":"2026-01-01T00:00:00Z",` +
		`"data":{"by":"x","name":"x","role":"operator","secret_sha256":"` + strings.Repeat("00", 32) + `"}}`)
	b.put(t, b.keys, 0, forged, nil)
	asOperation, err := signingKeys(t, "k1").Sign(forged)
	if err != nil {
		t.Fatal(err)
	}
	b.put(t, b.keys, 0, forged, asOperation)
	b.put(t, b.keys, 0, nil, nil)

	if _, err := here.Revoke(t.Context(), root, key.ID); err != nil {
		t.Fatal(err)
	}
	if works(here, second) {
		t.Error("a revoked key works where it was revoked")
	}
	eventually(t, "revoked there", func() bool { return !works(there, second) && !works(there, first) })
	restarted, end := b.store(t)
	defer end()
	for name, store := range map[string]*access.KeyStore{"here": here, "there": there, "restarted": restarted} {
		list := store.Keys(root)
		if len(list) != 1 || list[0].ID != key.ID || list[0].Generation != 2 || list[0].State(time.Now()) != access.KeyRevoked || works(store, second) {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func TestKeysWorkWhileKafkaIsAway(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		line := &line{dial: b.dial}
		b.dial, b.transport.Dial = line.Dial, line.Dial
		store, end := b.store(t)
		defer end()
		key, token, err := store.Issue(t.Context(), root, access.NewKey{Name: "x", Role: access.Worker})
		if err != nil {
			t.Fatal(err)
		}
		line.cut()
		time.Sleep(time.Minute)
		if _, err := store.Check(token); err != nil {
			t.Errorf("checked: %v", err)
		}
		if _, err := store.Revoke(t.Context(), root, key.ID); !errors.Is(err, access.ErrUnavailable) {
			t.Errorf("revoked: %v", err)
		}
		line.mend()
		if _, err := store.Revoke(t.Context(), root, key.ID); err != nil {
			t.Errorf("revoked when Kafka is back: %v", err)
		}
	})
}

func TestATopicOfKeysThatIsNotRight(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		for name, c := range map[string]struct{ topic, says string }{
			"more than one partition": {"wide", "must have one"}, "absent": {"absent", "absent"},
		} {
			config, end := b.config(t, c.topic)
			defer end()
			log, err := NewKeyLog(config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := log.End(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	if _, err := NewKeyLog(Config{}); err == nil {
		t.Error("a configuration without anything is accepted")
	}
}

func TestReadingKeysAfterTheEnd(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		config, end := b.config(t, b.keys)
		defer end()
		log, err := NewKeyLog(config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Read(t.Context(), 5, func(access.LogRecord) {}); err == nil || !strings.Contains(err.Error(), "out of range") {
			t.Errorf("a topic that was made anew: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if next, err := log.Read(ctx, 0, func(access.LogRecord) {}); !errors.Is(err, context.Canceled) || next != 0 {
			t.Errorf("after the end: %d, %v", next, err)
		}
	})
}

func TestTopicSettings(t *testing.T) {
	settings := func(partitions int, keys bool) map[string]string {
		topic := AuditTopicConfig("x", partitions, 3)
		if keys {
			topic = KeysTopicConfig("x", 3)
		}
		all := map[string]string{}
		for _, s := range topic.ConfigEntries {
			all[s.ConfigName] = s.ConfigValue
		}
		if topic.NumPartitions != partitions || all["cleanup.policy"] != "delete" || all["min.insync.replicas"] != "2" {
			t.Errorf("%+v", topic)
		}
		return all
	}
	if got := settings(1, true)["retention.ms"]; got != "-1" {
		t.Errorf("keys are kept for %s", got)
	}
	if got := settings(8, false)["retention.ms"]; got != "34560000000" {
		t.Errorf("audit entries are kept for %s", got)
	}
}
