package drawdown

// Offset is a record's position in its partition: 0, 1, 2, …
type Offset int64

// Type is the type of a record (contract, section 3).
type Type uint8

// The record types (contract, sections 3, 9 and 10). TypeUnknown is any other string, or none.
const (
	TypeUnknown Type = iota
	SyncUsage
	AccountOpened
	PlanChanged
	EmailVerified
	PaymentMethodSaved
	PaymentMethodRemoved
	AutoPurchaseSet
	ProgramEnrolled
	ConnectionSet
	ConnectionRemoved
	CreditsGranted
	CreditsVoided
	PurchaseSettled
	PurchaseFailed
	PurchaseRefunded
	ContactsSet
	WebhookSet
	WebhookRemoved
	WebhookDisabled
	HoldPlaced
	HoldReleased
	ConnectionPrioritized
	GateSet
	RunawayAcknowledged
	Tick
	PlanPublished
	RatesPublished
	ConnectorSet
	typeCount
)

var typeNames = [typeCount]string{
	SyncUsage:             "sync.usage",
	AccountOpened:         "account.opened",
	PlanChanged:           "account.plan_changed",
	EmailVerified:         "email.verified",
	PaymentMethodSaved:    "payment_method.saved",
	PaymentMethodRemoved:  "payment_method.removed",
	AutoPurchaseSet:       "auto_purchase.set",
	ProgramEnrolled:       "program.enrolled",
	ConnectionSet:         "connection.set",
	ConnectionRemoved:     "connection.removed",
	CreditsGranted:        "credits.granted",
	CreditsVoided:         "credits.voided",
	PurchaseSettled:       "purchase.settled",
	PurchaseFailed:        "purchase.failed",
	PurchaseRefunded:      "purchase.refunded",
	ContactsSet:           "contacts.set",
	WebhookSet:            "webhook.set",
	WebhookRemoved:        "webhook.removed",
	WebhookDisabled:       "webhook.disabled",
	HoldPlaced:            "hold.placed",
	HoldReleased:          "hold.released",
	ConnectionPrioritized: "connection.prioritized",
	GateSet:               "gate.set",
	RunawayAcknowledged:   "runaway.acknowledged",
	Tick:                  "tick",
	PlanPublished:         "plan.published",
	RatesPublished:        "rates.published",
	ConnectorSet:          "connector.set",
}

var typesByName = func() map[string]Type {
	types := make(map[string]Type, typeCount)
	for t, name := range typeNames {
		if name != "" {
			types[name] = Type(t)
		}
	}
	return types
}()

// ParseType returns the type of that name, [TypeUnknown] where there is none.
func ParseType(name []byte) Type { return typesByName[string(name)] }

// String returns the type's name in records, "" for [TypeUnknown].
func (t Type) String() string { return typeNames[t] }

// IsBroadcast reports whether records of the type are written to every partition and change what the partition knows.
func (t Type) IsBroadcast() bool { return t >= PlanPublished && t < typeCount }

// IsOperation reports whether records of the type need a signature: all that change money or rights, broadcasts
// included. Usage and ticks do not.
func (t Type) IsOperation() bool { return t != TypeUnknown && t != SyncUsage && t != Tick }

// NeedsData reports whether a record of the type must have data: it may be absent where no member is required.
func (t Type) NeedsData() bool {
	switch t {
	case EmailVerified, PaymentMethodRemoved, ProgramEnrolled, Tick:
		return false
	default:
		return true
	}
}

// Record is one decoded record of the log. It is reused from record to record, and its byte slices are views of the
// batch that was read: they are valid until the next record is decoded.
type Record struct {
	Offset Offset
	// LogTime is the append time on Kafka; in a file, the attribute logtime or else time. NoTime where it can't be
	// read, or where the record is no JSON object: such a record leaves the clock.
	LogTime Time
	// Reject is why the record can't be applied, as far as that is seen without knowing any account: Malformed,
	// UnknownType, UnsignedOperation or WrongPartition. The remaining members may then be unset, but for Type and
	// Account, which are read where they can be.
	Reject Reason

	Type    Type
	ID      []byte
	Source  []byte
	Account []byte // the subject if it is a valid account id, else nil
	Time    Time   // when it happened
	Raw     []byte // the record as it stands in the log

	Usage     Usage     // for SyncUsage
	Operation Operation // for types with members other than SyncUsage; nil where data was left out
}

// Usage is the data of a usage event: what the event adds, not a running total.
type Usage struct {
	Connection           []byte
	SourceConnector      []byte
	DestinationConnector []byte
	Stream               []byte // nil where absent
	Job                  uint64
	Attempt              uint64
	Seq                  uint64 // 0 where absent
	Quantity             [MeterCount]uint64
}

// Meter is what a rate charges for.
type Meter uint8

// The meters, in the order of [Usage.Quantity].
const (
	Records Meter = iota
	Bytes
	Operations
	MeterCount
)

var meterNames = [MeterCount]string{"records", "bytes", "operations"}

// String returns the meter's name in records.
func (m Meter) String() string { return meterNames[m] }

// ParseMeter returns the meter of that name.
func ParseMeter(name []byte) (Meter, bool) {
	for m, known := range meterNames {
		if string(name) == known {
			return Meter(m), true
		}
	}
	return 0, false
}

// Limits of what records hold, in bytes unless said otherwise (contract, sections 1 to 3).
const (
	MaxInteger      = 1<<53 - 1 // greatest integer in a record
	MaxNesting      = 64        // depth of JSON, the record itself being 1
	MaxIDLen        = 128
	MaxSourceLen    = 256
	MaxAccountLen   = 128
	MaxNameLen      = 128 // strings of section 3
	MaxReferenceLen = 192 // purchase and grant
	MaxReceiptLen   = 512
	MaxURLLen       = 512
)

// ValidAccount reports whether s is an account id: 1 to 128 of A-Z a-z 0-9 . _ : -
func ValidAccount(s []byte) bool {
	if len(s) < 1 || len(s) > MaxAccountLen {
		return false
	}
	for _, c := range s {
		if !accountByte[c] {
			return false
		}
	}
	return true
}

var accountByte = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") {
		set[c] = true
	}
	return set
}()
