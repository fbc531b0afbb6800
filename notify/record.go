package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// State is how far a delivery is.
type State string

// The states of a delivery.
const (
	// StatePending: it will be tried, or tried again.
	StatePending State = "pending"
	// StateDelivered: the other side has taken it.
	StateDelivered State = "delivered"
	// StateRefused: the other side will never take it.
	StateRefused State = "refused"
	// StateExpired: all tries failed, or the notice was too old to be told.
	StateExpired State = "expired"
	// StateDropped: its target is gone: an endpoint that was removed or disabled.
	StateDropped State = "dropped"
)

// States are all states.
var States = []State{StatePending, StateDelivered, StateRefused, StateExpired, StateDropped}

// DeliveryRecord is a delivery as it stood after a change. The delivery log is a sequence of them, each with all that is
// needed to go on, so that only the last one of a delivery matters: the one that ended it, or else the one with the most
// tries.
type DeliveryRecord struct {
	ID      string // `<notice's id>/<channel>/<target>`
	State   State
	Notice  *Notice
	Channel Channel
	Target  string
	// Tries is how often it was tried.
	Tries     int
	CreatedAt time.Time
	ChangedAt time.Time
	// NextAt is when it is tried next, while it is pending; otherwise zero.
	NextAt time.Time
	// Detail is what came of the last try, or why there was none.
	Detail string
	// FailingSince is when the endpoint failed first since its last success, as known after this change; zero where it
	// does not fail, and for e-mail.
	FailingSince time.Time
	// Receiver is a hash of the URL that fails. An endpoint with another URL has not failed yet.
	Receiver string
}

// deliveryID names a delivery. The notice's id and the channel have no slash; the target may.
func deliveryID(notice string, channel Channel, target string) string {
	return notice + "/" + string(channel) + "/" + target
}

// fingerprint stands for a delivery's id. Among 10^12 deliveries the chance that two share one is below 10^-14.
type fingerprint [16]byte

func fingerprintOf(id string) fingerprint {
	sum := sha256.Sum256([]byte(id))
	return fingerprint(sum[:16])
}

// receiverOf is a short hash of a URL: URLs can hold secrets, which the log must not.
func receiverOf(url string) string {
	sum := sha256.Sum256([]byte("drawdown webhook receiver 1\n" + url))
	return hex.EncodeToString(sum[:6])
}

// wireRecord is the JSON of a record. Members that are zero are left out.
type wireRecord struct {
	Delivery     string     `json:"delivery"`
	State        State      `json:"state"`
	Notice       wireNotice `json:"notice"`
	Channel      Channel    `json:"channel"`
	Target       string     `json:"target"`
	Tries        int        `json:"tries"`
	CreatedAt    time.Time  `json:"created_at"`
	ChangedAt    time.Time  `json:"changed_at"`
	NextAt       time.Time  `json:"next_at,omitzero"`
	Detail       string     `json:"detail,omitempty"`
	FailingSince time.Time  `json:"failing_since,omitzero"`
	Receiver     string     `json:"receiver,omitempty"`
}

type wireNotice struct {
	ID      string          `json:"id"`
	Kind    Kind            `json:"kind"`
	Account string          `json:"account"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
}

// encode writes a record. A notice's data stay the same to the byte: they are signed and must not change between tries,
// so nothing in them is escaped anew.
func (r *DeliveryRecord) encode() OutboxRecord {
	n := r.Notice
	wire := wireRecord{
		Delivery: r.ID, State: r.State, Channel: r.Channel, Target: r.Target, Tries: r.Tries, Detail: r.Detail,
		Notice:    wireNotice{ID: n.ID, Kind: n.Kind, Account: n.Account, At: n.At, Data: n.Data},
		CreatedAt: milliseconds(r.CreatedAt), ChangedAt: milliseconds(r.ChangedAt), NextAt: milliseconds(r.NextAt),
		FailingSince: milliseconds(r.FailingSince), Receiver: r.Receiver,
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&wire); err != nil {
		panic("notify: encode delivery " + r.ID + ": " + err.Error()) // data are JSON that was decoded, years have four digits
	}
	return OutboxRecord{Key: r.ID, Value: bytes.TrimSuffix(out.Bytes(), []byte("\n"))}
}

// decodeRecord reads what encode has written. Nothing of value is kept.
func decodeRecord(value []byte) (DeliveryRecord, error) {
	var wire wireRecord
	if err := json.Unmarshal(value, &wire); err != nil {
		return DeliveryRecord{}, fmt.Errorf("read a delivery: %w", err)
	}
	n := wire.Notice
	if id := deliveryID(n.ID, wire.Channel, wire.Target); n.ID == "" || wire.Delivery != id || !wire.State.known() || wire.Tries < 0 {
		return DeliveryRecord{}, fmt.Errorf("read a delivery: %.200q in state %q is none of ours", wire.Delivery, wire.State)
	}
	return DeliveryRecord{
		ID: wire.Delivery, State: wire.State, Channel: wire.Channel, Target: wire.Target, Tries: wire.Tries, Detail: wire.Detail,
		Notice:    &Notice{ID: n.ID, Kind: n.Kind, Account: n.Account, At: n.At, Data: n.Data},
		CreatedAt: wire.CreatedAt, ChangedAt: wire.ChangedAt, NextAt: wire.NextAt,
		FailingSince: wire.FailingSince, Receiver: wire.Receiver,
	}, nil
}

func (s State) known() bool {
	switch s {
	case StatePending, StateDelivered, StateRefused, StateExpired, StateDropped:
		return true
	default:
		return false
	}
}

// overtakes reports whether r replaces what is known of its delivery. What has ended stays so: a broker may append
// the copy of a record whose answer was lost after records that were written later.
func (r *DeliveryRecord) overtakes(state State, tries int) bool {
	switch {
	case state != StatePending:
		return false
	case r.State != StatePending:
		return true
	default:
		return r.Tries >= tries
	}
}

func milliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}
