package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"drawdown/internal/bench"
	"drawdown/internal/servers/clickhouse/engine"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	bench.MaybeRunChild()
	testscript.Main(m, map[string]func(){
		"drawdown": func() { os.Exit(run(os.Args[1:])) },
	})
}

// TestScripts runs what an operator types, and compares what is printed.
func TestScripts(t *testing.T) {
	scenarios, err := filepath.Abs("../../testdata/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SCENARIOS", scenarios)
			return nil
		},
	})
}
