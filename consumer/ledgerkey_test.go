package consumer

import (
	"testing"

	"drawdown/balance/ledgerevent"
)

// ledgerKey says which effect a ledger event is.
func ledgerKey(t testing.TB, value []byte) effect {
	event, err := ledgerevent.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	return effect{event.Offset, event.N, "ledger"}
}
