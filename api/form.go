package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawdown"
)

// The forms below stand in answers and bodies for what JSON has no exact type for (contract, section 1). They are strings;
// reading one is the matter of the parse functions, so that what has the right pattern but cannot be is told apart from
// what has not.
type (
	creditsText string // credits, exact to 10^-9
	amountText  string // credits, not negative
	moneyText   string // two decimals; the currency stands beside it
	priceText   string // the price of one credit, up to nine decimals
	countText   string // an integer that may exceed 2^53
	timeText    string // RFC 3339, UTC
)

// Schema describes the form to huma; so do the methods below.
func (creditsText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^-?[0-9]+(\.[0-9]{1,9})?$`, Description: "Credits, exact to nine decimals.", Examples: []any{"12.5"}}
}

// Schema describes the form.
func (amountText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^[0-9]+(\.[0-9]{1,9})?$`, MaxLength: ptr(40), Description: "Credits, at most 10^8, exact to nine decimals.", Examples: []any{"200"}}
}

// Schema describes the form.
func (moneyText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^(0|[1-9][0-9]*)\.[0-9]{2}$`, MaxLength: ptr(40), Description: "Money with two decimals, at most 10^15.", Examples: []any{"11.70"}}
}

// Schema describes the form.
func (priceText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^[0-9]+(\.[0-9]{1,9})?$`, Description: "Money for one credit, up to nine decimals.", Examples: []any{"2.5"}}
}

// Schema describes the form.
func (countText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^[0-9]+$`, Description: "An integer without bound.", Examples: []any{"120000"}}
}

// Schema describes the form.
func (timeText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: "RFC 3339; answers are in UTC, cut to milliseconds. Years 1970 to 9000.", Examples: []any{"2026-02-01T00:00:00Z"}}
}

func ptr[T any](v T) *T { return &v }

// What answers say.
func credits(c drawdown.Credits) creditsText { return creditsText(c.String()) }
func total(t drawdown.Total) creditsText     { return creditsText(t.String()) }
func money(m drawdown.Money) moneyText       { return moneyText(m.String()) }
func count(t drawdown.Total) countText       { return countText(t.Big().String()) }

// instant is "" where there is none.
func instant(t drawdown.Time) timeText {
	if t == drawdown.NoTime || t == drawdown.Never {
		return ""
	}
	return timeText(t.String())
}

// moment is "" for the zero time.
func moment(t time.Time) timeText {
	if t.IsZero() {
		return ""
	}
	return instant(drawdown.TimeOf(t))
}

// parseAmount reads credits that a client sent.
func parseAmount(ctx context.Context, location string, text amountText) (drawdown.Credits, error) {
	c, ok := drawdown.ParseCredits([]byte(text))
	if !ok {
		return 0, malformed(ctx, location, "it is not an amount of at most 10^8 credits with at most nine decimals")
	}
	return c, nil
}

// parseMoney reads money that a client sent.
func parseMoney(ctx context.Context, location string, text moneyText) (drawdown.Money, error) {
	m, ok := drawdown.ParseMoney([]byte(text))
	if !ok {
		return drawdown.Money{}, malformed(ctx, location, "it is not money of at most 10^15 with two decimals")
	}
	return m, nil
}

// parseTime reads a time that a client sent; the zero time where it sent none.
func parseTime(ctx context.Context, location string, text timeText) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, ok := drawdown.ParseTime([]byte(text))
	if !ok {
		return time.Time{}, malformed(ctx, location, "it is not an RFC 3339 time in the years 1970 to 9000")
	}
	return time.UnixMilli(int64(t)).UTC(), nil
}

// line is JSON that the engine wrote; it is passed on to the byte.
type line json.RawMessage

// MarshalJSON returns the line itself.
func (l line) MarshalJSON() ([]byte, error) { return l, nil }

// Schema describes lines by what all of them have.
func (line) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true, Required: []string{"offset", "n", "type", "at"},
		Description: "The entry as the contract has it: docs/contract.md, sections 8 to 10.",
		Properties: map[string]*huma.Schema{
			"offset": {Type: huma.TypeInteger}, "n": {Type: huma.TypeInteger}, "type": {Type: huma.TypeString},
			"at": {Type: huma.TypeString, Nullable: true}, "account": {Type: huma.TypeString, Nullable: true},
		},
	}
}
