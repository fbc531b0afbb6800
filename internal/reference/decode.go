package reference

import (
	"math/big"
	"regexp"
	"slices"
)

// Limits of strings, in bytes (contract, sections 2 and 3).
const (
	idMax       = 128
	sourceMax   = 256
	nameMax     = 128
	purchaseMax = 192
	receiptMax  = 512
)

var accountForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

var broadcastTypes = []string{"plan.published", "rates.published", "connector.set"}

// record is one line of the log, decoded as far as it could be.
type record struct {
	// malformed says that some rule of envelope, subject or data is broken; the members below may then be missing.
	malformed bool
	// unknownType says that the envelope is sound and the type is none of section 3.
	unknownType bool
	// logTime is set where the line is a JSON object with a readable log time.
	logTime *Instant

	id, source, typ string
	broadcast       bool
	// subject is set where the line has a valid account id as its subject.
	subject *string
	time    Instant
	data    any
}

type (
	usageData struct {
		connection, source, destination string
		job, attempt                    int64
		stream                          *string
		seq                             *int64
		meters                          map[string]int64
	}
	openedData struct {
		plan          string
		emailVerified bool
	}
	planChangedData struct{ plan, when string }
	methodSavedData struct {
		method method
		kind   string
		backup bool
	}
	methodRemovedData struct{ backup bool }
	autoPurchaseData  struct {
		enabled   bool
		maxAmount *big.Int
	}
	connectionSetData     struct{ connection, source, destination string }
	connectionRemovedData struct{ connection string }
	grantedData           struct {
		amount    *big.Int
		category  category
		expiresAt *Instant
	}
	voidedData  struct{ grant string }
	settledData struct {
		purchase, kind, currency string
		quantity, amount, tax    *big.Int
		receipt                  *string
	}
	failedData struct {
		purchase, reason string
		// attempt is nil where the refusal names none.
		attempt *int64
	}
	noData struct{}

	ratesData     struct{ card rateCard }
	connectorData struct {
		connector, kind, stage string
		effectiveAt            *Instant
	}
)

// decoders reads the data of each type of sections 3, 9 and 10. Types without members are noData.
var decoders = map[string]func(fields) any{
	"sync.usage":             decodeUsage,
	"account.opened":         decodeOpened,
	"account.plan_changed":   decodePlanChanged,
	"email.verified":         decodeNothing,
	"payment_method.saved":   decodeMethodSaved,
	"payment_method.removed": decodeMethodRemoved,
	"auto_purchase.set":      decodeAutoPurchase,
	"program.enrolled":       decodeNothing,
	"connection.set":         decodeConnectionSet,
	"connection.removed":     decodeConnectionRemoved,
	"credits.granted":        decodeGranted,
	"credits.voided":         decodeVoided,
	"purchase.settled":       decodeSettled,
	"purchase.failed":        decodeFailed,
	"purchase.refunded":      decodeRefunded,
	"contacts.set":           decodeContacts,
	"webhook.set":            decodeWebhook,
	"webhook.removed":        decodeWebhookRemoved,
	"webhook.disabled":       decodeWebhookDisabled,
	"hold.placed":            decodeHoldPlaced,
	"hold.released":          decodeHoldReleased,
	"connection.prioritized": decodePrioritized,
	"gate.set":               decodeGate,
	"runaway.acknowledged":   decodeAcknowledged,
	"tick":                   decodeNothing,
	"plan.published":         decodePlan,
	"rates.published":        decodeRates,
	"connector.set":          decodeConnector,
}

// typesWithOptionalData may leave data out, which is then as good as empty.
var typesWithOptionalData = []string{"email.verified", "payment_method.removed", "program.enrolled", "tick"}

// decode reads one line by sections 2 and 3.
func decode(line []byte) record {
	value, err := parseJSON(line)
	members, isObject := value.(object)
	if err != nil || !isObject {
		return record{malformed: true}
	}
	var r record
	f := fields{members: members, bad: &r.malformed}
	r.logTime = readLogTime(f)
	if text, ok := members["subject"].(string); ok && accountForm.MatchString(text) {
		r.subject = &text
	}
	r.typ, _ = members["type"].(string)
	r.broadcast = slices.Contains(broadcastTypes, r.typ)
	decodeEnvelope(f, &r)
	decodeData, known := decoders[r.typ]
	if !known {
		r.unknownType = !r.malformed
		return r
	}
	if r.broadcast {
		f.require(!f.present("subject"))
	} else {
		f.require(r.subject != nil)
	}
	if slices.Contains(typesWithOptionalData, r.typ) && !f.present("data") {
		r.data = decodeData(f.element(object{}))
		return r
	}
	r.data = decodeData(f.child("data"))
	return r
}

