package importdir

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

var versions = []string{"3.9.1", "4.4.0"}

// What Kafka kept is what Sordini serves: records, offsets, configs, ids, commits.
func TestAKafkaDirectoryIsServed(t *testing.T) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) { importAndCompare(t, version) })
	}
}

func importAndCompare(t *testing.T, version string) {
	kafka := harness.StartKafka(t, version, "log.segment.bytes=1048576", "log.initial.task.delay.ms=500", "log.cleaner.backoff.ms=500")
	fill(t, kafka)
	want := look(t, kafka)
	if len(want.Records) < 6000 || len(want.Commits) == 0 {
		t.Fatalf("Kafka holds %d records and %d commits: the lane has nothing to compare", len(want.Records), len(want.Commits))
	}
	source := filepath.Join(kafka.Dir, "data")
	data := filepath.Join(t.TempDir(), "data")

	if out, err := harness.Command(t, "import-dir", source, "--data", data).CombinedOutput(); err == nil || !strings.Contains(string(out), "stop that Kafka first") {
		t.Fatalf("the directory of a running Kafka was imported: %v\n%s", err, out)
	}
	kafka.End(t, harness.Graceful)
	before := fingerprint(t, source)
	out, err := harness.Command(t, "import-dir", source, "--data", data, "-o", "json").Output()
	if err != nil {
		t.Fatalf("import: %v\n%s", err, stderrOf(err))
	}
	var report struct {
		NodeID int32 `json:"node_id"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	b := harness.StartOn(t, data, fmt.Sprintf("node.id=%d", report.NodeID))
	compare(t, want, look(t, b))

	// It is a broker like any other: it takes records behind those of Kafka, keeps them, and the source does not see them.
	client := connect(t, b)
	r := &kgo.Record{Topic: "orders", Partition: 0, Value: []byte("new")}
	if err := client.ProduceSync(ctx(t), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if last := want.Ends["orders-0"]; r.Offset != last {
		t.Errorf("the first record after the import has offset %d, want %d", r.Offset, last)
	}
	b.Restart(t, harness.Crash)
	again := look(t, b)
	if _, ok := again.Records[place{"orders", 0, r.Offset}]; !ok {
		t.Error("the record that was written after the import is lost after a crash")
	}
	if diff := changed(before, fingerprint(t, source)); diff != "" {
		t.Errorf("the source changed: %s", diff)
	}
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return c
}

func connect(t *testing.T, b *harness.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// fill writes one of everything that Kafka keeps in a log.
func fill(t *testing.T, b *harness.Broker) {
	admin := kadm.NewClient(connect(t, b))
	text := func(s string) *string { return &s }
	for topic, configs := range map[string]map[string]*string{
		"orders":  {"retention.ms": text("123456789012"), "max.message.bytes": text("2097152")},
		"table":   {"cleanup.policy": text("compact"), "segment.ms": text("1000"), "min.cleanable.dirty.ratio": text("0.01")},
		"stamped": {"message.timestamp.type": text("LogAppendTime")},
		"cut":     {},
		"gone":    {},
	} {
		if _, err := admin.CreateTopic(ctx(t), 3, 1, configs, topic); err != nil {
			t.Fatal(err)
		}
	}
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		c := connect(t, b, kgo.ProducerBatchCompression(codec))
		for n := range 1200 {
			r := &kgo.Record{Topic: "orders", Partition: int32(n % 3), Key: fmt.Appendf(nil, "key %d", n), Value: fmt.Appendf(nil, "%d/%d %0900d", i, n, n),
				Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte{byte(i)}}, {Key: "empty"}}}
			if n%100 == 0 {
				r.Key = nil
			}
			c.Produce(ctx(t), r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
		produceSync(t, c, "table", fmt.Sprintf("row %d", i%2), fmt.Sprintf("version %d", i))
		produceSync(t, c, "stamped", "k", fmt.Sprintf("v%d", i))
		produceSync(t, c, "cut", "k", fmt.Sprintf("v%d", i))
		if err := c.Flush(ctx(t)); err != nil {
			t.Fatal(err)
		}
	}
	transact(t, b)
	commit(t, b)
	var cut kadm.Offsets
	cut.AddOffset("cut", 0, 3, -1)
	if _, err := admin.DeleteRecords(ctx(t), cut); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopics(ctx(t), "gone"); err != nil {
		t.Fatal(err)
	}
}

func produceSync(t *testing.T, c *kgo.Client, topic, key, value string) {
	t.Helper()
	if err := c.ProduceSync(ctx(t), &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// transact leaves a committed and an aborted transaction, with their markers.
func transact(t *testing.T, b *harness.Broker) {
	c := connect(t, b, kgo.TransactionalID("mover"))
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		produceSync(t, c, "orders", "txn", fmt.Sprint("committed: ", end == kgo.TryCommit))
		if err := c.EndTransaction(ctx(t), end); err != nil {
			t.Fatal(err)
		}
	}
}

func commit(t *testing.T, b *harness.Broker) {
	c := connect(t, b, kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for seen := 0; seen < 1000; {
		fetches := c.PollRecords(ctx(t), 500)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		seen += fetches.NumRecords()
	}
	if err := c.CommitUncommittedOffsets(ctx(t)); err != nil {
		t.Fatal(err)
	}
	c.Close()
}

type place struct {
	topic     string
	partition int32
	offset    int64
}

// view is what a client sees of a cluster.
type view struct {
	Records map[place]string
	Starts  map[string]int64
	Ends    map[string]int64
	Commits map[string]int64
	Topics  map[string]string // ids and configs
}

// look reads everything there is, aborted records too.
func look(t *testing.T, b *harness.Broker) view {
	t.Helper()
	v := view{map[place]string{}, map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]string{}}
	client := connect(t, b)
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, topic := range topics {
		v.Topics[name] = fmt.Sprintf("%s, %d partitions, %s", topic.ID, len(topic.Partitions), configsOf(t, admin, name))
	}
	names := slices.Sorted(maps.Keys(topics))
	starts, err := admin.ListStartOffsets(ctx(t), names...)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := admin.ListEndOffsets(ctx(t), names...)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	starts.Each(func(o kadm.ListedOffset) {
		at := fmt.Sprintf("%s-%d", o.Topic, o.Partition)
		end, _ := ends.Lookup(o.Topic, o.Partition)
		v.Starts[at], v.Ends[at] = o.Offset, end.Offset
		if end.Offset > o.Offset {
			left++
		}
	})
	commits, err := admin.FetchOffsets(ctx(t), "billing")
	if err != nil {
		t.Fatal(err)
	}
	commits.Each(func(o kadm.OffsetResponse) { v.Commits[fmt.Sprintf("%s-%d", o.Topic, o.Partition)] = o.At })
	readAll(t, b, names, ends, left, v.Records)
	return v
}

// readAll reads every partition that is not empty to its end. Control records are kept: the last offset of a partition may be one.
func readAll(t *testing.T, b *harness.Broker, topics []string, ends kadm.ListedOffsets, left int, into map[place]string) {
	t.Helper()
	c := connect(t, b, kgo.ConsumeTopics(topics...), kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for left > 0 {
		fetches := c.PollFetches(ctx(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d partitions before their end: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			into[place{r.Topic, r.Partition, r.Offset}] = fmt.Sprintf("%q=%q %v %d %v %v %d %d", r.Key, r.Value, r.Headers, r.Timestamp.UnixMilli(), r.Attrs.IsTransactional(),
				r.Attrs.IsControl(), r.ProducerID, r.ProducerEpoch)
			if end, _ := ends.Lookup(r.Topic, r.Partition); r.Offset == end.Offset-1 {
				left--
			}
		})
	}
}

// configsOf are the configs that were set on the topic.
func configsOf(t *testing.T, admin *kadm.Client, topic string) string {
	t.Helper()
	all, err := admin.DescribeTopicConfigs(ctx(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	var set []string
	for _, c := range all[0].Configs {
		if c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
			set = append(set, c.Key+"="+c.MaybeValue())
		}
	}
	slices.Sort(set)
	return strings.Join(set, " ")
}

func compare(t *testing.T, want, got view) {
	t.Helper()
	same(t, "topic", want.Topics, got.Topics)
	same(t, "log start offset", want.Starts, got.Starts)
	same(t, "log end offset", want.Ends, got.Ends)
	same(t, "commit", want.Commits, got.Commits)
	same(t, "record", want.Records, got.Records)
}

func same[K comparable, V comparable](t *testing.T, what string, want, got map[K]V) {
	t.Helper()
	const shown = 5
	wrong := 0
	for k, w := range want {
		if g, ok := got[k]; !ok || g != w {
			if wrong++; wrong <= shown {
				t.Errorf("%s %v: %v, want %v", what, k, g, w)
			}
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			if wrong++; wrong <= shown {
				t.Errorf("%s %v: %v, and Kafka had none", what, k, g)
			}
		}
	}
	if wrong > shown {
		t.Errorf("%d differences of %ss in all", wrong, what)
	}
}

// fingerprint is the content of every file below a directory.
func fingerprint(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	sums := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		sums[path] = sha256.Sum256(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func changed(before, after map[string][sha256.Size]byte) string {
	for path, sum := range before {
		if now, ok := after[path]; !ok || !bytes.Equal(now[:], sum[:]) {
			return path
		}
	}
	if len(after) != len(before) {
		return "files came"
	}
	return ""
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}
