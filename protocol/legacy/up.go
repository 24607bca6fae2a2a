package legacy

import (
	"encoding/binary"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// UpConvert appends to dst one record batch, at base offset 0, with all records of a message set in format 0 or 1, as a
// Produce of version 0-2 carries it. Each record keeps its own timestamp; format 0 has none, which is -1. The codec stays. Inner offsets
// of a compressed set are not looked at, because clients of the time get them wrong and Kafka rewrites them. A torn message
// at the end is dropped; when nothing else was there, dst comes back as it was, which is a success with nothing to append.
//
// The rules are those of batch.Validate, which needs not see the result again; batch.Batch.Info describes it. A set whose
// first message is of format 2 is the caller's to pass to batch.Validate.
func UpConvert(dst, set []byte, r *batch.Rules) ([]byte, *batch.Error) {
	u := up{rules: r}
	if err := u.survey(set); err != nil {
		return dst, err
	}
	if u.messages == 0 {
		return dst, nil
	}
	opts := batch.Options{Codec: u.codec, MaxBytes: r.MaxMessageBytes, LogAppendTime: r.LogAppendTime, LogAppendTimeMs: r.NowMs}
	if r.Recompress {
		opts.Codec, opts.Level = r.Codec, r.Level
	}
	u.builder.Reset(opts)
	var err *batch.Error
	if u.codec == codec.None {
		err = u.addPlain(set)
	} else {
		err = u.addWrapped(u.first)
	}
	if err != nil {
		return dst, err
	}
	out, berr := u.builder.Build(dst)
	if errors.Is(berr, batch.ErrFull) {
		return dst, u.tooLarge()
	}
	if berr != nil {
		return dst, r.Refuse(kerr.InvalidRecord, "The converted records make no batch: %v", berr)
	}
	return out, nil
}

func (u *up) tooLarge() *batch.Error {
	return u.rules.Refuse(kerr.MessageTooLarge, "The record batch size after conversion exceeds the maximum configured value of %d", u.rules.MaxMessageBytes)
}

// up is one conversion.
type up struct {
	rules   *batch.Rules
	builder batch.Builder

	messages int // whole ones at the top level
	first    message
	codec    codec.Codec

	index        int32 // of the next record
	refused      []batch.RecordError
	badTimestamp bool
}

// survey checks the top level before anything is converted: sizes, checksums, one magic, and at most one wrapper, alone.
func (u *up) survey(set []byte) *batch.Error {
	for {
		m, rest, err := u.next(set)
		if err != nil {
			return err
		}
		if m == nil {
			break
		}
		if size := len(m); u.rules.MaxMessageBytes > 0 && size > u.rules.MaxMessageBytes {
			return u.rules.Refuse(kerr.MessageTooLarge, "The record batch size is %d bytes, which exceeds the maximum configured value of %d", size, u.rules.MaxMessageBytes)
		}
		if m.magic() == batch.Magic && u.messages > 0 {
			return u.mixed(m) // its checksum is another one
		}
		if !m.longEnough() || !m.validCRC() {
			return u.rules.Refuse(kerr.CorruptMessage, "Record is corrupt (stored crc = %d)", m.crc())
		}
		if c := m.codec(); c != codec.None {
			if c >= codec.Zstd { // the old formats end at LZ4
				return u.rules.Refuse(kerr.UnsupportedCompressionType, "Compression type id %d cannot be used with magic %d", uint8(c), m.magic())
			}
			u.codec = c
		}
		if u.messages == 0 {
			u.first = m
		}
		if m.magic() != u.first.magic() {
			return u.mixed(m)
		}
		u.messages++
		set = rest
	}
	if u.messages > 0 && u.first.magic() > 1 {
		return u.rules.Refuse(kerr.InvalidRecord, "Magic %d needs no conversion", u.first.magic())
	}
	if u.codec != codec.None && u.messages > 1 {
		return u.rules.Refuse(kerr.InvalidRecord, "Compressed outer record has more than one batch")
	}
	return nil
}

func (u *up) mixed(m message) *batch.Error {
	return u.rules.Refuse(kerr.InvalidRecord, "Batch magic %d is not the same as the first batch's magic byte %d", m.magic(), u.first.magic())
}

// next cuts the first message from a set. No message and no error: the set is empty or ends torn.
func (u *up) next(set []byte) (m message, rest []byte, err *batch.Error) {
	if len(set) < logOverhead {
		return nil, set, nil
	}
	size := int32(binary.BigEndian.Uint32(set[posSize:]))
	if size < minSizeV0 {
		return nil, set, u.rules.Refuse(kerr.CorruptMessage, "Record size %d is less than the minimum record overhead (%d)", size, minSizeV0)
	}
	if len(set) <= posMagic {
		return nil, set, nil
	}
	if magic := int8(set[posMagic]); magic < 0 || magic > batch.Magic {
		return nil, set, u.rules.Refuse(kerr.CorruptMessage, "Invalid magic found in record: %d", magic)
	}
	if int64(size) > int64(len(set)-logOverhead) {
		return nil, set, nil
	}
	end := logOverhead + int(size)
	return message(set[:end:end]), set[end:], nil
}

// addPlain adds every message of an uncompressed set.
func (u *up) addPlain(set []byte) *batch.Error {
	for {
		m, rest, err := u.next(set)
		if err != nil || m == nil {
			if err == nil {
				err = u.verdict()
			}
			return err
		}
		if err := u.add(m, m.timestamp(), m.isAppendTime()); err != nil {
			return err
		}
		set = rest
	}
}

// addWrapped adds the messages inside a wrapper.
func (u *up) addWrapped(w message) *batch.Error {
	_, packed, ok := w.keyValue()
	if !ok {
		return u.rules.Refuse(kerr.InvalidRecord, "Found invalid record structure")
	}
	if packed == nil {
		return u.rules.Refuse(kerr.InvalidRecord, "Found invalid compressed record set with null value (magic = %d)", w.magic())
	}
	var stream *codec.Stream
	if w.magic() == 0 && u.codec == codec.LZ4 {
		stream = codec.OpenLegacyLZ4(packed)
	} else {
		stream = codec.Open(packed, u.codec)
	}
	defer stream.Close()
	in := innerSet{up: u, stream: stream}
	for {
		m, err := in.next()
		if err != nil {
			return err
		}
		if m == nil {
			break
		}
		if err := u.addInner(w, m); err != nil {
			return err
		}
	}
	if u.index == 0 {
		return u.rules.Refuse(kerr.InvalidRecord, "Found invalid compressed record set with no inner records (magic = %d)", w.magic())
	}
	return u.verdict()
}

func (u *up) addInner(w, m message) *batch.Error {
	if m.magic() != w.magic() {
		return u.rules.Refuse(kerr.InvalidRecord, "Compressed message magic %d does not match wrapper magic %d", m.magic(), w.magic())
	}
	if !m.longEnough() || !m.validCRC() {
		return u.rules.Refuse(kerr.CorruptMessage, "Record is corrupt (stored crc = %d)", m.crc())
	}
	if most := u.rules.MaxRecordBytes; most > 0 && len(m)-logOverhead > most {
		return u.rules.Refuse(kerr.InvalidRecord, "A message of %d bytes in a compressed record set exceeds the configured maximum record size of %d bytes", len(m)-logOverhead, most)
	}
	if m.codec() != codec.None {
		return u.rules.RefuseRecords([]batch.RecordError{{Index: u.index, Message: "Compressed outer record should not have an inner record with a compression attribute set"}}, false)
	}
	ts := m.timestamp()
	if w.isAppendTime() {
		ts = w.timestamp()
	}
	return u.add(m, ts, w.isAppendTime())
}

// add adds one record, or notes why the topic does not want it.
func (u *up) add(m message, timestamp int64, appendTime bool) *batch.Error {
	key, value, ok := m.keyValue()
	if !ok {
		return u.rules.RefuseRecords([]batch.RecordError{{Index: u.index, Message: "Found invalid record structure"}}, false)
	}
	index := u.index
	u.index++
	e, ok, byTime := u.rules.JudgeRecord(index, m.offset(), timestamp, key != nil)
	if ok && appendTime && u.rules.LogAppendTime {
		e, ok, byTime = batch.RecordError{Index: index, Message: batch.ProducerAppendTime}, false, true
	}
	if ok {
		if u.builder.Add(timestamp, key, value, nil); u.builder.Full() {
			return u.tooLarge()
		}
		return nil
	}
	u.badTimestamp = u.badTimestamp || byTime
	if u.refused = append(u.refused, e); len(u.refused) >= batch.MaxRecordErrors {
		return u.verdict()
	}
	return nil
}

func (u *up) verdict() *batch.Error {
	if len(u.refused) == 0 {
		return nil
	}
	return u.rules.RefuseRecords(u.refused, u.badTimestamp)
}
