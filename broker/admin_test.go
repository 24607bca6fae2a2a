package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func text(s string) *string { return &s }

// alterTopic changes topic configs, and says what the broker answered.
func alterTopic(t *testing.T, s *testServer, topic string, changes ...kadm.AlterConfig) error {
	t.Helper()
	answers, err := kadm.NewClient(s.client(t)).AlterTopicConfigs(testContext(t), changes, topic)
	if err != nil {
		t.Fatal(err)
	}
	return answers[0].Err
}

func alterBroker(t *testing.T, s *testServer, changes ...kadm.AlterConfig) error {
	t.Helper()
	answers, err := kadm.NewClient(s.client(t)).AlterBrokerConfigs(testContext(t), changes)
	if err != nil {
		t.Fatal(err)
	}
	return answers[0].Err
}

// send produces one record of a size to a partition.
func send(t *testing.T, s *testServer, topic string, partition int32, size int) error {
	t.Helper()
	c := s.client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer c.Close()
	return c.ProduceSync(testContext(t), &kgo.Record{Topic: topic, Partition: partition, Value: make([]byte, size)}).FirstErr()
}

// minMetadataAge is how soon a consumer looks at the metadata again.
const minMetadataAge = 100 * time.Millisecond

func TestChangedTopicConfigsHoldAtOnceAndAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	produce(t, s, "orders", 0, 1)
	// Given a topic that takes a record, when its limit is lowered, then the next such record is refused, without a restart.
	if err := send(t, s, "orders", 0, 5000); err != nil {
		t.Fatal(err)
	}
	limit := kadm.AlterConfig{Name: "max.message.bytes", Value: text("2000")}
	compact := kadm.AlterConfig{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: text("compact")}
	if err := alterTopic(t, s, "orders", limit, compact); err != nil {
		t.Fatal(err)
	}
	held := func() {
		t.Helper()
		if err := send(t, s, "orders", 0, 5000); !errors.Is(err, kerr.MessageTooLarge) {
			t.Errorf("a record above the limit: %v", err)
		}
		if c := s.replicas.Topic("orders").Config(); !c.CleanupCompact || !c.CleanupDelete {
			t.Errorf("the policy is %+v", c)
		}
	}
	held()
	s.stop()
	s = startServer(t, dir)
	held()
	// When it is deleted, then the default holds again.
	if err := alterTopic(t, s, "orders", kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "max.message.bytes"}, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "cleanup.policy"}); err != nil {
		t.Fatal(err)
	}
	if err := send(t, s, "orders", 0, 5000); err != nil {
		t.Errorf("after the changes are gone: %v", err)
	}
}

func TestChangedBrokerConfigsHoldAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	for _, topic := range []string{"orders", "own"} {
		produce(t, s, topic, 0, 1)
	}
	if err := alterTopic(t, s, "own", kadm.AlterConfig{Name: "max.message.bytes", Value: text("100000")}); err != nil {
		t.Fatal(err)
	}
	// Given topics with and without a limit of their own, when the default changes, then it holds for those without.
	if err := alterBroker(t, s, kadm.AlterConfig{Name: "message.max.bytes", Value: text("2000")}); err != nil {
		t.Fatal(err)
	}
	if err := send(t, s, "orders", 0, 5000); !errors.Is(err, kerr.MessageTooLarge) {
		t.Errorf("a topic with the default: %v", err)
	}
	if err := send(t, s, "own", 0, 5000); err != nil {
		t.Errorf("a topic with its own: %v", err)
	}
	// When connections are limited, then those that are open stay, and further ones are closed.
	if err := alterBroker(t, s, kadm.AlterConfig{Name: "max.connections.per.ip.overrides", Value: text("127.0.0.1:0")}); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a connection above the limit: %d bytes, %v", n, err)
	}
	s.stop()
	// What was set holds from the first connection on after a restart; only the operator's own file can undo this one.
	if s = startServer(t, dir); s.table.mu.overrides["127.0.0.1"] != 0 || len(s.table.mu.overrides) != 1 {
		t.Errorf("after a restart the limits are %v", s.table.mu.overrides)
	}
}

