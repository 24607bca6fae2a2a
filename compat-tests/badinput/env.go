package badinput

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// env is what rows find: a broker with a few topics.
type env struct {
	t       testing.TB
	addr    string
	release string // of Kafka; "" for our broker
	good    *conn  // the second connection, which nothing may harm

	plain     string   // a topic with three batches of one record each
	plainID   [16]byte // its id
	compacted string
	small     string // max.message.bytes=1000
	strict    string // message.timestamp.before.max.ms=1000
	segmented string // segment.bytes=1 MiB, max.message.bytes=4 MiB
	victim    string // a topic that rows ask to delete in ways that must not

	names int
}

func newEnv(t testing.TB, addr, release string) *env {
	t.Helper()
	e := &env{t: t, addr: addr, release: release}
	var err error
	if e.good, err = dial(addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.good.close)
	e.plain = e.fresh()
	e.compacted = e.fresh("cleanup.policy", "compact")
	e.small = e.fresh("max.message.bytes", "1000")
	e.strict = e.fresh("message.timestamp.before.max.ms", "1000")
	e.segmented = e.fresh("segment.bytes", "1048576", "max.message.bytes", "4194304")
	e.victim = e.fresh()
	for range 3 {
		e.mustProduce(e.plain, goodBatch())
	}
	e.plainID = e.topicID(e.plain)
	// Asking for a coordinator makes __consumer_offsets.
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = "first"
	if got := codes(e.must(find)); got != ok {
		t.Fatalf("find a coordinator for a start: %s", got)
	}
	if got := codes(e.must(commitRequest(8, "first", "", -1, e.plain, 0, 1, ""))); got != ok {
		t.Fatalf("commit for a start: %s", got)
	}
	return e
}

// must gets an answer on the good connection, whatever its codes.
func (e *env) must(r kmsg.Request) kmsg.Response {
	e.t.Helper()
	// Kafka loads its coordinators when they are asked the first time; a few codes mean "later".
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		resp, err := e.good.ask(r)
		if err != nil {
			e.t.Fatalf("a good request: %v", err)
		}
		switch codes(resp) {
		case "top 14", "top 15", "top 16", "Partitions 14", "Partitions 15", "Partitions 16", "Partitions 3", "Partitions 5", "Partitions 6":
			if time.Now().Before(deadline) {
				continue
			}
		}
		return resp
	}
}

func (e *env) newName(prefix string) string {
	e.names++
	return fmt.Sprintf("%s%d", prefix, e.names)
}

// fresh makes a topic with one partition and returns when its leader takes requests.
func (e *env) fresh(configs ...string) string {
	e.t.Helper()
	name := e.newName("topic")
	t := creatable(name, 1, 1)
	for i := 0; i < len(configs); i += 2 {
		t.Configs = append(t.Configs, topicConfig(configs[i], configs[i+1]))
	}
	if got := codes(e.must(createRequest(5, t))); got != ok {
		e.t.Fatalf("create topic %s %v: %s", name, configs, got)
	}
	if got := codes(e.must(listRequest(5, name, 0, -2))); got != ok {
		e.t.Fatalf("wait for the leader of %s: %s", name, got)
	}
	return name
}

func (e *env) mustProduce(topic string, batch []byte) int64 {
	e.t.Helper()
	resp := e.must(produceRequest(7, topic, 0, batch)).(*kmsg.ProduceResponse)
	if got := codes(resp); got != ok {
		e.t.Fatalf("produce to %s: %s", topic, got)
	}
	return resp.Topics[0].Partitions[0].BaseOffset
}

func (e *env) topicID(topic string) [16]byte {
	e.t.Helper()
	resp := e.must(metadataRequest(12, topic)).(*kmsg.MetadataResponse)
	if len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 0 {
		e.t.Fatalf("metadata of %s: %+v", topic, resp.Topics)
	}
	return resp.Topics[0].TopicID
}
