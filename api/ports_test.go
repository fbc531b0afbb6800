package api_test

import (
	"drawdown/api"
	"drawdown/api/access"
	"drawdown/api/office"
)

var (
	_ api.Office        = (*office.Office)(nil)
	_ api.Authenticator = (*access.Authenticator)(nil)
)
