package main

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The broker measures what it does with good input; a batch that it refuses would be a fast one.
func TestEncodedBatchIsValid(t *testing.T) {
	for _, shape := range []batchShape{{records: 1, valueBytes: 100}, {records: 16, valueBytes: 1000}, {records: 50, valueBytes: 1000, lz4: true}} {
		b := encodeBatch(shape, 1_700_000_000_000)
		var rb kmsg.RecordBatch
		if err := rb.ReadFrom(b); err != nil {
			t.Fatalf("%+v: %v", shape, err)
		}
		if int(rb.Length) != len(b)-batchOverhead || int(rb.NumRecords) != shape.records {
			t.Errorf("%+v: length %d, records %d in %d bytes", shape, rb.Length, rb.NumRecords, len(b))
		}
		if got, want := crc32.Checksum(b[batchAttrsAt:], castagnoli), binary.BigEndian.Uint32(b[batchCRCAt:]); got != want {
			t.Errorf("%+v: checksum %x, header says %x", shape, got, want)
		}
		if plain := shape.records * shape.valueBytes; shape.lz4 && (len(b) > plain*2/3 || len(b) < plain/3) {
			t.Errorf("%+v: %d of %d bytes, want about half", shape, len(b), plain)
		}
	}
}

func TestProduceAnswerIsCheckedWithoutDecoding(t *testing.T) {
	answer, err := newProduceAnswer("topic")
	if err != nil {
		t.Fatal(err)
	}
	encode := func(code int16) []byte {
		p := kmsg.NewProduceResponseTopicPartition()
		p.ErrorCode, p.BaseOffset = code, 123456789
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.Partitions = "topic", append(topic.Partitions, p)
		r := kmsg.NewProduceResponse()
		r.Version, r.Topics = produceVersion, append(r.Topics, topic)
		return r.AppendTo(make([]byte, responseHeader))
	}
	if err := answer.check(encode(0)); err != nil {
		t.Errorf("good answer: %v", err)
	}
	if err := answer.check(encode(6)); err == nil {
		t.Error("an answer with error 6 passed")
	}
}

func TestFetchRequestIsPatchedInPlace(t *testing.T) {
	f, err := newFetchRequest(fetchVersion, "topic", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	r := kmsg.NewFetchRequest()
	r.Version = fetchVersion
	const header = 4 + 2 + 2 + 4 + 2 + len("bench") + 1
	if err := r.ReadFrom(f.at(987654321)[header:]); err != nil {
		t.Fatal(err)
	}
	if got := r.Topics[0].Partitions[0].FetchOffset; got != 987654321 {
		t.Errorf("offset %d", got)
	}
}

func TestSpread(t *testing.T) {
	if got := (spread{3, 1, 2}).median(); got != 2 {
		t.Errorf("median %v", got)
	}
	if got := (spread{4, 1, 2, 3}).String(); got != "2.5 [1..4]" {
		t.Errorf("spread %q", got)
	}
}
