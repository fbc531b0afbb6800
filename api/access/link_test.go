package access

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestALinkSignsInOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := sessionKeysOf(t, "a")
		maker, links := NewLinks(keys), NewLinks(keys) // two instances
		link, err := maker.Make("acme", LinkMax)
		if err != nil || !link.ExpiresAt.Equal(time.Now().Add(LinkMax)) || strings.Contains(link.Token, "acme") {
			t.Fatalf("%+v, %v", link, err)
		}
		var opened atomic.Int32
		var parts sync.WaitGroup
		for range 20 {
			parts.Go(func() {
				p, err := links.Open(link.Token)
				if err != nil {
					if why(t, err) != "it was opened before" {
						t.Error(why(t, err))
					}
					return
				}
				opened.Add(1)
				if !reflect.DeepEqual(p, &Principal{ID: link.PrincipalID, Role: Customer, Account: "acme"}) {
					t.Errorf("it signs in %+v", p)
				}
			})
		}
		parts.Wait()
		if opened.Load() != 1 {
			t.Errorf("opened %d times", opened.Load())
		}
	})
}

func TestALinkExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := NewLinks(sessionKeysOf(t, "a"))
		first, second := must(links.Make("acme", time.Minute)), must(links.Make("acme", time.Minute))
		time.Sleep(time.Minute - time.Millisecond)
		if _, err := links.Open(first.Token); err != nil {
			t.Errorf("just before: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := links.Open(second.Token); why(t, err) != "it has expired" {
			t.Errorf("then: %v", err)
		}
		if _, err := links.Open(first.Token); why(t, err) != "it has expired" {
			t.Errorf("the opened one: %v", err)
		}
		time.Sleep(time.Hour)
		_, _ = links.Open(must(links.Make("acme", time.Minute)).Token)
		if len(links.opened.ids) != 1 {
			t.Errorf("%d links are remembered, expected the last", len(links.opened.ids))
		}
	})
}

func TestLinksThatCannotBe(t *testing.T) {
	links := NewLinks(sessionKeysOf(t, "a"))
	for name, c := range map[string]struct {
		account string
		ttl     time.Duration
	}{"no account": {"", time.Minute}, "a bad account": {"a b", time.Minute}, "no time": {"acme", 0}, "too long": {"acme", LinkMax + 1}} {
		if link, err := links.Make(c.account, c.ttl); err == nil || link.Token != "" {
			t.Errorf("%s: accepted", name)
		}
	}
	link := must(NewLinks(sessionKeysOf(t, "b")).Make("acme", time.Minute))
	if _, err := links.Open(link.Token); why(t, err) != errNotSealed.Error() {
		t.Errorf("sealed with another key: %v", err)
	}
}

func TestAtItsBoundNothingIsNew(t *testing.T) {
	var s spent
	now := time.Now()
	for i := range spentMax {
		if !s.add(fmt.Sprint(i), now.Add(time.Minute), now) {
			t.Fatalf("%d is not new", i)
		}
	}
	if s.add("one more", now.Add(time.Minute), now) || s.add("0", now.Add(time.Minute), now) {
		t.Error("beyond the bound something is new")
	}
	if later := now.Add(2 * time.Minute); !s.add("one more", later.Add(time.Minute), later) || len(s.ids) != 1 {
		t.Errorf("when all have ended, %d are remembered", len(s.ids))
	}
}
