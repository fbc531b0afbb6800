package tap

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// slicesMax bounds the slices that wait to be numbered; beyond, usage stays in the counts and
	// leaves them in fewer, larger slices.
	slicesMax = 1000
	// streamsMax bounds the streams counted apart; a catalog has hundreds. Beyond, records are
	// counted under otherStreams.
	streamsMax   = 10_000
	otherStreams = "~other"
	labelMax     = 128 // bytes of a stream's name in an event (the contract, section 3)
)

// slice is what one stream moved since its last slice: one usage event, not numbered yet.
type slice struct {
	stream         string
	records, bytes int64
	at             time.Time
}

// meter counts what passes. The pipe feeds it; the reporter takes slices from it. Nothing in it
// waits for disk or network.
type meter struct {
	stateGap time.Duration // least time between two slices of one stream at STATE messages

	mu      sync.Mutex
	scanner scanner
	streams map[string]*count // by namespace, NUL, name
	order   []*count          // in order of first record, so that slices come in that order
	key     []byte            // of the last record's stream
	last    *count            // the last record's stream: records come in runs
	slices  []slice
	ready   chan struct{} // told when slices come
}

type count struct {
	label          string
	records, bytes int64
	cutAt          time.Time // of the last slice
}

func newMeter(stateGap time.Duration) *meter {
	m := &meter{stateGap: stateGap, streams: make(map[string]*count), ready: make(chan struct{}, 1)}
	m.scanner.found = m.message
	return m
}

// passed counts bytes that have gone through.
func (m *meter) passed(chunk []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scanner.feed(chunk)
}

// ended counts a last line without a newline.
func (m *meter) ended() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scanner.end()
}

func (m *meter) message(line *message) {
	switch {
	case line.counts():
		c := m.stream(line.namespace, line.stream)
		c.records++
		c.bytes += line.dataBytes
	case line.settles():
		m.atState(line)
	}
}

// atState slices the stream that a STATE message is about, or all of them. The destination
// commits up to here, so that the numbers of slices follow what an attempt really moved.
func (m *meter) atState(line *message) {
	if line.perStream() {
		m.key = streamKey(m.key[:0], line.stateNamespace, line.stateStream)
		m.last = m.streams[string(m.key)]
		if m.last != nil {
			m.sliceUnlessRecent(m.last, time.Now())
		}
		return
	}
	now := time.Now()
	for _, c := range m.order {
		m.sliceUnlessRecent(c, now)
	}
}

func (m *meter) sliceUnlessRecent(c *count, now time.Time) {
	if now.Sub(c.cutAt) >= m.stateGap {
		m.slice(c, now)
	}
}

// sliceAll slices every stream that has something to report.
func (m *meter) sliceAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, c := range m.order {
		m.slice(c, now)
	}
}

func (m *meter) slice(c *count, now time.Time) {
	if c.records == 0 || len(m.slices) >= slicesMax {
		return
	}
	m.slices = append(m.slices, slice{c.label, c.records, c.bytes, now})
	c.records, c.bytes, c.cutAt = 0, 0, now
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take hands over all slices.
func (m *meter) take() []slice {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.slices
	m.slices = nil
	return taken
}

// unreported is how many records are counted and not in a slice that was taken.
func (m *meter) unreported() (records int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.order {
		records += c.records
	}
	for _, s := range m.slices {
		records += s.records
	}
	return records
}

func (m *meter) stream(namespace, name []byte) *count {
	if m.last != nil && isKey(m.key, namespace, name) {
		return m.last
	}
	m.key = streamKey(m.key[:0], namespace, name)
	c := m.streams[string(m.key)]
	switch {
	case c != nil:
	case len(m.order) <= streamsMax:
		l := label(string(namespace), string(name))
		if len(m.order) == streamsMax {
			l = otherStreams
		}
		c = &count{label: l}
		m.order = append(m.order, c)
		if l != otherStreams {
			m.streams[string(m.key)] = c
		}
	default:
		c = m.order[streamsMax]
	}
	m.last = c
	return c
}

func streamKey(key, namespace, name []byte) []byte {
	return append(append(append(key, namespace...), 0), name...)
}

func isKey(key, namespace, name []byte) bool {
	return len(key) == len(namespace)+1+len(name) && string(key[:len(namespace)]) == string(namespace) &&
		key[len(namespace)] == 0 && string(key[len(namespace)+1:]) == string(name)
}

// label is the stream's name in events: namespace.name, or name without one. One too long for an
// event keeps its beginning and gets a fingerprint.
func label(namespace, name string) string {
	l := name
	if namespace != "" {
		l = namespace + "." + name
	}
	l = strings.ToValidUTF8(l, "\uFFFD")
	if len(l) <= labelMax {
		return l
	}
	sum := sha256.Sum256([]byte(l))
	mark := "~" + hex.EncodeToString(sum[:8])
	head := l[:labelMax-len(mark)]
	for !utf8.ValidString(head) {
		head = head[:len(head)-1]
	}
	return head + mark
}
