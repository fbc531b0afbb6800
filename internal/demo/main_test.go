package demo

import (
	"os"
	"testing"

	"drawdown/internal/servers/clickhouse/engine"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	os.Exit(m.Run())
}
