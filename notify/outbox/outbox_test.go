package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/feed"
	"drawdown/internal/servers/embedded"
	"drawdown/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 3

// broker is how a test reaches Kafka.
type broker struct {
	address   string
	transport *kafka.Transport
	// topic and ledger are the names of the topics.
	topic, ledger string
}

func newBroker(address string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *broker {
	return &broker{address, &kafka.Transport{Dial: dial, MetadataTTL: time.Second}, Topic, "drawdown.ledger"}
}

func (b *broker) outbox(t *testing.T) *Outbox {
	t.Helper()
	o, err := New(Config{Transport: b.transport, Addr: kafka.TCP(b.address), Topic: b.topic, AttemptTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// onEmbedded runs a test on a broker of its own, in virtual time.
func onEmbedded(t *testing.T, test func(t *testing.T, b *broker)) {
	synctest.Test(t, func(t *testing.T) {
		server, dial, err := embedded.VirtualKafka(embedded.KafkaOptions{Topics: map[string]int32{Topic: partitions, "drawdown.ledger": partitions}})
		if err != nil {
			t.Fatal(err)
		}
		b := newBroker(server.Addr(), dial)
		defer func() { b.transport.CloseIdleConnections(); server.Close() }()
		test(t, b)
	})
}

func TestWhatIsAppendedIsRead(t *testing.T) { onEmbedded(t, whatIsAppendedIsRead) }

// whatIsAppendedIsRead appends more than fits into one batch and more than is fetched at once.
func whatIsAppendedIsRead(t *testing.T, b *broker) {
	o, ctx := b.outbox(t), t.Context()
	count, err := o.Partitions(ctx)
	if err != nil || count != partitions {
		t.Fatalf("%d partitions, %v", count, err)
	}
	if last, err := o.Last(ctx, 1); err != nil || !last.IsZero() {
		t.Errorf("the last of nothing: %v, %v", last, err)
	}
	if got := read(t, o, 1, time.Time{}); len(got) != 0 {
		t.Errorf("read from nothing: %v", got)
	}
	began := time.Now().Add(-time.Second)
	var records []notify.OutboxRecord
	for i := range 6000 {
		records = append(records, notify.OutboxRecord{Key: fmt.Sprint("key-", i), Value: fmt.Append(nil, i, strings.Repeat("x", 1000))})
	}
	if err := o.Append(ctx, 1, records); err != nil {
		t.Fatal(err)
	}
	got := read(t, o, 1, time.Time{})
	if len(got) != len(records) {
		t.Fatalf("read %d of %d", len(got), len(records))
	}
	for i, r := range got {
		if r.Key != records[i].Key || string(r.Value) != string(records[i].Value) || r.Appended.Before(began) {
			t.Fatalf("record %d: %s, %.20s at %v", i, r.Key, r.Value, r.Appended)
		}
	}
	if last, err := o.Last(ctx, 1); err != nil || !last.Equal(got[len(got)-1].Appended) {
		t.Errorf("the last: %v, %v", last, err)
	}
	if got := read(t, o, 0, time.Time{}); len(got) != 0 {
		t.Errorf("another partition has %d", len(got))
	}
}

// read returns copies of what a partition holds since an instant.
func read(t *testing.T, o *Outbox, partition int32, since time.Time) (all []notify.OutboxRecord) {
	t.Helper()
	err := o.Read(t.Context(), partition, since, func(r *notify.OutboxRecord) error {
		kept := *r
		kept.Value = []byte(string(r.Value))
		all = append(all, kept)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadingSince(t *testing.T) { onEmbedded(t, readingSince) }

func readingSince(t *testing.T, b *broker) {
	o := b.outbox(t)
	for i := range 3 {
		if err := o.Append(t.Context(), 2, []notify.OutboxRecord{{Key: fmt.Sprint(i), Value: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
		waitForTheClock(t)
	}
	all := read(t, o, 2, time.Time{})
	if len(all) != 3 || !all[0].Appended.Before(all[1].Appended) {
		t.Fatalf("read %v", all)
	}
	for name, c := range map[string]struct {
		since time.Time
		first int
	}{
		"long ago": {time.Unix(1, 0), 0}, "the second": {all[1].Appended, 1}, "just after the second": {all[1].Appended.Add(time.Millisecond), 2},
		"after all": {all[2].Appended.Add(time.Hour), 3},
	} {
		if got := read(t, o, 2, c.since); len(got) != 3-c.first || len(got) > 0 && got[0].Key != all[c.first].Key {
			t.Errorf("%s: read %v", name, got)
		}
	}
}

// waitForTheClock returns when some milliseconds have passed.
func waitForTheClock(t *testing.T) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 5*time.Millisecond; {
		<-time.After(time.Millisecond)
	}
}

func TestReadingStopsWhereItIsTold(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		o, enough := b.outbox(t), errors.New("enough")
		if err := o.Append(t.Context(), 0, []notify.OutboxRecord{{Key: "a"}, {Key: "b"}}); err != nil {
			t.Fatal(err)
		}
		taken := 0
		err := o.Read(t.Context(), 0, time.Time{}, func(*notify.OutboxRecord) error { taken++; return enough })
		if !errors.Is(err, enough) || taken != 1 {
			t.Errorf("%d taken, %v", taken, err)
		}
	})
}

func TestErrorsNameTheTopic(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		o, err := New(Config{Transport: b.transport, Addr: kafka.TCP(b.address), Topic: "absent", AttemptTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		_, lastErr := o.Last(t.Context(), 0)
		_, countErr := o.Partitions(t.Context())
		for name, err := range map[string]error{
			"append": o.Append(t.Context(), 0, []notify.OutboxRecord{{Key: "a"}}), "last": lastErr, "count": countErr,
			"read": o.Read(t.Context(), 0, time.Time{}, func(*notify.OutboxRecord) error { return nil }),
		} {
			if err == nil || !strings.Contains(err.Error(), "absent") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	if _, err := New(Config{}); err == nil {
		t.Error("a configuration without anything is accepted")
	}
}

func TestTopicSettings(t *testing.T) {
	settings := map[string]string{}
	for _, s := range TopicConfig(Topic, 8, 3).ConfigEntries {
		settings[s.ConfigName] = s.ConfigValue
	}
	if settings["retention.ms"] != "2592000000" || settings["cleanup.policy"] != "delete" || settings["min.insync.replicas"] != "2" {
		t.Errorf("got %v", settings)
	}
}

func TestANotifierOnKafka(t *testing.T) { onEmbedded(t, aNotifierOnKafka) }

// aNotifierOnKafka follows a ledger with a notifier that is stopped in between, and whose offsets are lost.
func aNotifierOnKafka(t *testing.T, b *broker) {
	mails := &mailbox{}
	b.publish(t, 1)
	stop := b.notify(t, mails, "first")
	mails.await(t, 1)
	stop()
	b.publish(t, 2)
	stop = b.notify(t, mails, "second") // a group that begins with the earliest event
	mails.await(t, 2)
	stop()
	list, err := notify.NewDeliveryLog(b.outbox(t)).List(t.Context(), notify.Filter{Account: "acme"})
	if err != nil || len(list) != 2 || list[0].State != notify.StateDelivered || list[1].State != notify.StateDelivered {
		t.Errorf("delivery log: %+v, %v", list, err)
	}
	if got := mails.ids(); len(got) != 2 || got[0] == got[1] {
		t.Errorf("mails: %v", got)
	}
}

// partitionOfAcme is where its entries are.
const partitionOfAcme = 0

func (b *broker) publish(t *testing.T, offset drawdown.Offset) {
	t.Helper()
	entry := &drawdown.LowBalanceNotice{Head: drawdown.Head{Offset: offset, At: drawdown.TimeOf(time.Now()), Account: "acme"}, Available: 1}
	client := kafka.Client{Addr: kafka.TCP(b.address), Transport: b.transport}
	answer, err := client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: b.ledger, Partition: partitionOfAcme, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Time: time.Now(), Value: kafka.NewBytes(ledgerevent.Append(nil, partitionOfAcme, entry))}),
	})
	if err = errors.Join(err, answer.Error); err != nil {
		t.Fatal(err)
	}
}

// notify runs a notifier and what follows the ledger for it.
func (b *broker) notify(t *testing.T, mails *mailbox, group string) (stop func()) {
	t.Helper()
	notifier, err := notify.New(notify.Default(), notify.Deps{
		Directory: directory{}, Outbox: b.outbox(t), Operations: directory{}, Email: mails,
		EmailSchedule: notify.EmailSchedule, WebhookSchedule: notify.EmailSchedule,
		Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	config := feed.Default()
	config.Topic, config.Group, config.Partitions = b.ledger, group, []int32{0, 1, 2}
	follower, err := feed.New(config, feed.Deps{
		Consumer: "notifier", Handler: notifier, Transport: b.transport, Addr: kafka.TCP(b.address),
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	following, endFollowing := context.WithCancel(context.Background())
	working, endWorking := context.WithCancel(context.Background())
	var follow, work sync.WaitGroup
	follow.Go(func() { _ = follower.Run(following) })
	work.Go(func() { _ = notifier.Run(working) })
	return func() { endFollowing(); follow.Wait(); endWorking(); work.Wait() }
}

// directory has one account, and disables nothing.
type directory struct{}

func (directory) Profile(_ context.Context, account string, _ drawdown.Offset) (drawdown.Profile, error) {
	return drawdown.Profile{Account: account, Email: account + "@example.com"}, nil
}

func (directory) Append(context.Context, *notify.Operation) (drawdown.Offset, error) {
	return 0, errors.New("nothing is to be disabled")
}

// mailbox takes every mail.
type mailbox struct {
	mu  sync.Mutex
	got []string
}

func (m *mailbox) Send(_ context.Context, d *notify.Delivery) notify.Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, d.Notice.ID)
	return notify.Outcome{Verdict: notify.Delivered, Detail: "250 accepted"}
}

func (m *mailbox) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.got...)
}

// await waits until there are so many mails.
func (m *mailbox) await(t *testing.T, count int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(m.ids()) < count; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d mails after a minute, expected %d", len(m.ids()), count)
		}
	}
}
