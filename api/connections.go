package api

import (
	"context"

	"drawdown/api/office"
	"drawdown/balance"
)

// Connections are all connections that the account ever had.
type Connections struct {
	Connections []Connection `json:"connections" doc:"By name."`
}

// Connection is one of them.
type Connection struct {
	Connection  string      `json:"connection"`
	Source      string      `json:"source_connector"`
	Destination string      `json:"destination_connector"`
	Removed     bool        `json:"removed"`
	Free        bool        `json:"free" doc:"Whether its usage costs nothing now."`
	Used        creditsText `json:"used" doc:"Over its lifetime."`
	Waived      creditsText `json:"waived" doc:"What free usage would have cost."`
	Priority    string      `json:"priority" enum:"critical,normal,low"`
	Stopped     bool        `json:"stopped" doc:"By the breaker, until it is acknowledged."`
}

type connectionsAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Connections
}

func (s *server) connections(ctx context.Context, in *accountInput) (*connectionsAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &connectionsAnswer{in.status(v.ETag), v.ETag, Connections{list(v.Connections, connectionOf)}}, nil
}

func connectionOf(c balance.ConnectionOverview) Connection {
	return Connection{
		Connection: c.Connection, Source: c.SourceConnector, Destination: c.DestinationConnector, Removed: !c.Known, Free: c.Free,
		Used: total(c.Used), Waived: total(c.Waived), Priority: c.Priority.String(), Stopped: c.Stopped,
	}
}

// ConnectionPath is a connection of the account. Names with a slash in them are percent-encoded.
type ConnectionPath struct {
	AccountPath
	Connection string `path:"connection" minLength:"1" maxLength:"128" doc:"The connection's name." example:"shop"`
}

type setConnectionInput struct {
	ConnectionPath
	WriteHeaders
	Body struct {
		Source      string `json:"source_connector" minLength:"1" maxLength:"128" example:"source-postgres"`
		Destination string `json:"destination_connector" minLength:"1" maxLength:"128" example:"destination-snowflake"`
	}
}

func (s *server) setConnection(ctx context.Context, in *setConnectionInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.SetConnection{Connection: in.Connection, Source: in.Body.Source, Destination: in.Body.Destination}, &in.WriteHeaders, "")
}

type connectionWriteInput struct {
	ConnectionPath
	WriteHeaders
}

func (s *server) removeConnection(ctx context.Context, in *connectionWriteInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.RemoveConnection{Connection: in.Connection}, &in.WriteHeaders, "")
}

func (s *server) acknowledge(ctx context.Context, in *connectionWriteInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.AcknowledgeRunaway{Connection: in.Connection}, &in.WriteHeaders, "")
}

type setPriorityInput struct {
	ConnectionPath
	WriteHeaders
	Body struct {
		Priority string `json:"priority" enum:"critical,normal,low" doc:"Only critical connections may start on the account's reserve, and their holds come first."`
	}
}

func (s *server) setPriority(ctx context.Context, in *setPriorityInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.Prioritize{Connection: in.Connection, Priority: in.Body.Priority}, &in.WriteHeaders, "")
}
