package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errReleased is what a Set answers after its Response was released: its memory may be another answer's by then.
var errReleased = errors.New("the answer was released; its records are gone")

// Set is what one partition answered: an error, or records from the offset asked for on. It is read by one goroutine.
type Set struct {
	Topic         string
	Partition     int32
	HighWatermark int64 // offset that the next readable record will get, or Unknown: the broker said nothing
	LogStart      int64 // first offset that the log holds, or Unknown

	rules *rules
	err   error  // once set, Next returns it for ever
	data  []byte // batches not yet begun
	first bool   // no batch was read from data yet

	next    int64  // offset wanted next; only grows
	open    bool   // a batch is being read: the fields below are its
	head    batch  //
	body    []byte // its records, decompressed, not yet read
	left    int32  // how many of them
	reached int64  // the last offset read in it
	buffers []*buffer
}

// rules are the parts of the configuration that reading a set depends on.
type rules struct {
	allowCreateTime bool
	contiguous      bool
	decompressor    *decompressor
}

// Err returns the error that ended the set, if any. Next returns it too.
func (s *Set) Err() error { return s.err }

// NextOffset returns the offset to fetch next: after the last record that Next returned and, when the set is read to
// its end, after control records and compacted ones that followed it.
func (s *Set) NextOffset() int64 { return s.next }

// Next reads the next record into rec and reports whether there was one. At the end of the set it returns false and
// no error. An error concerns this partition alone and stays: what came before it was right and may be used.
//
// Errors: CorruptBatchError, UnsupportedFormatError, CreateTimeError, BatchTooLargeError, GapError, and those of the
// partition itself (OutOfRangeError, retriable ones).
func (s *Set) Next(rec *Record) (bool, error) {
	for s.err == nil {
		if !s.open {
			if s.err = s.begin(); s.err != nil || !s.open {
				break
			}
		}
		if s.left == 0 {
			s.err = s.finish()
			continue
		}
		if s.err = s.read(rec); s.err == nil && rec.Offset >= s.next {
			s.next = rec.Offset + 1
			return true, nil
		}
	}
	return false, s.err
}

// begin opens the next batch that holds wanted records. The set is at its end if none is open afterwards.
func (s *Set) begin() error {
	for len(s.data) > 0 {
		whole, reason := frame(s.data)
		if reason != "" {
			return s.refuseFormat(reason)
		}
		if whole == nil {
			return s.dropPart()
		}
		s.data = s.data[len(whole):]
		if err := s.openBatch(whole); err != nil || s.open {
			return err
		}
	}
	return nil
}

// openBatch checks a batch and opens it, unless nothing in it is wanted: then only the offsets are counted.
func (s *Set) openBatch(whole []byte) error {
	reason := s.head.parse(whole)
	if reason != "" {
		return s.corrupt(s.head.baseOffset, reason)
	}
	if !s.first && s.head.baseOffset <= s.reached {
		return s.corrupt(s.head.baseOffset, fmt.Sprintf("it follows offset %d", s.reached))
	}
	s.first, s.reached = false, s.head.lastOffset
	if s.head.lastOffset < s.next {
		return nil
	}
	if s.rules.contiguous && s.head.baseOffset > s.next {
		return s.gap(s.next, s.head.baseOffset)
	}
	if s.head.control() { // the end of a transaction: it takes an offset and says nothing
		s.next = s.head.lastOffset + 1
		return nil
	}
	if err := s.checkTime(); err != nil {
		return err
	}
	body, err := s.decompress(whole[headerBytes:])
	if err != nil {
		return err
	}
	s.open, s.body, s.left, s.reached = true, body, s.head.records, s.head.baseOffset-1
	return nil
}

// checkTime refuses a batch whose time is not the broker's, unless create time is accepted.
func (s *Set) checkTime() error {
	if s.head.logAppendTime() {
		if s.head.maxTimestamp < 0 {
			return s.corrupt(s.head.baseOffset, fmt.Sprintf("append time %d", s.head.maxTimestamp))
		}
		return nil
	}
	if !s.rules.allowCreateTime {
		return &CreateTimeError{Topic: s.Topic, Partition: s.Partition, Offset: s.head.baseOffset}
	}
	return nil
}

