package tap

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
)

// event is a usage event with its number, ready to send.
type event struct {
	seq     int64
	account string // the record's key
	value   []byte // the CloudEvent
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// line is how the event stands in a spool: a CRC-32C of the rest in eight hex digits, the number,
// the account, the CloudEvent (which holds no raw newline), and a newline.
func (e event) line() []byte {
	rest := fmt.Appendf(nil, "%d %s %s", e.seq, e.account, e.value)
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(rest, castagnoli), rest)
}

// parseLine reads a line without its newline; false when it is damaged or torn.
func parseLine(line []byte) (event, bool) {
	sum, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(sum) != 8 {
		return event{}, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || crc32.Checksum(rest, castagnoli) != uint32(want) {
		return event{}, false
	}
	number, rest, _ := bytes.Cut(rest, []byte(" "))
	account, value, ok := bytes.Cut(rest, []byte(" "))
	seq, err := strconv.ParseInt(string(number), 10, 64)
	if !ok || err != nil || seq < 1 {
		return event{}, false
	}
	return event{seq, string(account), bytes.Clone(value)}, true
}
