package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Frames are encoded once, before the clock starts. Both versions are flexible, name topics by name (ids came later and
// differ between brokers), and are served by every Kafka from 2.7 to 4.4.
const (
	produceVersion = 9
	fetchVersion   = 12
	partition      = 0

	// fetchOldVersion gets message format 1, so what is stored must be converted. Kafka 4 does not serve it any more.
	fetchOldVersion = 2

	batchLengthAt     = 8
	batchCRCAt        = 17
	batchAttrsAt      = 21
	messageHeaderSize = 34 // of format 1; a batch of format 2 has more
	batchOverhead     = 12 // base offset and length: not counted by the length field
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batchShape says what one record batch holds.
type batchShape struct {
	records, valueBytes int
	lz4                 bool // values then have about half a byte of entropy per byte, so that they shrink 2:1
}

// encodeBatch builds a record batch of format 2 whose values are seeded noise: equal in every run, but not compressible
// by accident anywhere on the way.
func encodeBatch(s batchShape, nowMs int64) []byte {
	rnd := rand.New(rand.NewSource(42))
	var records []byte
	for i := range s.records {
		value := make([]byte, s.valueBytes)
		rnd.Read(value)
		if s.lz4 {
			clear(value[:s.valueBytes/2])
		}
		r := kmsg.Record{OffsetDelta: int32(i), Value: value}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // the length field itself, 0 here, takes one byte
		records = r.AppendTo(records)
	}
	var attributes int16
	if s.lz4 {
		var out bytes.Buffer
		w := lz4.NewWriter(&out)
		if _, err := w.Write(records); err != nil {
			panic(fmt.Sprintf("lz4 into memory: %v", err))
		}
		if err := w.Close(); err != nil {
			panic(fmt.Sprintf("lz4 into memory: %v", err))
		}
		records, attributes = out.Bytes(), 3
	}
	b := (&kmsg.RecordBatch{
		PartitionLeaderEpoch: -1,
		Magic:                2,
		Attributes:           attributes,
		LastOffsetDelta:      int32(s.records - 1),
		FirstTimestamp:       nowMs,
		MaxTimestamp:         nowMs,
		ProducerID:           -1,
		ProducerEpoch:        -1,
		FirstSequence:        -1,
		NumRecords:           int32(s.records),
		Records:              records,
	}).AppendTo(nil)
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(len(b)-batchOverhead))
	binary.BigEndian.PutUint32(b[batchCRCAt:], crc32.Checksum(b[batchAttrsAt:], castagnoli))
	return b
}

func encodeRequest(r kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, r, 0)
}

// produceFrame is one Produce request with one batch for one partition, acks=1.
func produceFrame(topic string, batch []byte) []byte {
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition = partition
	p.Records = batch
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, p)
	r := kmsg.NewProduceRequest()
	r.Version = produceVersion
	r.Acks = 1
	r.TimeoutMillis = 30_000
	r.Topics = append(r.Topics, t)
	return encodeRequest(&r)
}

// produceAnswer knows where the error code stands in the answers to produceFrame, which all have the same length, so
// that checking an answer costs the client a comparison and no decoder.
type produceAnswer struct{ size, errorAt int }

func newProduceAnswer(topic string) (produceAnswer, error) {
	p := kmsg.NewProduceResponseTopicPartition()
	p.Partition = partition
	p.ErrorCode = 0x5153
	t := kmsg.NewProduceResponseTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, p)
	r := kmsg.NewProduceResponse()
	r.Version = produceVersion
	r.Topics = append(r.Topics, t)
	body := r.AppendTo(nil)
	at := bytes.Index(body, []byte{0x51, 0x53})
	if at < 0 {
		return produceAnswer{}, fmt.Errorf("no error code found in an encoded Produce response")
	}
	return produceAnswer{size: responseHeader + len(body), errorAt: responseHeader + at}, nil
}

