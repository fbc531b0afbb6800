package fakestripe

import (
	"encoding/json"
	"slices"
)

// event is what happened, as it was then.
type event struct {
	id, kind string
	created  int64
	body     []byte
}

// tell keeps an event and hands it to the webhook. It is called with the lock held.
func (s *Server) tell(kind string, about object) {
	e := &event{id: s.name("evt"), kind: kind, created: s.now().Unix()}
	body, err := json.Marshal(object{
		"id": e.id, "object": "event", "api_version": "2026-03-25.dahlia", "created": e.created, "type": kind, "livemode": false,
		"pending_webhooks": 1, "data": object{"object": about},
	})
	if err != nil {
		panic(err)
	}
	e.body = body
	s.events = append(s.events, e)
	s.hooks.add(e)
}

// Tell makes up an event, as one of another system in the same account.
func (s *Server) Tell(kind string, about map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(kind, about)
}

func (s *Server) eventCall(c *call, id string) reply {
	kinds := slices.Concat(c.form["types[]"], c.indexed("types"))
	from, before := c.integer("created[gte]"), c.integer("created[lt]")
	matching := func(e *event) bool {
		return (id == "" || e.id == id) && (len(kinds) == 0 || slices.Contains(kinds, e.kind)) &&
			e.created >= from && (before == 0 || e.created < before)
	}
	if len(kinds) > 20 {
		return invalid("", "types", "You may only specify up to 20 types.")
	}
	view := func(e *event) object {
		var o object
		if err := json.Unmarshal(e.body, &o); err != nil {
			panic(err)
		}
		return o
	}
	return page(c, s.events, func(e *event) string { return e.id }, matching, view)
}

// indexed reads name[0]=…, name[1]=….
func (c *call) indexed(name string) []string {
	var all []string
	for n := 0; c.form.Has(name + "[" + itoa(n) + "]"); n++ {
		all = append(all, c.form.Get(name+"["+itoa(n)+"]"))
	}
	return all
}