// readLogTime is logtime, or time where logtime is absent; nil where it can't be read.
func readLogTime(f fields) *Instant {
	name := "time"
	if f.present("logtime") {
		name = "logtime"
	}
	text, _ := f.members[name].(string)
	at, ok := parseTime(text)
	if !ok {
		return nil
	}
	return &at
}

func decodeEnvelope(f fields, r *record) {
	f.oneOf("specversion", "1.0")
	r.id = f.text("id", idMax)
	r.source = f.text("source", sourceMax)
	_, isString := f.members["type"].(string)
	f.require(isString)
	r.time = f.time("time")
	f.optionalTime("logtime")
}

func decodeNothing(fields) any { return noData{} }

func decodeUsage(f fields) any {
	d := usageData{
		connection:  f.text("connection", nameMax),
		source:      f.text("source_connector", nameMax),
		destination: f.text("destination_connector", nameMax),
		job:         f.integer("job", 0, integerMax),
		attempt:     f.integer("attempt", 0, integerMax),
		stream:      f.optionalText("stream", nameMax),
		meters:      map[string]int64{},
	}
	if f.present("seq") {
		seq := f.integer("seq", 1, integerMax)
		d.seq = &seq
	}
	for _, meter := range meters {
		d.meters[meter] = f.optionalInteger(meter, 0, integerMax, 0)
	}
	return d
}

func decodeOpened(f fields) any {
	f.text("email", nameMax)
	return openedData{plan: f.text("plan", nameMax), emailVerified: f.boolean("email_verified")}
}

func decodePlanChanged(f fields) any {
	return planChangedData{plan: f.text("plan", nameMax), when: f.oneOf("when", "now", "period_end")}
}

func decodeMethodSaved(f fields) any {
	return methodSavedData{
		method: method{name: f.text("method", nameMax), customer: f.optionalText("customer", nameMax)},
		kind:   f.text("kind", nameMax), backup: f.optionalBoolean("backup"),
	}
}

func decodeMethodRemoved(f fields) any {
	return methodRemovedData{backup: f.optionalBoolean("backup")}
}

func decodeAutoPurchase(f fields) any {
	return autoPurchaseData{enabled: f.boolean("enabled"), maxAmount: f.optionalMoney("max_amount")}
}

func decodeConnectionSet(f fields) any {
	return connectionSetData{
		connection:  f.text("connection", nameMax),
		source:      f.text("source_connector", nameMax),
		destination: f.text("destination_connector", nameMax),
	}
}

func decodeConnectionRemoved(f fields) any {
	return connectionRemovedData{connection: f.text("connection", nameMax)}
}

func decodeGranted(f fields) any {
	return grantedData{
		amount:    f.credits("amount"),
		category:  category(f.oneOf("category", string(promotional), string(purchased))),
		expiresAt: f.optionalTime("expires_at"),
	}
}

func decodeVoided(f fields) any { return voidedData{grant: f.text("grant", purchaseMax)} }

func decodeSettled(f fields) any {
	d := settledData{
		purchase: f.text("purchase", purchaseMax),
		kind:     f.oneOf("kind", "manual", "auto"),
		quantity: f.credits("quantity"),
		amount:   f.money("amount"),
		currency: f.currency("currency"),
		tax:      f.optionalMoney("tax"),
		receipt:  f.optionalText("receipt", receiptMax),
	}
	whole := new(big.Int).Mod(d.quantity, big.NewInt(nano)).Sign() == 0
	f.require(d.quantity.Sign() > 0 && whole)
	return d
}

func decodeFailed(f fields) any {
	d := failedData{purchase: f.text("purchase", purchaseMax), reason: f.text("reason", nameMax)}
	if f.present("attempt") {
		attempt := f.integer("attempt", 1, integerMax)
		d.attempt = &attempt
	}
	return d
}

func decodeRates(f fields) any {
	card := rateCard{version: f.text("version", nameMax), effectiveFrom: f.time("effective_from")}
	list, isList := f.members["rates"].([]any)
	f.require(isList)
	for _, element := range list {
		e := f.element(element)
		r := rate{
			kind:    e.text("kind", nameMax),
			meter:   e.oneOf("meter", meters...),
			credits: e.credits("credits"),
			per:     e.integer("per", 1, integerMax),
		}
		e.require(r.credits.Sign() >= 0)
		f.require(card.rateOf(r.kind) == nil) // a kind at most once
		card.rates = append(card.rates, r)
	}
	return ratesData{card: card}
}

func decodeConnector(f fields) any {
	return connectorData{
		connector:   f.text("connector", nameMax),
		kind:        f.text("kind", nameMax),
		stage:       f.oneOf("stage", "alpha", "beta", stageGA),
		effectiveAt: f.optionalTime("effective_at"),
	}
}
