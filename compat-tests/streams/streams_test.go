package streams

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/harness"
	"github.com/sordini/sordini/compat-tests/txn/check"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	inputs   = 900
	accounts = 20
	within   = 2 * time.Minute // a program that was killed is missed for the length of its session, and its transactions time out
)

// TestExactlyOnce runs the program with each kind of exactly-once processing: by a producer for each task, as before KIP-447, and
// by one for each thread, in transaction version 2.
func TestExactlyOnce(t *testing.T) {
	for _, c := range []struct{ version, guarantee string }{{"2.8.2", "exactly_once"}, {"4.4.0", "exactly_once_v2"}} {
		t.Run(c.version, func(t *testing.T) { exactlyOnce(t, c.version, c.guarantee) })
	}
}

func exactlyOnce(t *testing.T, version, guarantee string) {
	if out, err := exec.Command("./run.sh", "prepare", version).CombinedOutput(); err != nil {
		t.Fatalf("run.sh prepare %s: %v\n%s", version, err, out)
	}
	b := harness.Start(t, "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000")
	harness.Admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		resp, err := adm.CreateTopics(ctx, 2, 1, nil, "in", "out", "echo")
		if err != nil {
			return err
		}
		return resp.Error()
	})
	state, life := filepath.Join(harness.Folder(t), "state"), 0
	start := func() *harness.Program {
		life++
		return harness.StartProgram(t, fmt.Sprintf("sums-%d", life), exec.Command("./run.sh", version, b.Addr, guarantee, state), func([]byte) {})
	}
	p := start()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	fed := feed(t, b, rand.New(rand.NewPCG(seed, 5)))

	// When the broker is killed, and the program, and both go on,
	for i, count := range []int{inputs / 10, inputs / 3, inputs / 2} {
		await(t, b, "echo", count)
		if i == 1 {
			p.Kill()
			p = start()
		}
		b.Restart(t, harness.Crash)
	}
	if err := <-fed; err != nil {
		t.Fatal(err)
	}
	await(t, b, "echo", inputs)
	await(t, b, "out", inputs)
	p.Finish(t, 30*time.Second)

	// then every input has had its effect once.
	h := check.New()
	read := map[string]map[int32][]*kgo.Record{}
	for _, topic := range []string{"in", "echo", "out"} {
		read[topic] = harness.ReadCommitted(t, b, topic, harness.AwaitStable(t, b, topic, within))
		for partition, records := range read[topic] {
			var values []check.Record
			for _, r := range records {
				values = append(values, check.Record{Offset: r.Offset, Value: string(r.Value)})
			}
			h.Final(check.Place{Topic: topic, Partition: partition}, values)
		}
	}
	for _, a := range h.VerdictOfCopies("in", "echo") {
		t.Error(a)
	}
	var values []string
	for _, records := range read["in"] {
		for _, r := range records {
			values = append(values, string(r.Value))
		}
	}
	sums := map[string][]string{}
	for _, records := range read["out"] {
		for _, r := range records {
			sums[string(r.Key)] = append(sums[string(r.Key)], string(r.Value))
		}
	}
	for _, fault := range verdict(values, sums) {
		t.Error(fault)
	}
	t.Logf("%d inputs, %d accounts", len(values), len(sums))
}

// feed writes the inputs, a few at a time, whatever becomes of the broker.
func feed(t *testing.T, b *harness.Broker, rng *rand.Rand) chan error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.DefaultProduceTopic("in"), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	t.Cleanup(cancel)
	go func() {
		defer cl.Close()
		for n := 0; n < inputs; n += 10 {
			var records []*kgo.Record
			for i := range 10 {
				value := input(rng.IntN(accounts), rng.Int64N(1_000)-500, n+i)
				records = append(records, &kgo.Record{Key: fmt.Appendf(nil, "k%d", n+i), Value: []byte(value)})
			}
			if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
				done <- err
				return
			}
			time.Sleep(20 * time.Millisecond) // so that there is something to do while things are killed
		}
		done <- nil
	}()
	return done
}

// await waits until so many inputs have come through to a topic.
func await(t *testing.T, b *harness.Broker, topic string, count int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		n := 0
		for _, records := range harness.ReadCommitted(t, b, topic, harness.LastStableOffsets(t, b, topic)) {
			n += len(records)
		}
		if n >= count {
			return
		}
		if time.Since(begin) > within {
			t.Fatalf("%d of %d inputs have come through to %s after %v", n, count, topic, within)
		}
	}
}

func TestVerdict(t *testing.T) {
	values := []string{input(1, 5, 0), input(2, 7, 1), input(1, -2, 2), input(1, 4, 3)}
	good := map[string][]string{"a1": {"1:5", "2:3", "3:7"}, "a2": {"1:7"}}
	for _, c := range []struct {
		name   string
		damage func(map[string][]string)
		want   string
	}{
		{"none", func(map[string][]string) {}, ""},
		{"one twice", func(s map[string][]string) { s["a1"] = []string{"1:5", "2:3", "3:1", "4:5"} }, "account a1 ends with 4:5, want 3:7"},
		{"a sum twice", func(s map[string][]string) { s["a1"] = []string{"1:5", "2:3", "2:3", "3:7"} }, "sum 3 of account a1 is 2:3"},
		{"a sum lost", func(s map[string][]string) { s["a1"] = []string{"1:5", "3:7"} }, "sum 2 of account a1 is 3:7"},
		{"an account lost", func(s map[string][]string) { delete(s, "a2") }, "account a2 ends with nothing"},
		{"a wrong sum", func(s map[string][]string) { s["a2"] = []string{"1:8"} }, "account a2 ends with 1:8"},
		{"an account too many", func(s map[string][]string) { s["b"] = []string{"1:8"} }, "account b has sums and no input"},
	} {
		sums := maps.Clone(good)
		c.damage(sums)
		faults := verdict(values, sums)
		if c.want == "" && len(faults) > 0 || c.want != "" && !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, c.want) }) {
			t.Errorf("%s: %q, want %q", c.name, faults, c.want)
		}
	}
}
