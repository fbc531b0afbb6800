package engine

import (
	"fmt"
	"strconv"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// handshakeStatement is the first statement of every clickhouse-go connection.
const handshakeStatement = "SELECT displayName(), version(), revision(), timezone()"

// handshake answers it. clickhouse-go reads this one answer in the layout of its own protocol version, and all later ones
// in that of the revision it finds here. The engine writes the layout of revision 0, so that is what it is told.
func (i identity) handshake(protocol string) ([]byte, error) {
	revision, err := strconv.ParseUint(protocol, 10, 64)
	if protocol != "" && err != nil {
		return nil, &failure{code: codeBadArguments, name: "BAD_ARGUMENTS", text: fmt.Sprintf("client_protocol_version %q is not a number", protocol)}
	}
	block := proto.NewBlock()
	for _, member := range []struct {
		name string
		kind column.Type
	}{
		{"displayName()", "String"}, {"version()", "String"}, {"revision()", "UInt32"}, {"timezone()", "String"},
	} {
		if err := block.AddColumn(member.name, member.kind); err != nil {
			return nil, fmt.Errorf("answer the handshake: %w", err)
		}
	}
	if err := block.Append(i.displayName, i.version, uint32(0), i.timezone); err != nil {
		return nil, fmt.Errorf("answer the handshake: %w", err)
	}
	buffer := &chproto.Buffer{}
	if err := block.Encode(buffer, revision); err != nil {
		return nil, fmt.Errorf("answer the handshake: %w", err)
	}
	return buffer.Buf, nil
}
