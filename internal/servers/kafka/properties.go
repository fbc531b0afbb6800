package kafka

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ports are where a broker listens on loopback.
type ports struct {
	client     string // host:port
	controller string // host:port
}

// properties writes the broker's settings. What a caller gives wins over the defaults.
func properties(dir string, listen ports, options Options) string {
	settings := map[string]string{
		"process.roles":             "broker,controller",
		"node.id":                   "1",
		"controller.quorum.voters":  "1@" + listen.controller,
		"listeners":                 "PLAINTEXT://" + listen.client + ",CONTROLLER://" + listen.controller,
		"advertised.listeners":      "PLAINTEXT://" + listen.client,
		"controller.listener.names": "CONTROLLER",
		"log.dirs":                  filepath.Join(dir, "data"),
		// One broker: every internal topic has one copy, and few partitions so that the first group does not wait for fifty.
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		"share.coordinator.state.topic.num.partitions":     "1",
		// Nobody else is about to join: don't wait for them.
		"group.initial.rebalance.delay.ms": "0",
		// A broker that was killed is let in again only when its last session has ended; by default that takes 9 seconds.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
		// A mistyped topic is an error, not a new topic with the wrong settings.
		"auto.create.topics.enable": "false",
		// Out of 128 MB by default, which would be much of the heap.
		"log.cleaner.dedupe.buffer.size": "33554432",
	}
	if options.MessageMaxBytes > 0 {
		settings["message.max.bytes"] = strconv.Itoa(options.MessageMaxBytes)
		settings["replica.fetch.max.bytes"] = strconv.Itoa(options.MessageMaxBytes)
	}
	maps.Copy(settings, options.Properties)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s=%s\n", name, settings[name])
	}
	return text.String()
}
