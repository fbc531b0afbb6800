package tap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"drawdown/producer/internal/kafkatest"
)

func testOptions(t testing.TB, brokers ...string) Options {
	return Options{
		Account: "acme", Connection: "shop/lake", SourceConnector: "source-faker", DestinationConnector: "destination-null",
		Job: 7, Attempt: 1, Brokers: brokers, SpoolDir: t.TempDir(), StateGap: -1,
		DeliveryTimeout: 300 * time.Millisecond, FinishTimeout: kafkatest.Timeout,
	}
}

// usageEvent is an event as a reader of the log sees it.
type usageEvent struct {
	ID, Source, Subject, Type, Time string
	Data                            struct {
		Connection           string
		Source_connector     string
		Job, Attempt, Seq    int64
		Stream               string
		Records, Bytes       int64
		DestinationConnector string `json:"destination_connector"`
	}
}

func readEvents(t testing.TB, records []*kgo.Record) []usageEvent {
	t.Helper()
	events := make([]usageEvent, len(records))
	for i, r := range records {
		if err := json.Unmarshal(r.Value, &events[i]); err != nil {
			t.Fatalf("read an event: %v", err)
		}
		if string(r.Key) != events[i].Subject {
			t.Errorf("key %q of an event of %q", r.Key, events[i].Subject)
		}
	}
	return events
}

// untilRecords reads the log until its usage events add up to this many records.
func untilRecords(t testing.TB, broker *kafkatest.Broker, want int64) []usageEvent {
	t.Helper()
	return readEvents(t, broker.ReadUntil(t, func(records []*kgo.Record) bool {
		return total(distinct(readEvents(t, records))) >= want
	}))
}

// distinct keeps the first of each seq, as the log's readers do.
func distinct(events []usageEvent) []usageEvent {
	var kept []usageEvent
	seen := map[int64]bool{}
	for _, e := range events {
		if !seen[e.Data.Seq] {
			kept = append(kept, e)
		}
		seen[e.Data.Seq] = true
	}
	return kept
}

func total(events []usageEvent) (records int64) {
	for _, e := range events {
		records += e.Data.Records
	}
	return records
}

// wantContiguous checks that each seq from 1 came, in order.
func wantContiguous(t testing.TB, events []usageEvent) {
	t.Helper()
	for i, e := range distinct(events) {
		if e.Data.Seq != int64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Data.Seq)
		}
	}
}

// noted collects stderr, which several goroutines write.
type noted struct {
	mu   sync.Mutex
	text strings.Builder
	line chan struct{} // told at every write
}

func newNoted() *noted { return &noted{line: make(chan struct{}, 1000)} }

func (n *noted) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line <- struct{}{}
	return n.text.Write(p)
}

func (n *noted) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// await waits until stderr says it.
func (n *noted) await(t testing.TB, text string) {
	t.Helper()
	timeout := time.After(kafkatest.Timeout)
	for !strings.Contains(n.String(), text) {
		select {
		case <-n.line:
		case <-timeout:
			t.Fatalf("stderr does not say %q:\n%s", text, n)
		}
	}
}

func recordLine(stream string, id int) string {
	return fmt.Sprintf(`{"type":"RECORD","record":{"stream":%q,"namespace":"public","data":{"id":%d},"emitted_at":1}}`+"\n", stream, id)
}

func stateLine(stream string) string {
	return fmt.Sprintf(`{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":%q,"namespace":"public"}}}}`+"\n", stream)
}

