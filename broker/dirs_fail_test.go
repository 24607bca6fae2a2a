package broker

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/storage/vfs"
)

// ask sends a request to the broker, once, and returns the answer.
func ask[T kmsg.Response](t *testing.T, s *testServer, r kmsg.Request) T {
	t.Helper()
	resp, err := s.client(t).Broker(int(s.cfg.NodeID)).Request(testContext(t), r)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(T)
}

// breakDir makes a log directory fail, and waits until the broker has heard of it.
func breakDir(t *testing.T, s *testServer, broken *atomic.Bool, topic string) {
	t.Helper()
	s.failed = true
	broken.Store(true)
	dialRaw(t, s.address).ask(produceFrame(9, topic, 1, testBatch(t, 1, 100)))
	until(t, "the partition knows that its directory failed", func() bool { return s.replicas.Get(topic, 0).Failure() != nil })
}

func TestWhatLiesInADirectoryThatFailedIsAnsweredWithAStorageError(t *testing.T) {
	s, broken := twoDirs(t)
	produce(t, s, "first", 0, 3)
	produce(t, s, "second", 0, 3)
	breakDir(t, s, broken, "second")
	for topic, want := range map[string]int16{"first": 0, "second": kerr.KafkaStorageError.Code} {
		offsets := kmsg.NewPtrListOffsetsRequest()
		offsets.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Timestamp: -1, CurrentLeaderEpoch: -1}}}}
		if code := ask[*kmsg.ListOffsetsResponse](t, s, offsets).Topics[0].Partitions[0].ErrorCode; code != want {
			t.Errorf("ListOffsets of %s: %d, want %d", topic, code, want)
		}
		epochs := kmsg.NewPtrOffsetForLeaderEpochRequest()
		epochs.ReplicaID = -1
		epochs.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}}}}
		if code := ask[*kmsg.OffsetForLeaderEpochResponse](t, s, epochs).Topics[0].Partitions[0].ErrorCode; code != want {
			t.Errorf("OffsetForLeaderEpoch of %s: %d, want %d", topic, code, want)
		}
		records := kmsg.NewPtrDeleteRecordsRequest()
		records.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: 1}}}}
		if code := ask[*kmsg.DeleteRecordsResponse](t, s, records).Topics[0].Partitions[0].ErrorCode; code != want {
			t.Errorf("DeleteRecords of %s: %d, want %d", topic, code, want)
		}
		producers := kmsg.NewPtrDescribeProducersRequest()
		producers.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: topic, Partitions: []int32{0}}}
		if code := ask[*kmsg.DescribeProducersResponse](t, s, producers).Topics[0].Partitions[0].ErrorCode; code != want {
			t.Errorf("DescribeProducers of %s: %d, want %d", topic, code, want)
		}
		fetch := kmsg.NewPtrFetchResponse()
		fetch.Version = 12
		if err := fetch.ReadFrom(dialRaw(t, s.address).ask(fetchFrame(12, topic, 1, 1000))[1:]); err != nil {
			t.Fatal(err)
		}
		if code := fetch.Topics[0].Partitions[0].ErrorCode; code != want {
			t.Errorf("Fetch of %s: %d, want %d", topic, code, want)
		}
		produced := kmsg.NewPtrProduceResponse()
		produced.Version = 9
		if err := produced.ReadFrom(dialRaw(t, s.address).ask(produceFrame(9, topic, 1, testBatch(t, 1, 100)))[1:]); err != nil {
			t.Fatal(err)
		}
		if code := produced.Topics[0].Partitions[0].ErrorCode; code != want {
			t.Errorf("Produce to %s: %d, want %d", topic, code, want)
		}
	}
}

func TestDirectoriesThatFailedAreCounted(t *testing.T) {
	s, broken := twoDirs(t)
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{s.Server})
	counted := func() map[string]float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]float64{}
		for _, f := range families {
			values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
		return values
	}
	for _, want := range []float64{0, 1} {
		values := counted()
		for _, name := range []string{"kafka_server_replicamanager_offlinereplicacount", "kafka_log_logmanager_offlinelogdirectorycount"} {
			if got, shown := values[name]; !shown || got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if want == 0 {
			breakDir(t, s, broken, "second")
		}
	}
}

// New partitions go to a directory that works, also when the other has fewer.
func TestNewTopicsGoToADirectoryThatWorks(t *testing.T) {
	s, broken := twoDirs(t)
	breakDir(t, s, broken, "second")
	for i := range 4 {
		topic := fmt.Sprint("new-", i)
		produce(t, s, topic, 0, 1)
		if path := s.replicas.Get(topic, 0).DirPath(); path != s.cfg.LogDirs[0] {
			t.Errorf("%s is in %s", topic, path)
		}
	}
}

