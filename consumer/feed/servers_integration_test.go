//go:build integration

package feed

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/serverstest"
)

// onKafka runs a test on a real broker, in real time, with a topic and a group of its own.
func onKafka(t *testing.T, server *kafka.Server, name string, test func(*testing.T, *world)) {
	w := newWorld(t, server.Addr(), (&net.Dialer{}).DialContext)
	t.Cleanup(w.transport.CloseIdleConnections)
	w.cfg.Topic, w.cfg.Group = "ledger-"+name, "group-"+name
	settings := map[string]string{"message.timestamp.type": "LogAppendTime"}
	if err := server.CreateTopic(t.Context(), w.cfg.Topic, worldPartitions, settings); err != nil {
		t.Fatal(err)
	}
	test(t, w)
}

func TestOnRealKafka(t *testing.T) {
	server := serverstest.Kafka(t, kafka.Options{})
	for name, test := range map[string]func(*testing.T, *world){
		"follows in order":         followsInOrder,
		"goes on from committed":   goesOnFromCommitted,
		"two share":                twoShare,
		"a slow close":             slowClose,
		"pinned partitions":        pinned,
		"drops repeats":            dropsRepeats,
		"begins at the earliest":   beginsAtEarliest,
		"taken at once":            realLatency,
		"a member among the fixed": dontMix,
	} {
		t.Run(name, func(t *testing.T) { onKafka(t, server, strings.ReplaceAll(name, " ", "-"), test) })
	}
}

// realLatency measures from the append, which the broker gives in milliseconds.
func realLatency(t *testing.T, w *world) {
	w.cfg.FetchWaitMax = 30 * time.Second
	l := w.ledger()
	f, stop := w.follow(l)
	w.until("it waits", func() bool { return f.Ready() == nil })
	for range 50 {
		w.publish(2, w.entries(2, 1)...)
	}
	w.until("all is taken", func() bool { return l.count(2) == 50 })
	stop()
	slices.Sort(l.delays)
	t.Logf("from append to Take: median %v, greatest %v", l.delays[25], l.delays[49])
	if l.delays[25] > 10*time.Millisecond {
		t.Errorf("half of the events took more than 10 ms from their append: %v", l.delays)
	}
}