// A real connector's output: what is reported per stream is what its own STATE messages count.
func TestReportsWhatTheConnectorCounts(t *testing.T) {
	broker := kafkatest.Start(t, 4)
	input := recording(t)
	var output bytes.Buffer
	stderr := newNoted()
	if err := Run(t.Context(), testOptions(t, broker.Addr), bytes.NewReader(input), &output, stderr); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if !bytes.Equal(output.Bytes(), input) {
		t.Error("the output is not the input")
	}
	wantRecords, wantBytes := map[string]int64{}, map[string]int64{}
	for _, line := range bytes.Split(input, []byte("\n")) {
		var m struct {
			Type   string
			Record struct {
				Stream string
				Data   json.RawMessage
			}
			State struct {
				Stream      struct{ Stream_descriptor struct{ Name string } }
				SourceStats struct{ RecordCount float64 }
			}
		}
		if json.Unmarshal(line, &m) != nil {
			continue
		}
		switch m.Type {
		case "STATE":
			wantRecords[m.State.Stream.Stream_descriptor.Name] += int64(m.State.SourceStats.RecordCount)
		case "RECORD":
			wantBytes[m.Record.Stream] += int64(len(m.Record.Data)) // the connector writes compact JSON
		}
	}
	if want := map[string]int64{"products": 100, "users": 200, "purchases": 200}; fmt.Sprint(wantRecords) != fmt.Sprint(want) {
		t.Fatalf("the recording counts %v, want %v", wantRecords, want)
	}
	events := untilRecords(t, broker, 500)
	wantContiguous(t, events)
	gotRecords, gotBytes := map[string]int64{}, map[string]int64{}
	for _, e := range events {
		gotRecords[e.Data.Stream] += e.Data.Records
		gotBytes[e.Data.Stream] += e.Data.Bytes
		if e.Data.Job != 7 || e.Data.Attempt != 1 || e.Data.Connection != "shop/lake" || e.Subject != "acme" || e.Type != "sync.usage" {
			t.Errorf("event %+v", e)
		}
	}
	if fmt.Sprint(gotRecords) != fmt.Sprint(wantRecords) || fmt.Sprint(gotBytes) != fmt.Sprint(wantBytes) {
		t.Errorf("reported %v records and %v bytes, want %v and %v", gotRecords, gotBytes, wantRecords, wantBytes)
	}
	if stderr.String() != "" {
		t.Errorf("stderr: %s", stderr)
	}
}

// cutReader gives its chunks one by one.
type cutReader struct{ chunks [][]byte }

func (r *cutReader) Read(p []byte) (int, error) {
	if len(r.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.chunks[0])
	if r.chunks[0] = r.chunks[0][n:]; len(r.chunks[0]) == 0 {
		r.chunks = r.chunks[1:]
	}
	return n, nil
}

func TestEveryBytePassesAndEveryRecordIsReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var input []byte
		var want int64
		for range rapid.IntRange(0, 30).Draw(t, "lines") {
			line := anyLine().Draw(t, "line")
			// encoding/json refuses a few lines that count (TestScannerAgreesWithADecoderOnAnyChunks);
			// a torn line is never one of them.
			if decode([]byte(line)).record {
				want++
			}
			input = append(append(input, line...), rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")...)
		}
		input = append(input, rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "rest")...)
		var output bytes.Buffer
		meter := newMeter(0)
		if err := pass(context.Background(), &cutReader{chunksOf(t, input)}, &output, meter); err != nil {
			t.Fatalf("pass: %v", err)
		}
		if !bytes.Equal(output.Bytes(), input) {
			t.Fatal("the output is not the input")
		}
		var got int64
		for meter.sliceAll(); ; meter.sliceAll() {
			slices := meter.take()
			if len(slices) == 0 {
				break
			}
			for _, s := range slices {
				got += s.records
			}
		}
		if got != want {
			t.Fatalf("reported %d records, %d RECORD lines", got, want)
		}
	})
}

func TestNothingIsLostWhileKafkaIsAway(t *testing.T) {
	port := kafkatest.FreePort(t)
	options := testOptions(t, kafkatest.Address(port))
	options.Interval = 20 * time.Millisecond
	in, source := io.Pipe()
	stderr := newNoted()
	result := make(chan error, 1)
	go func() { result <- Run(t.Context(), options, in, io.Discard, stderr) }()
	write := func(from, to int) {
		for id := from; id < to; id++ {
			io.WriteString(source, recordLine("users", id))
			if id%10 == 9 {
				io.WriteString(source, stateLine("users"))
			}
		}
	}
	write(0, 500) // passes although nothing can be reported
	stderr.await(t, "Kafka: producer: append to drawdown.metering")
	broker := kafkatest.StartOn(t, port, 2)
	stderr.await(t, "Kafka works again")
	write(500, 605)
	source.Close()
	if err := <-result; err != nil {
		t.Fatalf("Run: %v", err)
	}
	events := untilRecords(t, broker, 605)
	wantContiguous(t, events)
	if got := total(distinct(events)); got != 605 {
		t.Errorf("reported %d records of 605", got)
	}
	if len(events) < 60 {
		t.Errorf("%d events, want one at each of 60 STATE messages", len(events))
	}
	for _, e := range events {
		if e.Data.Stream != "public.users" || e.Data.Bytes < 8*e.Data.Records {
			t.Fatalf("event %+v", e)
		}
	}
}

