package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	partitions  = 4
	group       = "ledger"
	quickRounds = 10
	segment     = "1048576" // bytes; small, so that kills also hit rolls, and recovery sees several segments

	waitMin      = 200 * time.Millisecond // before a kill; short waits hit recovery work, long ones hit rolls
	servedWithin = 5 * time.Second        // after a restart
)

// run is what one kill loop is made of; flags come as environment variables, for "go test" passes no others to a package.
type run struct {
	policy  string
	rounds  int
	seed    uint64
	waitMax time.Duration
}

// TestKillLoop is a subtest for each durability policy. SORDINI_CRASH_ROUNDS (default 10) sets the number of kills of each,
// SORDINI_CRASH_POLICY (comma separated) chooses policies, SORDINI_CRASH_SEED repeats the waits of an earlier run.
func TestKillLoop(t *testing.T) {
	base := run{rounds: envInt(t, "SORDINI_CRASH_ROUNDS", quickRounds), seed: uint64(envInt(t, "SORDINI_CRASH_SEED", int(time.Now().UnixNano())))}
	base.waitMax = 500 * time.Millisecond
	if base.rounds > quickRounds {
		base.waitMax = 3 * time.Second
	}
	for _, policy := range policies(t) {
		t.Run(policy, func(t *testing.T) {
			r := base
			r.policy = policy
			r.loop(t)
		})
	}
}

func policies(t *testing.T) []string {
	t.Helper()
	if s := os.Getenv("SORDINI_CRASH_POLICY"); s != "" {
		return strings.Split(s, ",")
	}
	return []string{"os", "interval", "group", "batch"}
}

func envInt(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s=%q: want a number", name, s)
	}
	return n
}

func (r *run) loop(t *testing.T) {
	t.Logf("%d rounds, durability %s, SORDINI_CRASH_SEED=%d", r.rounds, r.policy, r.seed)
	rnd := rand.New(rand.NewPCG(r.seed, 1))
	b := harness.Start(t)
	topic := "crash-" + r.policy
	r.createTopic(t, b, topic)

	p, err := startProducer(b.Addr, topic, partitions)
	if err != nil {
		t.Fatal(err)
	}
	live, err := startReader(b.Addr, topic, partitions)
	if err != nil {
		t.Fatal(err)
	}
	awaitAcks(t, p, 100, "the first records")
	for round := range r.rounds {
		commit(t, b, topic, int64(round+1))
		time.Sleep(waitMin + time.Duration(rnd.Int64N(int64(r.waitMax-waitMin))))
		b.Restart(t, harness.Crash)
		if got := committed(t, b, topic); got != int64(round+1) {
			t.Errorf("round %d: the group had committed %d, after the kill it is %d", round, round+1, got)
		}
		awaitAcks(t, p, p.acked()+50, fmt.Sprintf("records after kill %d", round+1))
		if t.Failed() {
			break
		}
	}
	r.judge(t, b, topic, p, live)
}

// createTopic asks for the policy: in our words from our broker, in Kafka's from a Kafka, which knows two of the four.
func (r *run) createTopic(t *testing.T, b *harness.Broker, topic string) {
	t.Helper()
	configs := map[string]*string{"segment.bytes": kadm.StringPtr(segment)}
	switch {
	case b.Target == "sordini":
		configs["sordini.durability"] = kadm.StringPtr(r.policy)
	case r.policy == "batch":
		configs["flush.messages"] = kadm.StringPtr("1")
	case r.policy == "interval":
		configs["flush.ms"] = kadm.StringPtr("1000")
	}
	admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		resp, err := adm.CreateTopic(ctx, partitions, 1, configs, topic)
		if err != nil {
			return err
		}
		return resp.Err
	})
}

// judge lets the producer finish, reads everything and says what is wrong.
func (r *run) judge(t *testing.T, b *harness.Broker, topic string, p *producer, live *reader) {
	sent, acked, failures, err := p.finish(30 * time.Second)
	if err != nil {
		t.Error(err)
	}
	for i, f := range failures {
		if i == maxFaults {
			t.Errorf("and %d more failed sends", len(failures)-i)
			break
		}
		t.Errorf("a send failed, although the producer retries without end: %s", f)
	}
	seen, faults := live.finish()
	for _, f := range faults {
		t.Error(f)
	}
	ends := endOffsets(t, b, topic)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	log, err := readAll(ctx, b.Addr, topic, ends)
	if err != nil {
		t.Error(err)
	}
	for _, f := range verdict(&history{partitions: partitions, sent: sent, acked: acked, live: seen, log: log}) {
		t.Error(f)
	}
	t.Logf("%d records sent, %d acknowledged, %d read meanwhile, %d in the log", sent, len(acked), len(seen), len(log))
}

// awaitAcks is V8 in short: progress after a restart, within a few seconds.
func awaitAcks(t *testing.T, p *producer, count int, what string) {
	t.Helper()
	begin := time.Now()
	for p.acked() < count {
		if time.Since(begin) > servedWithin {
			t.Errorf("%s: %d acknowledged after %v, want %d", what, p.acked(), servedWithin, count)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func commit(t *testing.T, b *harness.Broker, topic string, offset int64) {
	t.Helper()
	admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		var offsets kadm.Offsets
		offsets.AddOffset(topic, 0, offset, -1)
		resp, err := adm.CommitOffsets(ctx, group, offsets)
		if err != nil {
			return err
		}
		return resp.Error()
	})
}

func committed(t *testing.T, b *harness.Broker, topic string) int64 {
	t.Helper()
	at := int64(-1)
	admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		resp, err := adm.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		if o, ok := resp.Lookup(topic, 0); ok {
			at = o.At
		}
		return resp.Error()
	})
	return at
}

func endOffsets(t *testing.T, b *harness.Broker, topic string) map[int32]int64 {
	t.Helper()
	ends := map[int32]int64{}
	admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		listed, err := adm.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		listed.Each(func(o kadm.ListedOffset) { ends[o.Partition] = o.Offset })
		return listed.Error()
	})
	return ends
}

func admin(t *testing.T, b *harness.Broker, ask func(context.Context, *kadm.Client) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := ask(ctx, kadm.NewClient(cl)); err != nil {
		t.Fatalf("ask the broker: %v", err)
	}
}
