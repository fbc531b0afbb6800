package clickhouse

import "testing"

// TestStatements: the statements as they are sent, which depend on the order of columns in Block.appendTo.
func TestStatements(t *testing.T) {
	for got, want := range map[string]string{
		insertInto("charges", chargesSent): "INSERT INTO charges (partition, offset, n, at, time, account, connection, source_connector, " +
			"destination_connector, job, attempt, stream, event, kind, meter, quantity, category, rates, credits_nano, waived_nano_low, " +
			"waived_nano_high, overdraft_nano, burned_grants, burned_nano)",
		insertInto("ledger", ledgerSent): "INSERT INTO ledger (partition, offset, n, at, account, type, line)",
		insertInto("sink_blocks", blockSent): "INSERT INTO sink_blocks (stream, partition, block, from_offset, from_n, to_offset, to_n, " +
			"rows, month, covered, kafka_first, kafka_next, writer, until, to_at, to_account, to_connection)",
	} {
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	for _, name := range []string{"last", "held", "count_charges", "count_ledger", "since", "fill_hour", "fill_day",
		"report_usage", "report_totals", "report_positions"} {
		if statement(name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}