// responseHeader is the size of a flexible response header without tags: correlation id and an empty tag section.
const responseHeader = 5

func (a produceAnswer) check(frame []byte) error {
	if len(frame) == a.size && frame[a.errorAt] == 0 && frame[a.errorAt+1] == 0 {
		return nil
	}
	r := kmsg.NewProduceResponse()
	r.Version = produceVersion
	if err := r.ReadFrom(frame[responseHeader:]); err != nil {
		return fmt.Errorf("unreadable answer to Produce: %w", err)
	}
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			p := &r.Topics[i].Partitions[j]
			return codeError("Produce", p.ErrorCode, p.ErrorMessage)
		}
	}
	return fmt.Errorf("unexpected answer to Produce: %+v", r)
}

// fetchRequest is one Fetch frame and the place of its offset: the frame is encoded once, and the offset patched.
type fetchRequest struct {
	frame    []byte
	offsetAt int
}

func newFetchRequest(version int16, topic string, maxBytes int32) (*fetchRequest, error) {
	const mark = 0x51535253_54535553
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition = partition
	p.FetchOffset = mark
	p.CurrentLeaderEpoch = -1
	p.LastFetchedEpoch = -1
	p.LogStartOffset = -1
	p.PartitionMaxBytes = maxBytes
	t := kmsg.NewFetchRequestTopic()
	t.Topic = topic
	t.Partitions = append(t.Partitions, p)
	r := kmsg.NewFetchRequest()
	r.Version = version
	r.ReplicaID = -1
	r.MaxWaitMillis = 500
	r.MinBytes = 1
	r.MaxBytes = 50 << 20
	r.SessionEpoch = -1
	r.Topics = append(r.Topics, t)
	frame := encodeRequest(&r)
	at := bytes.Index(frame, binary.BigEndian.AppendUint64(nil, mark))
	if at < 0 {
		return nil, fmt.Errorf("no offset found in an encoded Fetch request")
	}
	return &fetchRequest{frame: frame, offsetAt: at}, nil
}

func (f *fetchRequest) at(offset int64) []byte {
	binary.BigEndian.PutUint64(f.frame[f.offsetAt:], uint64(offset))
	return f.frame
}

// fetched is what one answer held: the bytes of records, torn ones included, and the offset after the last whole batch.
type fetched struct {
	recordBytes, nextOffset, highWatermark int64
}

func readFetched(version int16, frame []byte) (fetched, error) {
	r := kmsg.NewFetchResponse()
	r.Version = version
	header := responseHeader
	if !r.IsFlexible() {
		header = 4 // the correlation id alone
	}
	if err := r.ReadFrom(frame[header:]); err != nil {
		return fetched{}, fmt.Errorf("unreadable answer to Fetch: %w", err)
	}
	if r.ErrorCode != 0 {
		return fetched{}, codeError("Fetch", r.ErrorCode, nil)
	}
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		return fetched{}, fmt.Errorf("answer to Fetch has not exactly one partition")
	}
	p := &r.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return fetched{}, codeError("Fetch", p.ErrorCode, nil)
	}
	f := fetched{recordBytes: int64(len(p.RecordBatches)), highWatermark: p.HighWatermark, nextOffset: -1}
	for b := p.RecordBatches; len(b) >= messageHeaderSize; {
		size := batchOverhead + int(binary.BigEndian.Uint32(b[batchLengthAt:]))
		if size > len(b) {
			break
		}
		f.nextOffset = int64(binary.BigEndian.Uint64(b)) + 1
		if version > fetchOldVersion {
			f.nextOffset += int64(binary.BigEndian.Uint32(b[23:])) // the last offset delta: a batch has many records
		}
		b = b[size:]
	}
	if f.nextOffset < 0 {
		return f, fmt.Errorf("answer to Fetch holds no whole batch (%d bytes, high watermark %d)", f.recordBytes, f.highWatermark)
	}
	return f, nil
}
