package api

import (
	"context"
	"net/url"

	"drawdown"
	"drawdown/api/office"
)

// Hold is credits held for a sync.
type Hold struct {
	Hold       string      `json:"hold"`
	Connection string      `json:"connection"`
	Job        uint64      `json:"job"`
	Amount     creditsText `json:"amount"`
	Remaining  creditsText `json:"remaining" doc:"What usage has not taken of it; of one that waits, all."`
	ExpiresAt  timeText    `json:"expires_at"`
	Waiting    bool        `json:"waiting" doc:"Until it can be held."`
}

// Holds are an account's holds.
type Holds struct {
	Available creditsText `json:"available" doc:"The balance less what is held."`
	Held      creditsText `json:"held" doc:"What is left of all open holds."`
	Reserve   creditsText `json:"reserve" doc:"The last credits, on which only critical connections may start."`
	Holds     []Hold      `json:"holds" doc:"In the order in which they were placed."`
}

type holdsAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Holds
}

func (s *server) holds(ctx context.Context, in *accountInput) (*holdsAnswer, error) {
	h, err := s.office.Holds(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	body := Holds{credits(h.Available), credits(h.Held), credits(h.Reserve), list(h.Holds, holdOf)}
	return &holdsAnswer{in.status(h.ETag), h.ETag, body}, nil
}

func holdOf(h drawdown.HoldBalance) Hold {
	return Hold{h.Hold, h.Connection, h.Job, credits(h.Amount), credits(h.Remaining), instant(h.ExpiresAt), h.Waiting}
}

type holdInput struct {
	AccountPath
	Hold   string `path:"hold" minLength:"1" maxLength:"128" doc:"The hold's id."`
	Prefer string `header:"Prefer" doc:"wait=N (0 to 10 seconds): where the hold waits in line, answer when it does not any more." example:"wait=10"`
	Conditional
}

type holdAnswer struct {
	Status            int
	ETag              string `header:"ETag"`
	PreferenceApplied string `header:"Preference-Applied" doc:"How long was waited at most."`
	Body              Hold
}

func (s *server) hold(ctx context.Context, in *holdInput) (*holdAnswer, error) {
	wait, _ := preferredWait(in.Prefer)
	h, etag, err := s.office.AwaitHold(ctx, principal(ctx), in.Account, in.Hold, wait)
	if err != nil {
		return nil, err
	}
	return &holdAnswer{in.status(etag), etag, appliedWait(in.Prefer), holdOf(*h)}, nil
}

type placeHoldInput struct {
	AccountPath
	WriteHeaders
	Body struct {
		Hold       string     `json:"hold,omitempty" minLength:"1" maxLength:"128" doc:"Its id; absent: the operation's."`
		Connection string     `json:"connection" minLength:"1" maxLength:"128"`
		Job        uint64     `json:"job" maximum:"9007199254740991" doc:"Usage of this job draws from the hold."`
		Amount     amountText `json:"amount"`
		ExpiresAt  timeText   `json:"expires_at" doc:"When what is left of it is available again: at most 35 days ahead."`
		Wait       bool       `json:"wait,omitempty" doc:"Where it can't be held now, let it wait in line instead of rejecting it."`
	}
}

func (s *server) placeHold(ctx context.Context, in *placeHoldInput) (*WriteAnswer, error) {
	b := &in.Body
	amount, err := parseAmount(ctx, "body.amount", b.Amount)
	if err != nil {
		return nil, err
	}
	expires, err := parseTime(ctx, "body.expires_at", b.ExpiresAt)
	if err != nil {
		return nil, err
	}
	action := office.PlaceHold{Hold: b.Hold, Connection: b.Connection, Job: b.Job, Amount: amount, ExpiresAt: expires, Wait: b.Wait}
	answer, err := s.do(ctx, in.Account, action, &in.WriteHeaders, "/holds/")
	if err != nil {
		return nil, err
	}
	if b.Hold == "" {
		b.Hold = answer.Body.Operation
	}
	answer.Location += url.PathEscape(b.Hold)
	return answer, nil
}

type releaseHoldInput struct {
	AccountPath
	Hold string `path:"hold" minLength:"1" maxLength:"128" doc:"The hold's id."`
	WriteHeaders
}

func (s *server) releaseHold(ctx context.Context, in *releaseHoldInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.ReleaseHold{Hold: in.Hold}, &in.WriteHeaders, "")
}

// GateSettings are an account's reserve and breaker.
type GateSettings struct {
	Reserve       creditsText `json:"reserve" doc:"The last credits, on which only critical connections may start."`
	RunawayFactor int64       `json:"runaway_factor,omitempty" doc:"A sync that costs so many times the usual stops its connection; absent: the breaker is off."`
	RunawayMin    creditsText `json:"runaway_min" doc:"Up to so many credits no sync is a runaway."`
}

type gateSettingsAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   GateSettings
}

func (s *server) gateSettings(ctx context.Context, in *accountInput) (*gateSettingsAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &gateSettingsAnswer{in.status(v.ETag), v.ETag, GateSettings{credits(v.Reserve), v.RunawayFactor, credits(v.RunawayMin)}}, nil
}

type setGateInput struct {
	AccountPath
	WriteHeaders
	Body struct {
		Reserve       amountText `json:"reserve,omitempty" default:"0" doc:"The last credits, on which only critical connections may start."`
		RunawayFactor int64      `json:"runaway_factor,omitempty" minimum:"2" maximum:"1000" doc:"A sync that costs so many times the usual stops its connection; absent: the breaker is off, and what was stopped may start."`
		RunawayMin    amountText `json:"runaway_min,omitempty" default:"0" doc:"Up to so many credits no sync is a runaway."`
	}
}

func (s *server) setGate(ctx context.Context, in *setGateInput) (*WriteAnswer, error) {
	reserve, err := parseAmount(ctx, "body.reserve", in.Body.Reserve)
	if err != nil {
		return nil, err
	}
	least, err := parseAmount(ctx, "body.runaway_min", in.Body.RunawayMin)
	if err != nil {
		return nil, err
	}
	return s.do(ctx, in.Account, office.SetGate{Reserve: reserve, RunawayFactor: in.Body.RunawayFactor, RunawayMin: least}, &in.WriteHeaders, "")
}
