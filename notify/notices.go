package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawdown"
	"drawdown/consumer/feed"
)

// line is what decides whether an entry of the ledger is news (contract, sections 8 to 10).
type line struct {
	Kind  string `json:"kind"`  // of a notice
	From  string `json:"from"`  // of status.changed
	To    string `json:"to"`    // of status.changed
	Grant string `json:"grant"` // of grant.expired
}

// ledgerKinds are the kinds of notices that the engine writes itself.
var ledgerKinds = []Kind{LowBalance, UsagePercent, CreditsExpiring, LeavingFreeProgram, AutoPurchaseCapped, WebhookDisabled, Runaway}

// noticeOf returns what an entry of the ledger tells customers, nil where it is no news to them.
func noticeOf(e *feed.Event) (*Notice, error) {
	kind, err := kindOf(e)
	if err != nil || kind == "" {
		return nil, err
	}
	data, err := members(e.Line)
	if err != nil {
		return nil, unreadable(e, err)
	}
	return &Notice{
		ID:   strconv.Itoa(int(e.Partition)) + "-" + strconv.FormatInt(int64(e.Offset), 10) + "-" + strconv.Itoa(e.N),
		Kind: kind, Account: e.Account, At: time.UnixMilli(int64(e.At)).UTC(), Data: data,
	}, nil
}

func kindOf(e *feed.Event) (Kind, error) {
	switch e.Type {
	case "purchase.settled":
		return PurchaseSettled, nil
	case "purchase.declined":
		return PaymentDeclined, nil
	case "purchase.failed":
		return PaymentFailed, nil
	case "grant.refunded":
		return PurchaseRefunded, nil
	case "notice", "status.changed", "grant.expired":
	default:
		return "", nil
	}
	var read line
	if err := json.Unmarshal(e.Line, &read); err != nil {
		return "", unreadable(e, err)
	}
	switch e.Type {
	case "status.changed":
		return statusKind(read.From, read.To), nil
	case "grant.expired":
		return expiryKind(e.Account, read.Grant), nil
	default:
		if kind := Kind(read.Kind); slices.Contains(ledgerKinds, kind) {
			return kind, nil
		}
		return "", nil // of a later version: its worker tells who can be told of it
	}
}

// statusKind is news where syncs stop or may run again; why they are stopped can change without being news.
func statusKind(from, to string) Kind {
	before, after := stopped(from), stopped(to)
	switch {
	case !before && after:
		return Exhausted
	case before && !after:
		return Resumed
	default:
		return ""
	}
}

// stopped reports whether no sync may start in a status (contract, section 7, "Access").
func stopped(status string) bool {
	return status == drawdown.Exhausted.String() || status == drawdown.PaymentFailed.String()
}

// expiryKind is none for a subscription's grant (contract, section 8, names them): what is left of it expires at the end
// of each period, by plan.
func expiryKind(account, grant string) Kind {
	if strings.HasPrefix(grant, account+":sub:") {
		return ""
	}
	return CreditsExpired
}

// members returns an entry's line without what every entry has, the rest as it stands: the bytes of a notice's data are
// the same whenever it is read.
func members(entry []byte) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(entry))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.Join(errors.New("it is no object"), err)
	}
	data := []byte{'{'}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // in an object, More announces a name
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		switch name {
		case "offset", "n", "type", "at", "account":
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = append(strconv.AppendQuote(data, name), ':') // names are plain words
		data = append(data, value...)
	}
	return compact(append(data, '}'))
}

// compact removes white space between members; it leaves the members' own bytes alone.
func compact(data []byte) (json.RawMessage, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unreadable stops the partition: a worker can't have written the line, and what it hides may be a failed payment.
func unreadable(e *feed.Event, err error) error {
	return &feed.StopError{Err: fmt.Errorf("read ledger entry of type %s at position %d: %w", e.Type, e.Position, err)}
}