func TestASpoolThatRemainsIsSentLaterAndItsNumbersGoOn(t *testing.T) {
	port := kafkatest.FreePort(t)
	options := testOptions(t, kafkatest.Address(port))
	options.FinishTimeout = 50 * time.Millisecond
	stderr := newNoted()
	run := func(attempt int64, lines string) {
		t.Helper()
		options.Attempt = attempt
		if err := Run(t.Context(), options, strings.NewReader(lines), io.Discard, stderr); err != nil {
			t.Fatalf("Run: %v", err)
		}
	}
	run(1, recordLine("users", 1)+stateLine("users")+recordLine("users", 2))
	if !strings.Contains(stderr.String(), "2 usage events are not in Kafka yet and stay in "+options.SpoolDir) {
		t.Errorf("stderr: %s", stderr)
	}
	run(1, recordLine("users", 3)) // the same attempt again: its numbers go on
	left, err := Drain(t.Context(), options)
	if err == nil || left != (Drained{Remaining: 3}) {
		t.Fatalf("Drain without Kafka = %+v, %v", left, err)
	}

	broker := kafkatest.StartOn(t, port, 1)
	options.FinishTimeout = kafkatest.Timeout
	run(2, recordLine("users", 4)) // another attempt sends what the first left
	events := untilRecords(t, broker, 3)
	byAttempt := map[int64][]usageEvent{}
	for _, e := range events {
		byAttempt[e.Data.Attempt] = append(byAttempt[e.Data.Attempt], e)
	}
	if len(byAttempt[1]) != 3 || len(byAttempt[2]) != 1 || byAttempt[2][0].Data.Seq != 1 {
		t.Fatalf("events %+v", events)
	}
	wantContiguous(t, byAttempt[1])
	if left, err := Drain(t.Context(), options); err != nil || left != (Drained{}) {
		t.Errorf("Drain of empty spools = %+v, %v", left, err)
	}
	run(1, recordLine("users", 5)) // also after its events are gone
	events = readEvents(t, broker.Read(t, 5))
	if last := events[4].Data; last.Attempt != 1 || last.Seq != 4 {
		t.Errorf("the attempt run again goes on with %+v, want seq 4", last)
	}
}

func TestTheDestinationDoesNotWaitForKafka(t *testing.T) {
	port := kafkatest.FreePort(t)
	out, stdout := io.Pipe()
	result := make(chan error, 1)
	go func() {
		result <- Run(t.Context(), testOptions(t, kafkatest.Address(port)), strings.NewReader(recordLine("users", 1)), stdout, newNoted())
	}()
	if text, err := io.ReadAll(out); err != nil || string(text) != recordLine("users", 1) {
		t.Fatalf("the destination read %q, %v", text, err)
	}
	select {
	case err := <-result:
		t.Fatalf("Run ended before its event was delivered: %v", err)
	default:
	}
	broker := kafkatest.StartOn(t, port, 1)
	if err := <-result; err != nil {
		t.Fatalf("Run: %v", err)
	}
	untilRecords(t, broker, 1)
}

func TestADestinationThatStopsReadingEndsTheTapAndIsReported(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	in, source := io.Pipe()
	out, stdout := io.Pipe()
	result := make(chan error, 1)
	go func() { result <- Run(t.Context(), testOptions(t, broker.Addr), in, stdout, newNoted()) }()
	go func() {
		for id := range 1000 {
			if _, err := io.WriteString(source, recordLine("users", id)); err != nil {
				return
			}
		}
	}()
	if _, err := io.ReadFull(out, make([]byte, 3*len(recordLine("users", 1)))); err != nil {
		t.Fatal(err)
	}
	out.Close()
	var failure *PassError
	if err := <-result; !errors.As(err, &failure) || !failure.DownstreamClosed() {
		t.Fatalf("Run = %v, want a *PassError of a closed destination", err)
	}
	in.Close()
	if got := total(untilRecords(t, broker, 3)); got != 3 {
		t.Errorf("reported %d records, the destination took 3", got)
	}
}

func TestAReadErrorIsTheResult(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	in, source := io.Pipe()
	go func() {
		io.WriteString(source, recordLine("users", 1))
		source.CloseWithError(errors.New("the disk fails"))
	}()
	var failure *PassError
	err := Run(t.Context(), testOptions(t, broker.Addr), in, io.Discard, newNoted())
	if !errors.As(err, &failure) || failure.Op != "read" || failure.DownstreamClosed() {
		t.Fatalf("Run = %v", err)
	}
	untilRecords(t, broker, 1)
}

