//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/shopspring/decimal"

	"drawdown"
	"drawdown/internal/servers/python"
)

// creditsPerRecord is 6 credits for a million records.
const creditsPerRecord = 6 * drawdown.Credit / 1_000_000

// TestAConnectorsSyncBecomesCreditsBalancesAndRows is the main job: what a real connector says that it has emitted is
// what the customer pays, and what the reports show.
func TestAConnectorsSyncBecomesCreditsBalancesAndRows(t *testing.T) {
	in := install(t, needs{ClickHouse: true})
	in.publishExamples()
	const granted = 100
	in.openAccount("acme", "airbyte-cloud", granted)
	worker, sink := in.start("worker"), in.start("sink")

	stated := in.sync("acme", "faker-to-postgres")
	total := int64(0)
	for _, count := range stated {
		total += count
	}
	want := granted*drawdown.Credit - drawdown.Credits(total)*creditsPerRecord
	in.await("the balance falls", func(context.Context) (bool, any) {
		return in.available("acme") == want, fmt.Sprintf("it is %s, want %s", in.available("acme"), want)
	})
	in.awaitReport(stated)
	in.must(worker.stop())
	m := in.settle()
	in.awaitRows(m)
	in.must(sink.stop())
	in.check(m)
	in.checkRows(m)
}

// sync runs a connector through the tap and returns how many records it says to have emitted, by stream.
func (in *installation) sync(account, connection string) map[string]int64 {
	in.t.Helper()
	venv, err := python.Find()
	in.must(err)
	config := filepath.Join(in.dir, "source.json")
	in.must(os.WriteFile(config, []byte(`{"count":3000,"seed":42}`), 0o600))
	source := exec.CommandContext(in.t.Context(), venv.SourceFaker, "read", "--config", config, "--catalog", in.catalog())
	tap := exec.CommandContext(in.t.Context(), binary, "tap", "--config", in.file, "--spool-dir", filepath.Join(in.dir, "spool"),
		"--account", account, "--connection", connection, "--source-connector", "source-faker",
		"--destination-connector", "destination-postgres", "--job", "7", "--attempt", "0")
	var emitted, passed, said bytes.Buffer
	pipe, err := tap.StdinPipe()
	in.must(err)
	source.Stdout = &tee{&emitted, pipe}
	tap.Stdout, tap.Stderr = &passed, &said
	in.must(tap.Start())
	in.must(source.Run())
	in.must(pipe.Close())
	if err := tap.Wait(); err != nil {
		in.t.Fatalf("the tap ended with %v: %s", err, said.Bytes())
	}
	if !bytes.Equal(emitted.Bytes(), passed.Bytes()) {
		in.t.Errorf("the source wrote %d bytes, %d others came through the tap", emitted.Len(), passed.Len())
	}
	return in.stated(&emitted)
}

// tee writes to both, like io.MultiWriter, and is closed by nobody.
type tee struct {
	copied *bytes.Buffer
	pipe   interface{ Write([]byte) (int, error) }
}

func (w *tee) Write(b []byte) (int, error) {
	w.copied.Write(b)
	return w.pipe.Write(b)
}

// catalog chooses all streams of the connector.
func (in *installation) catalog() string {
	in.t.Helper()
	var chosen []map[string]any
	for _, stream := range []string{"products", "users", "purchases"} {
		chosen = append(chosen, map[string]any{
			"stream": map[string]any{
				"name": stream, "json_schema": map[string]any{}, "supported_sync_modes": []string{"full_refresh", "incremental"},
			},
			"sync_mode": "incremental", "destination_sync_mode": "append", "cursor_field": []string{"updated_at"},
		})
	}
	text, err := json.Marshal(map[string]any{"streams": chosen})
	in.must(err)
	path := filepath.Join(in.dir, "catalog.json")
	in.must(os.WriteFile(path, text, 0o600))
	return path
}

// stated adds up what the connector's own STATE messages count.
func (in *installation) stated(emitted *bytes.Buffer) map[string]int64 {
	in.t.Helper()
	stated := map[string]int64{}
	lines := bufio.NewScanner(bytes.NewReader(emitted.Bytes()))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var message struct {
			Type  string
			State struct {
				Stream struct {
					StreamDescriptor struct{ Name string } `json:"stream_descriptor"`
				}
				SourceStats struct{ RecordCount float64 } `json:"sourceStats"`
			}
		}
		in.must(json.Unmarshal(lines.Bytes(), &message))
		if message.Type == "STATE" {
			stated[message.State.Stream.StreamDescriptor.Name] += int64(message.State.SourceStats.RecordCount)
		}
	}
	in.must(lines.Err())
	if streams := slices.Sorted(maps.Keys(stated)); !slices.Equal(streams, []string{"products", "purchases", "users"}) || stated["users"] != 3000 {
		in.t.Fatalf("the connector states %v", stated)
	}
	return stated
}

// awaitReport waits until ClickHouse has, for each stream, as many records as were stated, at their price.
func (in *installation) awaitReport(stated map[string]int64) {
	in.t.Helper()
	conn := in.database()
	in.await("the rows are in ClickHouse", func(ctx context.Context) (bool, any) {
		rows, err := conn.Query(ctx, "SELECT stream, sum(quantity), sum(credits) FROM charges GROUP BY stream")
		if err != nil {
			return false, err
		}
		defer rows.Close()
		found := map[string]int64{}
		for rows.Next() {
			var stream string
			var records uint64
			var credits decimal.Decimal
			in.must(rows.Scan(&stream, &records, &credits))
			found[stream] = int64(records)
			if price := drawdown.Credits(records) * creditsPerRecord; nano(credits).Int64() != int64(price) {
				in.t.Errorf("stream %s: %d records cost %v credits", stream, records, credits)
			}
		}
		return maps.Equal(found, stated), fmt.Sprintf("found %v, stated were %v", found, stated)
	})
}
