package mixed

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
	"github.com/sordini/sordini/protocol/codec"
)

// newestByName is the last version of Fetch that names topics and not their ids; what follows changes no records.
const newestByName = 12

// stored is one way in which records get into a log.
type stored struct {
	name           string
	produceVersion int16
	magic          int8
	pack           packing
	inner          func(i int) int64 // how an old set numbers its messages
}

// everyForm is every message format with every packing that clients of its time had, sent with the Produce version that carries it;
// old sets also with the numbers that careless clients give, which a broker rewrites.
func everyForm() []stored {
	fromZero := func(i int) int64 { return int64(i) }
	var forms []stored
	add := func(version int16, magic int8, pack packing, numbering string, inner func(int) int64) {
		forms = append(forms, stored{name: fmt.Sprintf("Produce %d, format %d, %s%s", version, magic, pack.name, numbering),
			produceVersion: version, magic: magic, pack: pack, inner: inner})
	}
	for _, pack := range packings(0) {
		add(0, 0, pack, "", fromZero)
		add(2, 0, pack, "", fromZero)
	}
	for _, pack := range packings(1) {
		add(2, 1, pack, "", fromZero)
		add(2, 1, pack, ", counted from 70", func(i int) int64 { return int64(70 + i) })
		add(2, 1, pack, ", all numbered 0", func(int) int64 { return 0 })
	}
	for _, pack := range packings(2) {
		add(3, 2, pack, "", nil)
	}
	zstd := packing{name: "zstd", codec: codec.Zstd, do: func(b []byte) []byte { return mustPack(codec.Compress(nil, b, codec.Zstd, codec.DefaultLevel)) }}
	add(7, 2, zstd, "", nil)
	return forms
}

// entries are six records with all that is awkward: nulls, empties, times out of order, and in format 2 headers.
func (s stored) entries(ms int64) []entry {
	all := []entry{
		{ms: ms, key: []byte("k0"), value: []byte("v0")},
		{ms: ms + 20, key: nil, value: []byte("no key")},
		{ms: ms + 10, key: []byte("no value"), value: nil},
		{ms: ms + 30, key: []byte{}, value: []byte{}},
		{ms: ms + 5, key: []byte("long"), value: bytes.Repeat([]byte("sordini "), 200)},
		{ms: ms + 40, key: nil, value: nil},
	}
	for i := range all {
		if s.magic == 0 {
			all[i].ms = -1
		}
		if s.magic == 2 && i%2 == 0 {
			all[i].headers = []kmsg.Header{{Key: "h", Value: fmt.Append(nil, i)}}
		}
	}
	return all
}

func (s stored) set(entries []entry) []byte {
	if s.magic == 2 {
		return batchOf(s.pack, entries)
	}
	return oldSet(s.magic, s.pack, s.inner, entries)
}

// TestFrames: every stored form, read with every version of Fetch, from every offset.
func TestFrames(t *testing.T) {
	b := harness.Start(t)
	c := dial(t, b)
	now := time.Now().UnixMilli()
	for i, form := range everyForm() {
		for _, clock := range []string{"CreateTime", "LogAppendTime"} {
			t.Run(form.name+" "+clock, func(t *testing.T) {
				topic := fmt.Sprintf("frames-%d-%s", i, clock)
				create(t, b, topic, map[string]string{"message.timestamp.type": clock})
				// Given the form twice in the log, so that the second lies at offset 6.
				var want []entry
				for range 2 {
					entries := form.entries(now)
					stamp := c.produce(t, form.produceVersion, topic, form.set(entries))
					if form.produceVersion < 2 { // whose answer does not tell the time
						stamp = parse(t, c.fetch(t, 4, topic, int64(len(want)), 1<<20, 1<<20).RecordBatches).entries[0].ms
					}
					if clock == "LogAppendTime" && stamp < now {
						t.Fatalf("appended at %d ms, which is before %d", stamp, now)
					}
					for _, e := range entries {
						e.offset = int64(len(want))
						if clock == "LogAppendTime" {
							e.ms = stamp
						}
						want = append(want, e)
					}
				}
				for version := int16(0); version <= newestByName; version++ {
					for from := range int64(len(want)) {
						c.checkFetch(t, version, topic, form, want, from, clock)
					}
				}
			})
		}
	}
}

