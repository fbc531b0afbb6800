package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"drawdown"
	"drawdown/notify"
)

// typePrefix opens the type of every payload: `drawdown.low_balance`.
const typePrefix = "drawdown."

// MessageID is the webhook-id of a notice: the same at every try, so receivers drop what they have by it. It reports
// false for no id, and for one with anything but letters, digits, `-` and `_`: the specification forbids the full stop, which
// separates what is signed, and a header takes no line break.
func MessageID(notice *notify.Notice) (string, bool) {
	if notice.ID == "" {
		return "", false
	}
	for i := range len(notice.ID) {
		c := notice.ID[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			return "", false
		}
	}
	return "msg_" + notice.ID, true
}

// Payload is the body of a notice's request: compact JSON, the same bytes each time.
//
//	{"type":"drawdown.<kind>","timestamp":"<when it happened>","data":{"id":…,"account":…, the notice's members}}
//
// The members are copied as they stand, so that numbers keep their digits.
func Payload(notice *notify.Notice) ([]byte, error) {
	members, err := compactMembers(notice.Data)
	if err != nil {
		return nil, fmt.Errorf("webhook: data of notice %s: %w", notice.ID, err)
	}
	body := []byte(`{"type":`)
	body = appendString(body, typePrefix+string(notice.Kind))
	body = append(body, `,"timestamp":`...)
	body = appendString(body, drawdown.TimeOf(notice.At).String())
	body = append(body, `,"data":{"id":`...)
	body = appendString(body, notice.ID)
	body = append(body, `,"account":`...)
	body = appendString(body, notice.Account)
	if len(members) > 0 {
		body = append(body, ',')
		body = append(body, members...)
	}
	return append(body, "}}"...), nil
}

// compactMembers is what stands between the braces of a JSON object; nothing where there is no data.
func compactMembers(data json.RawMessage) ([]byte, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, errors.New("is no JSON object") // the decoder's error would quote customers' data
	}
	for _, reserved := range []string{"id", "account"} {
		if _, there := members[reserved]; there {
			return nil, fmt.Errorf("has a member %s of its own", reserved)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, errors.New("is no JSON object")
	}
	text := compact.Bytes()
	return text[1 : len(text)-1], nil
}

// appendString appends a JSON string without the escapes for HTML, which have no use here.
func appendString(dst []byte, s string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic("webhook: encode a string: " + err.Error()) // there is none that can't be
	}
	return append(dst, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
