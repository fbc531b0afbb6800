package redisstore

import (
	"context"

	"drawdown/balance"
)

// Gate returns of an account what [balance.Partition.ReadGate] needs, in one round trip: version, balance, core and the
// fields named ([balance.GateFields]). An account that is absent has the zero Mark.
func (s *Store) Gate(ctx context.Context, partition int32, account string, fields []string) (balance.Stored, error) {
	const op, fixed = "read the gate", 3 // version, balance and core
	names := make([]string, fixed, fixed+len(fields))
	names[0], names[1], names[2] = fieldVersion, fieldBalance, fieldCore
	for _, field := range fields {
		names = append(names, fieldPrefix+field)
	}
	stored := balance.Stored{Account: account}
	values, err := s.client.HMGet(ctx, s.keys.partition(partition).account(account), names...).Result()
	if err != nil {
		return stored, classify(op, partition, err)
	}
	version, _ := values[0].(string)
	plain, _ := values[1].(string)
	core, there := values[2].(string)
	if version == "" && plain == "" && !there {
		return stored, nil
	}
	if stored.Mark, err = parseMark(version, plain); err != nil || stored.Mark.Version <= 0 {
		return stored, classify(op, partition, corrupt("account %q has version %q and balance %q", account, version, plain))
	}
	stored.Core = []byte(core)
	for i, field := range fields {
		if value, there := values[fixed+i].(string); there {
			stored.Fields = append(stored.Fields, balance.Field{Name: field, Value: []byte(value)})
		}
	}
	return stored, nil
}
