package txn

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
	"github.com/sordini/sordini/compat-tests/txn/check"
)

// TestKafkasOwnCopier has Kafka's TransactionalMessageCopier, which its own system tests use, copy a topic with random aborts, while
// the broker and a copier are killed: in 3.9.1 each partition has its copier, in 4.3.1 the copiers are a group (KIP-447).
func TestKafkasOwnCopier(t *testing.T) {
	for _, c := range []struct {
		version string
		args    []string
	}{
		{"3.9.1", nil},
		{"4.3.1", []string{"--group-mode", "--use-group-metadata"}},
	} {
		t.Run(c.version, func(t *testing.T) { ownCopier(t, c.version, c.args) })
	}
}

func ownCopier(t *testing.T, version string, args []string) {
	out, err := exec.Command("../peer/kafka.sh", "classpath", version, "tools").Output()
	if err != nil {
		t.Fatalf("../peer/kafka.sh classpath %s tools: %v", version, err)
	}
	classpath := strings.TrimSpace(string(out))
	b := harness.Start(t, "group.min.session.timeout.ms=1000", "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000")
	createTopics(t, b)
	const each, copiers = 400, 2
	feed(t, b, copiers, each)

	life := 0
	start := func(partition int) *harness.Program {
		life++
		all := append([]string{"-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", classpath,
			"org.apache.kafka.tools.TransactionalMessageCopier", "--broker-list", b.Addr, "--input-topic", "in", "--output-topic", "out",
			"--input-partition", fmt.Sprint(partition), "--transactional-id", fmt.Sprint("own-", partition), "--consumer-group", "own",
			"--transaction-size", "10", "--transaction-timeout", "10000", "--enable-random-aborts"}, args...)
		return harness.StartProgram(t, fmt.Sprintf("copier%d-%d", partition, life), exec.Command("java", all...), func([]byte) {})
	}
	programs := []*harness.Program{start(0), start(1)}
	for _, count := range []int{50, 200, 400} {
		awaitCount(t, b, count)
		if count == 200 {
			programs[0].Kill()
			programs[0] = start(0)
		}
		b.Restart(t, harness.Crash)
	}
	awaitCount(t, b, copiers*each)
	for _, p := range programs {
		p.Kill()
	}
	h := check.New()
	for _, topic := range []string{"in", "out"} {
		for partition, records := range finalRead(t, b, topic) {
			h.Final(check.Place{Topic: topic, Partition: partition}, records)
		}
	}
	for _, a := range h.VerdictOfCopies("in", "out") {
		t.Error(a)
	}
	t.Logf("%d copies", copiers*each)
}

// feed writes originals into the first partitions of the topic "in".
func feed(t *testing.T, b *harness.Broker, partitions, each int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic("in"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var records []*kgo.Record
	for partition := range partitions {
		for n := range each {
			records = append(records, &kgo.Record{Partition: int32(partition), Value: fmt.Appendf(nil, "%d.%d", partition, n)})
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// awaitCount waits until so many copies are stable.
func awaitCount(t *testing.T, b *harness.Broker, count int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		n := 0
		for _, records := range readTo(t, b, "out", harness.LastStableOffsets(t, b, "out")) {
			n += len(records)
		}
		if n >= count {
			return
		}
		if time.Since(begin) > wellWithin {
			t.Fatalf("%d of %d copies after %v", n, count, wellWithin)
		}
	}
}
