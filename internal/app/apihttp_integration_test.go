//go:build integration

package app

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
)

// answer is what the API answered.
type answer struct {
	status int
	body   struct {
		Reason, Detail string
		Entries        []struct {
			Actor, Account, Action string
			RemoteAddr             string `json:"remote_addr"`
		}
		Holds   []struct{ Waiting bool }
		Waiting bool
	}
}

// ask makes a request of the API with a credential.
func (s *stage) ask(token, method, path, body string) (a answer) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	s.must(err)
	request.Close = true // an idle connection may be closed under a later test's request, when the API ends
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=10")
	request.Header.Set("X-Forwarded-For", "203.0.113.9") // anybody can write that
	response, err := http.DefaultClient.Do(request)
	s.must(err)
	defer response.Body.Close()
	s.must(json.NewDecoder(response.Body).Decode(&a.body))
	a.status = response.StatusCode
	return a
}

// auditOverHTTP: an entry has the address that the request came from, whatever its headers say.
func (s *stage) auditOverHTTP(t *testing.T) {
	key, token, err := s.office.IssueKey(t.Context(), operator, access.NewKey{Name: "customer", Role: access.Customer, Account: "acme"})
	s.must(err)
	if a := s.ask(token, http.MethodPut, "/v1/accounts/acme/connections/beta/priority", `{"priority":"low"}`); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	a := s.ask(token, http.MethodGet, "/v1/audit?limit=1", "")
	if a.status != http.StatusOK || len(a.body.Entries) != 1 {
		t.Fatalf("%+v", a)
	}
	if e := a.body.Entries[0]; e.RemoteAddr != "127.0.0.1" || e.Actor != key.PrincipalID() || e.Account != "acme" || e.Action != "connection.prioritized" {
		t.Errorf("%+v", e)
	}
}

// foreignAccounts: with a key of one customer another's account is not there, to read, to write and at the gate; and nothing
// is left of the attempt.
func (s *stage) foreignAccounts(t *testing.T) {
	key, token, err := s.office.IssueKey(t.Context(), operator, access.NewKey{Name: "customer", Role: access.Customer, Account: "acme"})
	s.must(err)
	for _, route := range []struct{ method, path, body string }{
		{http.MethodGet, "/balance", ""},
		{http.MethodPut, "/auto-purchase", `{"enabled":true}`},
		{http.MethodGet, "/gate?connection=shop", ""},
	} {
		if own := s.ask(token, route.method, "/v1/accounts/acme"+route.path, route.body); own.status != http.StatusOK {
			t.Errorf("%s of its own account: %+v", route.path, own)
		}
		foreign := s.ask(token, route.method, "/v1/accounts/race"+route.path, route.body)
		if foreign.status != http.StatusNotFound || foreign.body.Reason != "no_such_account" {
			t.Errorf("%s of another's: %+v", route.path, foreign)
		}
		if nobodys := s.ask(token, route.method, "/v1/accounts/nowhere"+route.path, route.body); nobodys.status != foreign.status || nobodys.body.Detail != foreign.body.Detail {
			t.Errorf("%s of nobody's: %+v, of another's %+v", route.path, nobodys, foreign)
		}
	}
	entries, err := s.office.Audit(t.Context(), operator, access.AuditFilter{Account: "race", Actor: key.PrincipalID()})
	if err != nil || len(entries) != 0 {
		t.Errorf("the other account's audit has %+v, %v", entries, err)
	}
	overview, err := s.office.Overview(t.Context(), operator, "race")
	if err != nil || overview.Balance.AutoPurchase.Enabled {
		t.Errorf("the other account was changed: %+v, %v", overview, err)
	}
}

// keysOnce: a key that is asked for again is named, not made again; also when Redis has forgotten the request.
func (s *stage) keysOnce(t *testing.T) {
	issue := func() (access.Key, string, error) {
		return s.office.IssueKeyOnce(t.Context(), operator, access.NewKey{Name: "once", Role: access.Worker}, "deploy-1")
	}
	first, token, err := issue()
	s.must(err)
	client, _, err := s.config.OpenRedis()
	s.must(err)
	defer client.Close()
	for _, forget := range []bool{false, true} {
		if forget {
			remembered, err := client.Keys(t.Context(), s.config.Redis.Prefix+"api:idem:*").Result()
			s.must(err)
			s.must(client.Del(t.Context(), remembered...).Err())
		}
		if _, secret, err := issue(); s.refused(err).Reason != "already_done" || s.refused(err).Key != first.ID || secret != "" {
			t.Errorf("again: %v", err)
		}
	}
	if _, err := s.running.Keys.Check(token); err != nil {
		t.Errorf("the first secret: %v", err)
	}
	_, rotated, err := s.office.RotateKeyOnce(t.Context(), operator, first.ID, 0, "rotate-1")
	s.must(err)
	if _, _, err := s.office.RotateKeyOnce(t.Context(), operator, first.ID, 0, "rotate-1"); s.refused(err).Reason != "already_done" {
		t.Errorf("rotated again: %v", err)
	}
	if _, err := s.running.Keys.Check(rotated); err != nil {
		t.Errorf("the rotated secret: %v", err)
	}
}

// holdInLine: who waits for a hold learns of it when credits arrive, and is told by a read with the gate's scope only.
func (s *stage) holdInLine(t *testing.T) {
	_, token, err := s.office.IssueKey(t.Context(), operator, access.NewKey{Name: "gate", Role: access.Worker, Account: "line", Scopes: []access.Scope{access.AskGate}})
	s.must(err)
	s.done(operator, "line", office.OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example"})
	place := office.PlaceHold{Hold: "h", Connection: "shop", Job: 1, Amount: 5 * drawdown.Credit, ExpiresAt: time.Now().Add(time.Hour), Wait: true}
	s.done(programs, "line", place)
	if a := s.ask(token, http.MethodGet, "/v1/accounts/line/holds", ""); a.status != http.StatusOK || len(a.body.Holds) != 1 || !a.body.Holds[0].Waiting {
		t.Fatalf("%+v", a)
	}
	answered := make(chan answer, 1)
	go func() { answered <- s.ask(token, http.MethodGet, "/v1/accounts/line/holds/h", "") }()
	s.done(operator, "line", office.Grant{Amount: 5 * drawdown.Credit, Category: drawdown.PromotionalGrant})
	if a := <-answered; a.status != http.StatusOK || a.body.Waiting {
		t.Errorf("%+v", a)
	}
	s.done(programs, "line", office.ReleaseHold{Hold: "h"})
	if a := s.ask(token, http.MethodGet, "/v1/accounts/line/holds/h", ""); a.status != http.StatusNotFound || a.body.Reason != "unknown_hold" {
		t.Errorf("%+v", a)
	}
}
