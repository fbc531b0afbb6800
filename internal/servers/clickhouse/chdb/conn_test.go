//go:build integration

package chdb_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/clickhouse/chdb"
)

// A process can hold one engine, so its properties are checked in one test.
func TestTheEngineInThisProcess(t *testing.T) {
	library, err := clickhouse.Library()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	conn, err := chdb.Open(library, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	t.Run("sessions run at the same time and keep their settings apart", func(t *testing.T) {
		group := errgroup.Group{}
		for i := range 8 {
			group.Go(func() error { return useSession(library, dir, i+1) })
		}
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
	t.Run("parameters are text as in TSV, and never SQL", func(t *testing.T) {
		output, err := conn.Query("SELECT length({a:String}), {b:UInt8}", "TSV", chdb.Parameter{Name: "a", Value: `x')\ny`}, chdb.Parameter{Name: "b", Value: "7"})
		if err != nil || string(output) != "5\t7\n" {
			t.Errorf("%q, %v", output, err)
		}
	})
	t.Run("an insert that fails leaves the session usable", func(t *testing.T) {
		if err := conn.Insert("INSERT INTO nowhere", "CSV", []byte("1\n")); err == nil || !strings.HasPrefix(err.Error(), "Code: 60.") {
			t.Errorf("expected exception 60, found %v", err)
		}
		if output, err := conn.Query("SELECT 1", "TSV"); err != nil || string(output) != "1\n" {
			t.Errorf("%q, %v", output, err)
		}
	})
	t.Run("Go still handles its own signals", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("a nil pointer did not panic")
			}
		}()
		var nothing *strings.Reader
		t.Log(nothing.Len())
	})
	t.Run("a closed session says so", func(t *testing.T) {
		closed, err := chdb.Open(library, dir)
		if err != nil {
			t.Fatal(err)
		}
		closed.Close()
		closed.Close()
		if _, err := closed.Query("SELECT 1", "TSV"); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("expected an error, found %v", err)
		}
	})
}

func useSession(library, dir string, threads int) error {
	conn, err := chdb.Open(library, dir)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Query(fmt.Sprintf("SET max_threads = %d", threads), ""); err != nil {
		return err
	}
	for range 50 {
		output, err := conn.Query("SELECT getSetting('max_threads'), sum(number) FROM numbers(10000)", "TSV")
		if err != nil {
			return err
		}
		if want := fmt.Sprintf("%d\t49995000\n", threads); string(output) != want {
			return fmt.Errorf("found %q, expected %q", output, want)
		}
	}
	return nil
}