// decompress returns the records of a batch, in memory that lives as long as the answer.
func (s *Set) decompress(src []byte) ([]byte, error) {
	codec := s.head.codec()
	if codec == codecNone {
		return src, nil
	}
	buf := takeBuffer()
	s.buffers = append(s.buffers, buf)
	var err error
	buf.b, err = s.rules.decompressor.decompress(codec, buf.b, src)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &BatchTooLargeError{Topic: s.Topic, Partition: s.Partition, Offset: s.head.baseOffset, BytesLimit: s.rules.decompressor.bytesMax}
	case err != nil:
		return nil, s.corrupt(s.head.baseOffset, fmt.Sprintf("decompressing: %v", err))
	}
	return buf.b, nil
}

// read takes the next record of the open batch.
func (s *Set) read(rec *Record) error {
	n, at := varint(s.body, 0)
	if at < 0 || n < 0 || n > int64(len(s.body)-at) {
		return s.corrupt(s.reached+1, fmt.Sprintf("a record does not fit in the %d bytes that are left of its batch", len(s.body)))
	}
	end := at + int(n)
	timeDelta, offsetDelta, ok := rec.parse(s.body[at:end:end])
	if !ok {
		return s.corrupt(s.reached+1, fmt.Sprintf("malformed record of %d bytes", n))
	}
	if offsetDelta < 0 || offsetDelta > s.head.lastOffset-s.head.baseOffset || s.head.baseOffset+offsetDelta <= s.reached {
		return s.corrupt(s.reached+1, fmt.Sprintf("a record with offset delta %d in a batch from %d to %d, after offset %d",
			offsetDelta, s.head.baseOffset, s.head.lastOffset, s.reached))
	}
	rec.Offset = s.head.baseOffset + offsetDelta
	if s.rules.contiguous && rec.Offset != s.reached+1 {
		return s.gap(s.reached+1, rec.Offset)
	}
	if rec.AppendTime = s.head.maxTimestamp; !s.head.logAppendTime() {
		if rec.AppendTime = s.head.baseTimestamp + timeDelta; rec.AppendTime < 0 {
			return s.corrupt(rec.Offset, fmt.Sprintf("create time %d", rec.AppendTime))
		}
	}
	s.reached, s.body = rec.Offset, s.body[end:]
	s.left--
	return nil
}

// finish closes the open batch: all of its records were read, so its bytes must be at their end too.
func (s *Set) finish() error {
	if len(s.body) != 0 {
		return s.corrupt(s.reached+1, fmt.Sprintf("%d bytes after the last record", len(s.body)))
	}
	if s.rules.contiguous && s.reached != s.head.lastOffset {
		return s.gap(s.reached+1, s.head.lastOffset+1)
	}
	s.open, s.reached, s.next = false, s.head.lastOffset, s.head.lastOffset+1
	return nil
}

// dropPart drops the part of a batch at the end of the set: a broker cuts its answer at the bytes asked for, and the
// next fetch brings it whole. The first batch always comes whole (since Kafka 0.10.1), however large; fetching again
// would bring the same part for ever, so there it is an error.
func (s *Set) dropPart() error {
	if s.first {
		return s.corrupt(s.next, fmt.Sprintf("the answer holds %d bytes, which is only a part of the first batch", len(s.data)))
	}
	s.data = nil
	return nil
}

func (s *Set) refuseFormat(reason string) error {
	offset, magic := int64(binary.BigEndian.Uint64(s.data)), int8(s.data[atMagic])
	if magic == 0 || magic == 1 {
		return &UnsupportedFormatError{Topic: s.Topic, Partition: s.Partition, Offset: offset, Magic: magic}
	}
	return s.corrupt(offset, reason)
}

func (s *Set) corrupt(offset int64, reason string) error {
	return &CorruptBatchError{Topic: s.Topic, Partition: s.Partition, Offset: offset, Reason: reason}
}

func (s *Set) gap(expected, found int64) error {
	return &GapError{Topic: s.Topic, Partition: s.Partition, Expected: expected, Found: found}
}

func (s *Set) release() {
	for i, b := range s.buffers {
		b.release()
		s.buffers[i] = nil
	}
	s.buffers, s.data, s.body, s.open = s.buffers[:0], nil, nil, false
	if s.err == nil {
		s.err = errReleased
	}
}
