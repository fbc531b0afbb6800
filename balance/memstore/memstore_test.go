package memstore_test

import (
	"testing"

	"drawdown/balance/memstore"
	"drawdown/balance/storetest"
)

// subject gives the suite the model's own snapshots.
type subject struct{ *memstore.Store }

func (s subject) Dump() any        { return s.Snapshot() }
func (s subject) Restore(dump any) { s.Store.Restore(dump.(*memstore.Store)) }

func open(*testing.T) storetest.Subject { return subject{memstore.New()} }

func TestConformance(t *testing.T) { storetest.Run(t, open) }