func TestAStopReportsWhatPassed(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	in, source := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	result := make(chan error, 1)
	go func() { result <- Run(ctx, testOptions(t, broker.Addr), in, io.Discard, newNoted()) }()
	io.WriteString(source, recordLine("users", 1))
	io.WriteString(source, " ") // returns when the line before has been taken from the pipe whole
	stop()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v", err)
	}
	untilRecords(t, broker, 1)
	source.Close()
}

func TestUsageWithoutAStateIsReportedAtTheInterval(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	options := testOptions(t, broker.Addr)
	options.Interval = 10 * time.Millisecond
	in, source := io.Pipe()
	result := make(chan error, 1)
	go func() { result <- Run(t.Context(), options, in, io.Discard, newNoted()) }()
	io.WriteString(source, recordLine("users", 1))
	untilRecords(t, broker, 1) // while the sync is idle
	source.Close()
	if err := <-result; err != nil {
		t.Fatalf("Run: %v", err)
	}
}

func TestASpoolThatCannotBeUsedDoesNotBreakTheSync(t *testing.T) {
	broker := kafkatest.Start(t, 1)
	options := testOptions(t, broker.Addr)
	options.SpoolDir = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(options.SpoolDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stderr := newNoted()
	var output bytes.Buffer
	if err := Run(t.Context(), options, strings.NewReader(recordLine("users", 1)), &output, stderr); err != nil {
		t.Fatalf("Run: %v", err)
	}
	if text := stderr.String(); !strings.Contains(text, "the spool cannot be used") || strings.Contains(text, "lost") || output.String() != recordLine("users", 1) {
		t.Errorf("stderr: %s", stderr)
	}
	untilRecords(t, broker, 1)

	options.Brokers, options.FinishTimeout = []string{kafkatest.Address(kafkatest.FreePort(t))}, 50*time.Millisecond
	if err := Run(t.Context(), options, strings.NewReader(recordLine("users", 1)), io.Discard, stderr); err != nil {
		t.Fatalf("Run without Kafka and spool: %v", err)
	}
	if !strings.Contains(stderr.String(), "usage lost: 1 events could neither be sent nor stored") {
		t.Errorf("a loss is not told: %s", stderr)
	}
}

func TestOptionsAreRefusedBeforeTheFirstByte(t *testing.T) {
	var output bytes.Buffer
	err := Run(t.Context(), Options{Account: "a b", Interval: 2 * time.Hour}, strings.NewReader("x"), &output, io.Discard)
	if err == nil || output.Len() > 0 {
		t.Fatalf("Run = %v after %d bytes", err, output.Len())
	}
	for _, part := range []string{"account", "connection", "source_connector", "destination_connector", "brokers", "interval: 2h0m0s"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not name %s: %v", part, err)
		}
	}
}

func TestOptionsComeFromTheEnvironment(t *testing.T) {
	environment := map[string]string{
		"DRAWDOWN_ACCOUNT": "acme", "DRAWDOWN_CONNECTION": "c", "DRAWDOWN_SOURCE_CONNECTOR": "s",
		"DRAWDOWN_DESTINATION_CONNECTOR": "d", "DRAWDOWN_JOB": "12", "DRAWDOWN_ATTEMPT": "2",
		"DRAWDOWN_BROKERS": "a:1,b:2", "DRAWDOWN_TOPIC": "t", "DRAWDOWN_SPOOL_DIR": "/spool",
	}
	lookup := func(name string) (string, bool) { value, ok := environment[name]; return value, ok }
	options := Options{Connection: "given"}
	if err := options.FromEnvironment(lookup); err != nil {
		t.Fatal(err)
	}
	want := Options{Account: "acme", Connection: "given", SourceConnector: "s", DestinationConnector: "d", Job: 12, Attempt: 2,
		Brokers: []string{"a:1", "b:2"}, Topic: "t", SpoolDir: "/spool"}
	if fmt.Sprintf("%+v", options) != fmt.Sprintf("%+v", want) {
		t.Errorf("options %+v, want %+v", options, want)
	}
	environment["DRAWDOWN_JOB"] = "twelve"
	if err := new(Options).FromEnvironment(lookup); err == nil || !strings.Contains(err.Error(), "DRAWDOWN_JOB") {
		t.Errorf("a job that is no number: %v", err)
	}
}
