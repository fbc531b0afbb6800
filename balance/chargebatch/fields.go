package chargebatch

import "google.golang.org/protobuf/encoding/protowire"

// Schema is the form that this package writes, and the newest that it reads.
const Schema = 1

// Fields of ChargeBatch.
const (
	fieldSchema protowire.Number = 1 + iota
	fieldPartition
	fieldFirstOffset
	fieldNextOffset
	fieldClock
	fieldStrings
	fieldCharges
	fieldDuplicates
)

// Fields of Charges. All but the rows and the events are packed columns.
const (
	chargeRows = 1 + iota
	chargeOffset
	chargeN
	chargeAt
	chargeAge
	chargeAccount
	chargeConnection
	chargeSource
	chargeDestination
	chargeJob
	chargeAttempt
	chargeStream
	chargeEvent
	chargeKind
	chargeMeter
	chargeQuantity
	chargeCredits
	chargeWaivedLow
	chargeWaivedHigh
	chargeFree
	chargeRates
	chargeBurnCount
	chargeBurnGrant
	chargeBurnCredits
	chargeOverdraft
	chargeFields
)

// Fields of Duplicates. All but the rows and the events are packed columns.
const (
	duplicateRows = 1 + iota
	duplicateOffset
	duplicateN
	duplicateAt
	duplicateAccount
	duplicateEvent
	duplicateBroadcast
	duplicateFields
)
