package mixed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const perWriter = 20

// topics are what every writer writes to and every reader reads, a step of the table each.
var topics = []struct {
	step, codec string
	config      map[string]string
}{
	{step: "none", codec: "none"},
	{step: "gzip", codec: "gzip"},
	{step: "snappy", codec: "snappy"},
	{step: "lz4", codec: "lz4"},
	{step: "zstd", codec: "zstd"},
	{step: "append-time", codec: "gzip", config: map[string]string{"message.timestamp.type": "LogAppendTime"}},
	{step: "compacted", codec: "gzip", config: map[string]string{
		"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "600000"}},
}

// block is what one writer wrote to one topic.
type block struct {
	writer  string
	first   int64
	records []harness.Record
}

// filled is a topic and what was written to partition 0 of it.
type filled struct {
	topic  string
	blocks []block
	gone   map[int64]bool // offsets that compaction has taken
}

func (f *filled) end() int64 {
	if len(f.blocks) == 0 {
		return 0
	}
	last := f.blocks[len(f.blocks)-1]
	return last.first + int64(len(last.records))
}

// TestGenerations: every version writes, and then every version reads it all.
func TestGenerations(t *testing.T) {
	versions := clients(t)
	b := harness.Start(t, "log.cleaner.backoff.ms=200")
	var all []*filled
	for _, topic := range topics {
		f := &filled{topic: "mixed-" + topic.step}
		create(t, b, f.topic, topic.config)
		all = append(all, f)
	}
	for _, v := range versions {
		c := v.Start(t, b)
		for i, topic := range topics {
			write(t, c, all[i], topic.codec, topic.step)
		}
		c.Close(t)
	}
	compacted := all[len(all)-1]
	holes(t, b, compacted)
	transactions := writeTransactions(t, b, versions)
	b.Restart(t, harness.Graceful)

	partner := newestJava(versions).Start(t, b)
	for _, v := range versions {
		t.Run(v.Name, func(t *testing.T) {
			c := v.Start(t, b)
			for i, topic := range topics {
				if !slices.Contains(c.Features().Codecs, topic.codec) {
					harness.Unmeasured(t, b, v.Name, topic.step, harness.Absent, "older than the codec")
					continue
				}
				harness.Measure(t, b, v.Name, topic.step, func(t *testing.T) string { return read(t, c, all[i]) })
			}
			harness.Measure(t, b, v.Name, "group", func(t *testing.T) string { return share(t, c, partner) })
			if transactions == 0 {
				harness.Unmeasured(t, b, v.Name, "markers", harness.Later, "the broker does not advertise transactions")
			} else {
				harness.Measure(t, b, v.Name, "markers", func(t *testing.T) string { return readMarkers(t, b, c, transactions) })
			}
			c.Close(t)
		})
	}
	partner.Close(t)
}

// clients are the versions of versions.txt, each named by its lane and the version there.
func clients(t *testing.T) []harness.Version {
	var versions []harness.Version
	for _, name := range harness.Versions(t, "versions.txt") {
		dash := strings.LastIndexByte(name, '-')
		agent := harness.Agents("../"+name[:dash]+"/run.sh", name[dash+1:])[0]
		agent.Name = name
		agent.Prepare(t)
		versions = append(versions, agent)
	}
	return versions
}

func newestJava(versions []harness.Version) (newest harness.Version) {
	for _, v := range versions {
		if strings.HasPrefix(v.Name, "java-") {
			newest = v
		}
	}
	return newest
}

func create(t *testing.T, b *harness.Broker, topic string, config map[string]string) {
	t.Helper()
	configs := map[string]*string{}
	for k, v := range config {
		configs[k] = &v
	}
	b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		_, err := adm.CreateTopic(ctx, 1, 1, configs, topic)
		return err
	})
}

// write adds a writer's block. A codec that the writer does not have is another's work.
func write(t *testing.T, c harness.Client, f *filled, codec, step string) {
	t.Helper()
	if !slices.Contains(c.Features().Codecs, codec) {
		return
	}
	records := harness.MakeRecords(c.Features(), 0, perWriter)
	for i := range records {
		if step == "compacted" { // where no key may be null, and a key is gone when it comes again
			records[i].Key = fmt.Appendf(nil, "%s-%d", c.Name(), i)
		}
	}
	c.Produce(t, harness.ProduceArgs{Topic: f.topic, Codec: codec, Acks: "all", Records: records})
	if step == "append-time" {
		for i := range records {
			records[i].Timestamp = harness.TimestampNow
		}
	}
	f.blocks = append(f.blocks, block{writer: c.Name(), first: f.end(), records: records})
}

// read reads a topic from the beginning, and from the middle of each writer's block.
func read(t *testing.T, c harness.Client, f *filled) string {
	t.Helper()
	f.compare(t, c, 0)
	// The middle is within a batch, and for old readers within a compressed set.
	for i := 0; i < len(f.blocks); i += max(1, len(f.blocks)/4) {
		f.compare(t, c, f.blocks[i].first+perWriter/2)
	}
	return fmt.Sprintf("as written by %d versions", len(f.blocks))
}

func (f *filled) compare(t *testing.T, c harness.Client, from int64) {
	t.Helper()
	var want []harness.Record
	var names []string
	for _, b := range f.blocks {
		for i, r := range b.records {
			if r.Offset = b.first + int64(i); r.Offset >= from && !f.gone[r.Offset] {
				want = append(want, r)
				names = append(names, b.writer)
			}
		}
	}
	got := c.Fetch(t, f.topic, 0, from, len(want))
	for i := range min(len(want), len(got)) {
		if d := harness.RecordDifference(&want[i], &got[i], c.Features()); d != "" {
			t.Errorf("%s reads %s from %d: offset %d, written by %s: %s", c.Name(), f.topic, from, want[i].Offset, names[i], d)
			return
		}
		if got[i].Offset != want[i].Offset {
			t.Errorf("%s reads %s from %d: offset %d, want %d, written by %s", c.Name(), f.topic, from, got[i].Offset, want[i].Offset, names[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s reads %s from %d: %d records, want %d", c.Name(), f.topic, from, len(got), len(want))
	}
}