// checkFetch: when a version of Fetch reads from an offset, then it gets its own format and codec, all records from there on, and
// none from before unless they are in one batch or wrapper with it.
func (c *conn) checkFetch(t *testing.T, version int16, topic string, form stored, want []entry, from int64, clock string) {
	t.Helper()
	at := fmt.Sprintf("Fetch %d from %d", version, from)
	answer := c.fetch(t, version, topic, from, 1<<20, 1<<20)
	if form.pack.codec == codec.Zstd && version < 4 {
		if answer.ErrorCode != 76 { // UNSUPPORTED_COMPRESSION_TYPE
			t.Errorf("%s: error %d, want 76: the formats before 2 have no zstd", at, answer.ErrorCode)
		}
		return
	}
	if answer.ErrorCode != 0 {
		t.Errorf("%s: error %d", at, answer.ErrorCode)
		return
	}
	got := parse(t, answer.RecordBatches)
	magic := min(version/2, 2)
	if len(got.magics) != 1 || !got.magics[int8(magic)] || len(got.codecs) != 1 || !got.codecs[form.pack.codec] {
		t.Errorf("%s: formats %v with codecs %v, want %d with %v", at, got.magics, got.codecs, magic, form.pack.codec)
	}
	if got.torn && c.target == "sordini" {
		t.Errorf("%s: ends with a part of a message", at)
	}
	first := from
	switch {
	case version >= 4 || form.pack.codec != codec.None:
		first = from / 6 * 6 // the batch that holds it, whole
	}
	if len(got.entries) == 0 || got.entries[0].offset != first {
		t.Errorf("%s: begins with %v, want offset %d", at, got.entries, first)
		return
	}
	for i, g := range got.entries {
		w := want[first+int64(i)]
		if magic == 0 {
			w.ms = -1
		}
		if magic < 2 {
			w.headers = nil
		}
		if clock == "LogAppendTime" && magic == 0 {
			g.ms = -1
		}
		if w.String() != g.String() {
			t.Errorf("%s: %v, want %v", at, g, w)
			return
		}
	}
	// Kafka converts as much as was stored within the limit, and leaves the rest to the next fetch.
	if first+int64(len(got.entries)) != int64(len(want)) && c.target == "sordini" {
		t.Errorf("%s: %d records, want %d", at, len(got.entries), int64(len(want))-first)
	}
}

// TestLimits: the byte limit of a partition is hard up to Fetch 2, for clients of that time have a buffer of that size and stop at
// a message that is larger; from Fetch 3 on the first batch comes whatever its size.
func TestLimits(t *testing.T) {
	b := harness.Start(t)
	c := dial(t, b)
	create(t, b, "limits", nil)
	var entries []entry
	for i := range 8 {
		entries = append(entries, entry{ms: time.Now().UnixMilli(), key: fmt.Append(nil, i), value: bytes.Repeat([]byte{byte('a' + i)}, 1000)})
	}
	c.produce(t, 3, "limits", batchOf(packing{}, entries))
	for _, tc := range []struct {
		version  int16
		limit    int32
		messages int // Kafka cuts a batch nowhere: where some of it fits, it sends none up to Fetch 2 and all of it in Fetch 3
	}{
		{0, 500, 0}, {1, 500, 0}, {2, 500, 0},
		{0, 3500, 3}, {1, 3500, 3}, {2, 3500, 3},
		{3, 3500, 3}, {4, 500, 8}, {5, 500, 8}, {11, 500, 8}, {12, 500, 8},
	} {
		answer := c.fetch(t, tc.version, "limits", 0, tc.limit, 1<<20)
		got := parse(t, answer.RecordBatches)
		cut := tc.messages > 0 && tc.messages < len(entries) && c.target != "sordini"
		if answer.ErrorCode != 0 || len(got.entries) != tc.messages && !cut {
			t.Errorf("Fetch %d with a limit of %d: error %d, %d messages, want %d", tc.version, tc.limit, answer.ErrorCode, len(got.entries), tc.messages)
		}
		if tc.version < 3 && len(answer.RecordBatches) > int(tc.limit) {
			t.Errorf("Fetch %d with a limit of %d: %d bytes", tc.version, tc.limit, len(answer.RecordBatches))
		}
	}
	// Fetch 3 is of the same time as format 1, and its first message comes whole.
	if got := parse(t, c.fetch(t, 3, "limits", 0, 500, 1<<20).RecordBatches); len(got.entries) == 0 {
		t.Error("Fetch 3 with a limit of 500: nothing, want at least the first message")
	}
}

type conn struct {
	*harness.Conn
	target string
}

func dial(t *testing.T, b *harness.Broker) *conn {
	t.Helper()
	c, err := harness.Dial(b.Addr, "mixed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &conn{Conn: c, target: b.Target}
}

// produce appends to partition 0 and returns the time that the broker gave, -1 for none. Kafka shows a topic before it takes
// records for it.
func (c *conn) produce(t *testing.T, version int16, topic string, set []byte) int64 {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(version)
	req.Acks, req.TimeoutMillis = -1, 5000
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: set}}}}
	for deadline := time.Now().Add(harness.Patience); ; time.Sleep(20 * time.Millisecond) {
		resp, err := c.Ask(req)
		if err != nil {
			t.Fatalf("Produce %d: %v", version, err)
		}
		p := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if (p.ErrorCode == 3 || p.ErrorCode == 6) && c.target != "sordini" && time.Now().Before(deadline) {
			continue
		}
		if p.ErrorCode != 0 {
			t.Fatalf("Produce %d: error %d", version, p.ErrorCode)
		}
		return p.LogAppendTime
	}
}

func (c *conn) fetch(t *testing.T, version int16, topic string, from int64, partitionBytes, maxBytes int32) kmsg.FetchResponseTopicPartition {
	t.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(version)
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.SessionEpoch = 100, 0, maxBytes, -1
	part := kmsg.NewFetchRequestTopicPartition()
	part.FetchOffset, part.PartitionMaxBytes = from, partitionBytes
	req.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{part}}}
	resp, err := c.Ask(req)
	if err != nil {
		t.Fatalf("Fetch %d: %v", version, err)
	}
	return resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
}