func TestAddedPartitionsTakeRecordsAndStay(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	produce(t, s, "orders", 0, 1)
	group := []kgo.Opt{kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.MetadataMinAge(minMetadataAge), kgo.MetadataMaxAge(minMetadataAge), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	member := s.client(t, group...)
	if got := member.PollFetches(testContext(t)).NumRecords(); got != 1 {
		t.Fatalf("the group has %d records", got)
	}
	// When partitions are added, then they take records as soon as that is answered, and the group reads them without being told.
	answers, err := kadm.NewClient(s.client(t)).CreatePartitions(testContext(t), 2, "orders")
	if err != nil || answers.Error() != nil {
		t.Fatal(err, answers.Error())
	}
	for p := range int32(3) {
		if err := send(t, s, "orders", p, 10); err != nil {
			t.Errorf("partition %d: %v", p, err)
		}
	}
	seen := map[int32]bool{}
	for len(seen) < 3 {
		fetches := member.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[r.Partition] = true })
	}
	if err := member.CommitUncommittedOffsets(testContext(t)); err != nil {
		t.Error(err)
	}
	member.Close()
	// The topic of the groups does not grow, for nobody would find them.
	answers, err = kadm.NewClient(s.client(t)).UpdatePartitions(testContext(t), 60, "__consumer_offsets")
	if err != nil || !errors.Is(answers.Error(), kerr.InvalidPartitions) {
		t.Errorf("__consumer_offsets: %v, %v", err, answers.Error())
	}
	s.stop()
	s = startServer(t, dir)
	if n := len(consume(t, s, 4, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))); n != 4 {
		t.Errorf("after a restart there are %d records", n)
	}
	committed, err := kadm.NewClient(s.client(t)).FetchOffsets(testContext(t), "billing")
	if err != nil {
		t.Fatal(err)
	}
	if len(committed["orders"]) != 3 {
		t.Errorf("the group has committed %v", committed)
	}
}

func TestLogDirsAreDescribed(t *testing.T) {
	s, broken := twoDirs(t)
	if err := send(t, s, "second", 0, 100); err != nil {
		t.Fatal(err)
	}
	describe := func() string {
		t.Helper()
		answer, err := s.client(t).Broker(1).Request(testContext(t), kmsg.NewPtrDescribeLogDirsRequest()) // else the client merges, and loses what it does not know
		if err != nil {
			t.Fatal(err)
		}
		resp := answer.(*kmsg.DescribeLogDirsResponse)
		var lines []string
		for _, d := range resp.Dirs {
			line := fmt.Sprintf("%s %d space %t", filepath.Base(d.Dir), d.ErrorCode, d.TotalBytes >= d.UsableBytes && d.UsableBytes > 0)
			for _, topic := range d.Topics {
				line += fmt.Sprintf(" %s/%d=%d", topic.Topic, topic.Partitions[0].Partition, topic.Partitions[0].Size)
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "; ")
	}
	if got, want := describe(), fmt.Sprintf("a 0 space true first/0=0; b 0 space true second/0=%d", s.replicas.Get("second", 0).Log().Size()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// A directory that fails is told as such.
	broken.Store(true)
	s.failed = true
	dialRaw(t, s.address).ask(produceFrame(9, "second", -1, testBatch(t, 1, 100)))
	if got, want := describe(), "a 0 space true first/0=0; b 56 space false"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheLogsLevelChanges(t *testing.T) {
	var log logText
	level := new(slog.LevelVar)
	s := startServerWith(t, Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})), SetLogLevel: level.Set}, t.TempDir())
	c := s.client(t)
	set := func(to string, validateOnly bool) int16 {
		t.Helper()
		req := kmsg.NewPtrIncrementalAlterConfigsRequest()
		req.ValidateOnly = validateOnly
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBrokerLogger, "1"
		r.Configs = []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "root", Value: &to}}
		req.Resources = append(req.Resources, r)
		resp, err := req.RequestWith(testContext(t), c)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Resources[0].ErrorCode
	}
	for _, x := range []struct {
		to       string
		validate bool
		code     int16
		want     slog.Level
	}{{"DEBUG", false, 0, slog.LevelDebug}, {"ERROR", true, 0, slog.LevelDebug}, {"LOUD", false, kerr.InvalidConfig.Code, slog.LevelDebug}, {"ERROR", false, 0, slog.LevelError}} {
		if code := set(x.to, x.validate); code != x.code || level.Level() != x.want {
			t.Errorf("%s: error code %d, level %v", x.to, code, level.Level())
		}
	}
}

// Whoever sets a config that does nothing is told by kafka-configs.sh that it is done; the log must say otherwise.
func TestBrokerConfigsThatDoNothingAreLogged(t *testing.T) {
	var log logText
	s := startServerWith(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, t.TempDir())
	log.take()
	for key, want := range map[string]string{
		"max.connection.creation.rate": "level=WARN msg=\"broker config was changed that has no effect: do not rely on it\" key=max.connection.creation.rate",
		"num.io.threads":               "level=INFO msg=\"broker config was changed that has no effect\" key=num.io.threads",
		"log.retention.ms":             "level=INFO msg=\"broker config was changed\" key=log.retention.ms",
	} {
		if err := alterBroker(t, s, kadm.AlterConfig{Name: key, Value: text("5")}); err != nil {
			t.Fatal(err)
		}
		if got := log.take(); !strings.Contains(got, want) {
			t.Errorf("%s: logged %s", key, got)
		}
	}
}
