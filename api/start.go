package api

import (
	"context"

	"drawdown/api/office"
)

type startOrderInput struct {
	AccountPath
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most."`
}

// StartOrder is in which order syncs should start.
type StartOrder struct {
	Available creditsText `json:"available" doc:"The balance less what is held."`
	Reserve   creditsText `json:"reserve" doc:"The last credits, on which only critical connections may start."`
	Starts    []Start     `json:"starts" doc:"The connections that the gate allows now: critical, normal, low, then by name."`
	More      bool        `json:"more" doc:"Whether there are more of them than limit."`
}

// Start is a connection that may start now.
type Start struct {
	Connection string         `json:"connection"`
	Priority   string         `json:"priority" enum:"critical,normal,low"`
	Reason     string         `json:"reason" enum:"free,active,purchasing,grace" doc:"Why the gate allows it."`
	Estimate   *StartEstimate `json:"estimate,omitempty" doc:"What a sync of it would cost; absent: nothing, since it is free now."`
	Carries    bool           `json:"carries" doc:"Whether the credits suffice for a sync at p90 beside those of the connections before it and the holds in line before it. What those need is set aside also where it is not there."`
}

// StartEstimate is what a sync would cost, from what syncs cost in the last 30 days.
type StartEstimate struct {
	AsOf   timeText    `json:"as_of,omitempty"`
	Basis  string      `json:"basis" enum:"connection,connectors,none" doc:"Whose syncs it is computed from; none: there are too few, and it counts as nothing."`
	Syncs  int         `json:"syncs" doc:"How many."`
	Median creditsText `json:"median"`
	P90    creditsText `json:"p90" doc:"Nine of ten syncs cost no more."`
}

type startOrderAnswer struct{ Body StartOrder }

func (s *server) startOrder(ctx context.Context, in *startOrderInput) (*startOrderAnswer, error) {
	o, err := s.office.StartOrder(ctx, principal(ctx), in.Account, in.Limit)
	if err != nil {
		return nil, err
	}
	return &startOrderAnswer{StartOrder{credits(o.Available), credits(o.Reserve), list(o.Starts, startOf), o.More}}, nil
}

func startOf(s office.Start) Start {
	one := Start{Connection: s.Connection, Priority: s.Priority.String(), Reason: string(s.Reason), Carries: s.Carries}
	if e := s.Estimate; e != nil {
		one.Estimate = &StartEstimate{moment(e.AsOf), e.Basis, e.Syncs, total(e.Median), total(e.P90)}
	}
	return one
}
