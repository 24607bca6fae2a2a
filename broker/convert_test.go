package broker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
	"github.com/sordini/sordini/storage"
)

// TestAConvertedFetchIsBounded: a fetch of format 1 asks for far more than the broker converts at a time. It gets its share, and those of
// the partitions that went without are served by the next ones.
func TestAConvertedFetchIsBounded(t *testing.T) {
	const memory, partitions, perPartition, size = 64 << 10, 4, 150, 700
	s := startServer(t, t.TempDir(), "sordini.fetch.conversion.memory.bytes", fmt.Sprint(memory), "message.max.bytes", "1500",
		"num.partitions", fmt.Sprint(partitions), "sordini.durability", "os")
	cl := s.client(t, kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(1500))
	for i := range perPartition * partitions {
		r := &kgo.Record{Topic: "old", Partition: int32(i % partitions), Value: bytes.Repeat([]byte{byte('a' + i%26)}, size)}
		cl.Produce(testContext(t), r, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	client := dialRaw(t, s.address)
	at := make([]int64, partitions)
	fetches := 0
	for done := false; !done; fetches++ {
		r := kmsg.NewPtrFetchRequest()
		r.Version, r.MaxWaitMillis, r.MinBytes = 2, 10, 1<<30
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic = "old"
		for p := range at {
			rp := kmsg.NewFetchRequestTopicPartition()
			rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = int32(p), at[p], 1<<20
			rt.Partitions = append(rt.Partitions, rp)
		}
		r.Topics = append(r.Topics, rt)
		answer := kmsg.NewPtrFetchResponse()
		answer.Version = 2
		if err := answer.ReadFrom(client.ask(encodeFrame(r))); err != nil {
			t.Fatal(err)
		}
		total, moved := 0, false
		done = true
		for p, part := range answer.Topics[0].Partitions {
			if part.ErrorCode != 0 {
				t.Fatalf("partition %d: error %d", p, part.ErrorCode)
			}
			total += len(part.RecordBatches)
			if last := lastOffset(t, part.RecordBatches); last >= at[p] {
				at[p], moved = last+1, true
			}
			done = done && at[p] == perPartition
		}
		if most := memory + 1500; total > most {
			t.Fatalf("%d bytes in one answer, at most %d are allowed", total, most)
		}
		if !moved && !done {
			t.Fatalf("nothing came of fetch %d at %v", fetches, at)
		}
	}
	if fetches < 2 {
		t.Errorf("everything came with %d fetches: the limit was not met", fetches)
	}
}

// TestAnOldConsumerGetsPastWhatIsNotForIt: control batches, and the rest of a batch whose last records were compacted away, make no message. A
// consumer with a small limit saw nothing else, got nothing, and asked for the same offset for ever.
func TestAnOldConsumerGetsPastWhatIsNotForIt(t *testing.T) {
	const markers, limit = 100, 100
	s := startServer(t, t.TempDir(), "sordini.durability", "os")
	pass(t, s, "old")
	p := s.replicas.Get("old", 0)
	appendBatch := func(o batch.Options, size int, lastDelta byte) (offset int64) {
		b := batch.NewBuilder(o)
		b.Add(0, nil, make([]byte, size), nil)
		raw, err := b.Build(nil)
		if err != nil {
			t.Fatal(err)
		}
		raw[26] = lastDelta
		batch.Batch(raw).RecomputeCRC()
		a := storage.Append{Batch: raw, Origin: storage.Coordinator}
		if err := errors.Join(p.Append(0, []*storage.Append{&a}), a.Result.Err); err != nil {
			t.Fatal(err)
		}
		return a.Result.BaseOffset
	}
	for _, version := range []int16{0, 2, 3} {
		for _, codec := range []codec.Codec{codec.None, codec.Gzip} {
			// Given both, and behind them a small record, and a large one.
			first := p.Log().LogEndOffset()
			for range markers {
				appendBatch(batch.Options{Control: true}, 4, 0)
			}
			rest := appendBatch(batch.Options{Codec: codec}, 1, 9)
			small := appendBatch(batch.Options{Codec: codec}, 1, 0)
			large := appendBatch(batch.Options{}, 5*limit, 0)
			for _, c := range []struct{ from, want int64 }{{first, rest}, {rest + 1, small}, {small + 1, large}} {
				if c.want == large && version < 3 {
					continue // its limit is a hard one
				}
				answer := kmsg.NewPtrFetchResponse()
				answer.Version = version
				if err := answer.ReadFrom(dialRaw(t, s.address).ask(fetchFrame(version, "old", c.from, limit))); err != nil {
					t.Fatal(err)
				}
				got := answer.Topics[0].Partitions[0]
				if set := got.RecordBatches; lastOffset(t, set) < 0 || int64(binary.BigEndian.Uint64(set)) != c.want {
					t.Errorf("v%d, %s, from %d: error %d, %d bytes, want the message at %d", version, codec, c.from, got.ErrorCode, len(set), c.want)
				}
			}
		}
	}
}

// lastOffset is that of the last message of an old record set, -1 for none.
func lastOffset(t *testing.T, set []byte) int64 {
	t.Helper()
	last := int64(-1)
	for len(set) > 0 {
		if len(set) < 12 || len(set) < 12+int(binary.BigEndian.Uint32(set[8:])) {
			t.Fatal("the answer ends within a message")
		}
		last = int64(binary.BigEndian.Uint64(set))
		set = set[12+int(binary.BigEndian.Uint32(set[8:])):]
	}
	return last
}

// TestNewClientsAreNeverConverted: from Produce 3 and Fetch 4 on records go in and out as they are. A client of before shows that the
// counters count.
func TestNewClientsAreNeverConverted(t *testing.T) {
	s := startServer(t, t.TempDir(), "sordini.durability", "os")
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}
	for _, v := range []*kversion.Versions{kversion.V0_11_0(), kversion.V1_1_0(), kversion.V2_1_0(), kversion.V3_0_0(), kversion.Stable()} {
		for i, codec := range codecs {
			pass(t, s, fmt.Sprintf("codec-%d", i), kgo.MaxVersions(v), kgo.ProducerBatchCompression(codec))
		}
	}
	if up, down, anew := s.metrics.UpConversions.Load(), s.metrics.DownConversions.Load(), s.metrics.Recompressions.Load(); up+down+anew != 0 {
		t.Errorf("%d record sets were converted up, %d down, %d compressed anew", up, down, anew)
	}
	if copied := s.metrics.BytesCopiedOut.Load(); copied != 0 {
		t.Errorf("%d bytes of records were copied on the way out", copied)
	}
	pass(t, s, "codec-0", kgo.MaxVersions(kversion.V0_10_0()), kgo.DisableIdempotentWrite(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if up, down := s.metrics.UpConversions.Load(), s.metrics.DownConversions.Load(); up == 0 || down == 0 {
		t.Errorf("an old client's record sets: %d converted up, %d down", up, down)
	}
}

// pass sends records to a topic and reads it from the beginning until they come out.
func pass(t *testing.T, s *testServer, topic string, opts ...kgo.Opt) {
	t.Helper()
	cl := s.client(t, append(opts, kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	defer cl.Close()
	sent := &kgo.Record{Value: bytes.Repeat([]byte("sordini "), 100)}
	if err := cl.ProduceSync(testContext(t), sent, kgo.SliceRecord(sent.Value)).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for at := int64(-1); at < sent.Offset; {
		fetches := cl.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { at = r.Offset })
	}
}
