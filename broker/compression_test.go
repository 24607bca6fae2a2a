package broker

import (
	"bytes"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

func packedBatch(t testing.TB, c codec.Codec, records, size int) batch.Batch {
	t.Helper()
	b := batch.NewBuilder(batch.Options{Codec: c})
	for range records {
		b.Add(time.Now().UnixMilli(), []byte("key"), make([]byte, size), nil)
	}
	raw, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func produceCode(t *testing.T, s *testServer, topic string, raw []byte) int16 {
	t.Helper()
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = 9
	if err := resp.ReadFrom(dialRaw(t, s.address).ask(produceFrame(9, topic, -1, raw))[1:]); err != nil {
		t.Fatal(err)
	}
	return resp.Topics[0].Partitions[0].ErrorCode
}

func TestCompressionTypeOfATopic(t *testing.T) {
	s := startServer(t, t.TempDir())
	admin := kadm.NewClient(s.client(t))
	wanted := map[string]codec.Codec{"uncompressed": codec.None, "gzip": codec.Gzip, "snappy": codec.Snappy, "lz4": codec.LZ4, "zstd": codec.Zstd}
	for name, want := range wanted {
		level := "5"
		configs := map[string]*string{"compression.type": &name, "compression.gzip.level": &level, "compression.lz4.level": &level, "compression.zstd.level": &level}
		if _, err := admin.CreateTopic(testContext(t), 1, 1, configs, name); err != nil {
			t.Fatal(err)
		}
		before := s.metrics.Recompressions.Load()
		for sent := codec.None; sent <= codec.Zstd; sent++ {
			raw := packedBatch(t, sent, 50, 200)
			mine := bytes.Clone(raw)
			if code := produceCode(t, s, name, raw); code != 0 {
				t.Fatalf("%s to a topic of %s: error %d", sent, name, code)
			}
			// Then it is stored in the topic's codec, with its records, and untouched where it had it.
			offset := int64(sent) * 50
			stored, _, err := batch.Next(fetchOf(t, s, 12, name, offset, 0)[0].RecordBatches)
			if err != nil || !stored.ValidCRC() || stored.Codec() != want || stored.BaseOffset() != offset || stored.Count() != 50 {
				t.Fatalf("%s to a topic of %s: %v, %s, %d records at %d", sent, name, err, stored.Codec(), stored.Count(), stored.BaseOffset())
			}
			if sent == want && !bytes.Equal(stored[batch.HeaderSize:], mine[batch.HeaderSize:]) {
				t.Errorf("%s: the producer's own bytes were changed", name)
			}
			if records := recordsOf(t, stored); !bytes.Equal(records, recordsOf(t, mine)) {
				t.Errorf("%s to a topic of %s: other records", sent, name)
			}
		}
		if n := s.metrics.Recompressions.Load() - before; n != 4 {
			t.Errorf("%s: %d of 5 batches were counted as compressed anew", name, n)
		}
		if n := s.replicas.Topic(name).Recompressions.Load(); n != 4 {
			t.Errorf("%s: the topic counts %d", name, n)
		}
	}
	// Without a codec of its own a topic takes everything as it comes.
	produce(t, s, "plain", 0, 1)
	before := s.metrics.Recompressions.Load()
	for sent := codec.None; sent <= codec.Zstd; sent++ {
		if code := produceCode(t, s, "plain", packedBatch(t, sent, 50, 200)); code != 0 {
			t.Fatal(sent, code)
		}
	}
	if n := s.metrics.Recompressions.Load() - before; n != 0 {
		t.Errorf("%d batches were compressed anew for nothing", n)
	}
}

func recordsOf(t *testing.T, b batch.Batch) (out []byte) {
	t.Helper()
	for r, err := range batch.Records(b, 1<<20) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, r.Key...), r.Value...)
	}
	return out
}

// As in Kafka max.message.bytes holds for what is stored, too.
func TestABatchThatUnpacksTooFarIsRefused(t *testing.T) {
	s := startServer(t, t.TempDir())
	uncompressed, most := "uncompressed", "100000"
	configs := map[string]*string{"compression.type": &uncompressed, "max.message.bytes": &most}
	if _, err := kadm.NewClient(s.client(t)).CreateTopic(testContext(t), 1, 1, configs, "flat"); err != nil {
		t.Fatal(err)
	}
	if code := produceCode(t, s, "flat", packedBatch(t, codec.Zstd, 90, 1000)); code != 0 {
		t.Errorf("90 kB: error %d", code)
	}
	if code := produceCode(t, s, "flat", packedBatch(t, codec.Zstd, 110, 1000)); code != kerr.MessageTooLarge.Code {
		t.Errorf("110 kB: error %d", code)
	}
	if end := s.replicas.Get("flat", 0).Log().LogEndOffset(); end != 90 {
		t.Errorf("the log ends at %d", end)
	}
}