// The groups whose partition of __consumer_offsets lies in a directory that fails lose their coordinator, and the others keep it.
func TestCoordinatorsResignWithTheirDirectory(t *testing.T) {
	root := t.TempDir()
	first, second := filepath.Join(root, "a"), filepath.Join(root, "b")
	fsys, broken := breakableFS(second)
	s := startServerOn(t, fsys, root, "log.dirs", first+","+second, "offsets.topic.num.partitions", "4")
	produce(t, s, "orders", 0, 1)
	groups := map[string]string{} // by directory
	for i := 0; len(groups) < 2; i++ {
		group := fmt.Sprint("g", i)
		commitOne(t, s, group, "")
		groups[s.replicas.Get(groupcoord.OffsetsTopic, s.groups.PartitionFor(group)).DirPath()] = group
	}
	s.failed = true
	broken.Store(true)
	if code := commitOne(t, s, groups[second], "lost"); code == 0 {
		t.Error("a commit to a directory that cannot be synced was acknowledged")
	}
	for range 2 { // what is asked again hears the same
		if code := commitOne(t, s, groups[second], "lost"); code != kerr.NotCoordinator.Code {
			t.Errorf("commit of a group in the directory that failed: %v, want NOT_COORDINATOR", kerr.ErrorForCode(code))
		}
		if code := commitOne(t, s, groups[first], "kept"); code != 0 {
			t.Errorf("commit of a group in the other directory: %v", kerr.ErrorForCode(code))
		}
	}
}

// commitOne commits an offset for a group, without the patience of a client where metadata is not empty.
func commitOne(t *testing.T, s *testServer, group, metadata string) int16 {
	t.Helper()
	if metadata == "" {
		var offsets kadm.Offsets
		offsets.AddOffset("orders", 0, 1, -1)
		resp, err := kadm.NewClient(s.client(t)).CommitOffsets(testContext(t), group, offsets)
		if err != nil || resp.Error() != nil {
			t.Fatal(err, resp.Error())
		}
		return 0
	}
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.Generation = 8, group, -1
	part := kmsg.NewOffsetCommitRequestTopicPartition()
	part.Offset, part.Metadata = 1, &metadata
	r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "orders", Partitions: []kmsg.OffsetCommitRequestTopicPartition{part}}}
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Version = 8
	if err := resp.ReadFrom(dialRaw(t, s.address).ask(encodeFrame(r))[1:]); err != nil {
		t.Fatal(err)
	}
	return resp.Topics[0].Partitions[0].ErrorCode
}

// TestADirectoryFailsByItself: whatever the operation is that fails in the second directory, the broker and the first one go on.
func TestADirectoryFailsByItself(t *testing.T) {
	for name, kind := range map[string]vfs.OpKind{
		"write": vfs.OpWrite, "sync": vfs.OpSync, "syncfs": vfs.OpSyncFS, "sync of a directory": vfs.OpSyncDir, "create": vfs.OpCreate, "rename": vfs.OpRename,
		"allocate": vfs.OpAllocate,
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			first, second := filepath.Join(root, "a"), filepath.Join(root, "b")
			var broken atomic.Bool
			fsys := vfs.Hook(vfs.OS, func(op vfs.Op) error {
				if broken.Load() && op.Kind == kind && strings.HasPrefix(op.Path, second) {
					return syscall.EIO
				}
				return nil
			})
			s := startServerOn(t, fsys, root, "log.dirs", first+","+second)
			s.failed = true
			admin := kadm.NewClient(s.client(t))
			for _, topic := range []string{"second", "first"} {
				if _, err := admin.CreateTopic(testContext(t), 1, 1, map[string]*string{"segment.bytes": kadm.StringPtr("1048576")}, topic); err != nil {
					t.Fatal(err)
				}
			}
			broken.Store(true)
			cl := s.client(t, kgo.RecordRetries(0), kgo.DisableIdempotentWrite())
			for range 10 {
				_ = cl.ProduceSync(testContext(t), &kgo.Record{Topic: "second", Value: make([]byte, 400_000)}).FirstErr()
			}
			_ = s.dirs[1].Checkpoint()
			produce(t, s, "first", 0, 10)
			consume(t, s, 10, kgo.ConsumeTopics("first"))
			if s.dirs[0].Failure() != nil {
				t.Error(s.dirs[0].Failure())
			}
		})
	}
}
