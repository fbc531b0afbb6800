package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	kafka "github.com/segmentio/kafka-go"
)

func TestErrorsSayWhatIsWrong(t *testing.T) {
	for want, err := range map[string]error{
		"it now begins at 20 (retention or a deletion removed 15 offsets": &OutOfRangeError{Topic: "t", Partition: 1, Offset: 5, Earliest: 20, Latest: 40},
		"the log ends at 40, before it (the topic was recreated":          &OutOfRangeError{Topic: "t", Partition: 1, Offset: 41, Earliest: 20, Latest: 40},
		"could not be asked for":                    &OutOfRangeError{Topic: "t", Partition: 1, Offset: 41, Earliest: Unknown, Latest: Unknown},
		"message.timestamp.type=LogAppendTime":      &CreateTimeError{Topic: "t", Partition: 1, Offset: 5},
		"offsets 11 to 14 are missing":              &GapError{Topic: "t", Partition: 1, Expected: 11, Found: 15},
		"more than 1024 bytes":                      &BatchTooLargeError{Topic: "t", Partition: 1, Offset: 5, BytesLimit: 1024},
		"message format v1":                         &UnsupportedFormatError{Topic: "t", Partition: 1, Offset: 5, Magic: 1},
		"corrupt record batch at offset 5: because": &CorruptBatchError{Topic: "t", Partition: 1, Offset: 5, Reason: "because"},
	} {
		text := err.Error()
		if !strings.Contains(text, want) || !strings.Contains(text, "partition 1 of topic t") {
			t.Errorf("%T says %q, want %q and where", err, text, want)
		}
		if Retriable(err) || Retriable(fmt.Errorf("wrapped: %w", err)) {
			t.Errorf("%T passes for retriable", err)
		}
	}
}

func TestClassifyTellsWhatPassesFromWhatDoesNot(t *testing.T) {
	for _, c := range []struct {
		err       error
		retriable bool
	}{
		{io.ErrUnexpectedEOF, true},
		{context.DeadlineExceeded, true}, // of the request; the caller's is told by giveUp
		{errors.New("correlation id mismatch"), true},
		{kafka.BrokerNotAvailable, true},
		{kafka.NotLeaderForPartition, true},
		{kafka.SASLAuthenticationFailed, false},
		{kafka.TopicAuthorizationFailed, false},
		{fmt.Errorf("connecting: %w", &tls.CertificateVerificationError{Err: errors.New("unknown authority")}), false},
	} {
		err := classify("trying", c.err)
		if Retriable(err) != c.retriable || !errors.Is(err, c.err) || !strings.HasPrefix(err.Error(), "trying: ") {
			t.Errorf("%v became %v, retriable %v", c.err, err, Retriable(err))
		}
	}
	if Retriable(nil) || Retriable(io.EOF) {
		t.Error("what was not classified passes for retriable")
	}
}
