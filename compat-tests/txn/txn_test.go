package txn

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sordini/sordini/compat-tests/harness"
	"github.com/sordini/sordini/compat-tests/txn/check"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	quickRounds  = 3
	roundMin     = 300 * time.Millisecond
	roundMax     = 1200 * time.Millisecond
	servedWithin = 30 * time.Second // transactions go on after a kill
	wellWithin   = 60 * time.Second // and everything is copied and stable at the end
)

// side starts the programs of one client.
type side interface {
	// start starts programs that live and die together: "role=name=argument".
	start(t *testing.T, addr string, rec *recorder, roles ...string) life
}

type life interface {
	kill()
	// finish asks all to end, and waits; a transaction under way is ended first.
	finish(t *testing.T)
}

// TestTransactions is a subtest for each client. SORDINI_TXN_ROUNDS (default 3) sets the number of kills of each, SORDINI_TXN_SEED
// repeats the waits of an earlier run.
func TestTransactions(t *testing.T) {
	for _, c := range []struct {
		name    string
		side    side
		copiers int // before KIP-447 a group of copiers has to be one
	}{
		{"franz-go", goSide{}, 2},
		{"java-0.11.0.3", javaSide{"0.11.0.3"}, 1},
		{"java-2.8.2", javaSide{"2.8.2"}, 2},
		{"java-4.4.0", javaSide{"4.4.0"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) { (&run{sides: []side{c.side}, copiers: c.copiers}).loop(t) })
	}
}

// TestUpgrade has clients of transaction version 0 and of version 2 (KIP-890) at work on the same topics at one time; the copiers' transactional
// ids go from one to the other and back.
func TestUpgrade(t *testing.T) {
	(&run{sides: []side{javaSide{"2.8.2"}, javaSide{"4.4.0"}}, copiers: 1}).loop(t)
}

// TestReplayedFrames has clients of transaction version 2 at work while a proxy says again, late, what they have said: no record and no end of
// a transaction that is over gets into a later one. In version 0, where the epoch stays, nothing can tell them apart, in Kafka neither: the judge finds it.
func TestReplayedFrames(t *testing.T) {
	t.Run("franz-go", func(t *testing.T) { (&run{sides: []side{goSide{}}, copiers: 1, replaying: true}).loop(t) })
	t.Run("java-4.4.0", func(t *testing.T) { (&run{sides: []side{javaSide{"4.4.0"}}, copiers: 1, replaying: true}).loop(t) })
}

type run struct {
	sides     []side // of the copiers' lives, in turn; the first and the last write transfers
	copiers   int
	replaying bool // old frames, through a proxy
	rec       *recorder
	rng       *rand.Rand
	lives     int
	addr      string // what the programs are told
}

func (r *run) loop(t *testing.T) {
	rounds, seed := number(t, "SORDINI_TXN_ROUNDS", quickRounds), uint64(number(t, "SORDINI_TXN_SEED", int(time.Now().UnixNano())))
	t.Logf("%d rounds, SORDINI_TXN_SEED=%d", rounds, seed)
	r.rng, r.rec = rand.New(rand.NewPCG(seed, 3)), newRecorder()
	for _, s := range r.sides {
		if java, ok := s.(javaSide); ok {
			java.prepare(t)
		}
	}
	b := r.start(t, seed, "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000", "group.min.session.timeout.ms=1000")
	createTopics(t, b)
	first := r.sides[0].start(t, r.addr, r.rec, "transfers=t1=transfers", "feeder=feeder=in")
	last := r.sides[len(r.sides)-1].start(t, r.addr, r.rec, "transfers=t2=transfers")
	reader := r.sides[len(r.sides)-1].start(t, r.addr, r.rec, "reader=reader="+strings.Join(readTopics, "/"))
	copiers := r.startCopiers(t)
	r.progress(t, 10, "the first transactions")
	for round := range rounds {
		time.Sleep(roundMin + time.Duration(r.rng.Int64N(int64(roundMax-roundMin))))
		if round%3 == 1 || len(r.sides) > 1 {
			copiers.kill()
			copiers = r.startCopiers(t)
		}
		b.Restart(t, harness.Crash)
		r.progress(t, 5, fmt.Sprintf("transactions after kill %d", round+1))
		if t.Failed() {
			return
		}
	}
	first.finish(t)
	last.finish(t)
	begin := time.Now()
	awaitCopied(t, b)
	t.Logf("everything is copied %d ms after the last kill", time.Since(begin).Milliseconds())
	copiers.finish(t)
	r.awaitRead(t, b)
	reader.finish(t)
	r.judge(t, b)
}

// start starts the broker, and the proxy if there is one: then that is the address the broker tells its clients.
func (r *run) start(t *testing.T, seed uint64, settings ...string) *harness.Broker {
	t.Helper()
	if !r.replaying {
		b := harness.Start(t, settings...)
		r.addr = b.Addr
		return b
	}
	port, err := harness.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := startReplayer(port, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proxy.close()
		if t.Logf("%d frames were said again, %d of them answered", proxy.again.Load(), proxy.answered.Load()); proxy.answered.Load() == 0 {
			t.Error("nothing was said again")
		}
	})
	b := harness.Start(t, append(settings, "advertised.listeners=PLAINTEXT://"+proxy.addr())...)
	proxy.broker.Store(&b.Addr)
	r.addr = proxy.addr()
	return b
}

// startCopiers starts another life of the copiers, with the transactional ids of their former lives.
func (r *run) startCopiers(t *testing.T) life {
	r.lives++
	var roles []string
	for i := range r.copiers {
		roles = append(roles, fmt.Sprintf("copier=copier%d-%d=in/out/copiers/copy-%d", i, r.lives, i))
	}
	return r.sides[r.lives%len(r.sides)].start(t, r.addr, r.rec, roles...)
}

func (r *run) progress(t *testing.T, count int, what string) {
	t.Helper()
	for begin, before := time.Now(), r.rec.done(); r.rec.done() < before+count; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > servedWithin {
			t.Errorf("%s: %d after %v, want %d", what, r.rec.done()-before, servedWithin, count)
			return
		}
	}
}

func (r *run) judge(t *testing.T, b *harness.Broker) {
	h := r.rec.mu.history
	for _, topic := range []string{"transfers", "in", "out"} {
		n := 0
		for partition, records := range finalRead(t, b, topic) {
			h.Final(check.Place{Topic: topic, Partition: partition}, records)
			n += len(records)
		}
		if n == 0 {
			t.Errorf("there is nothing in %s to judge", topic)
		}
	}
	anomalies := append(h.Verdict(), h.VerdictOfCopies("in", "out")...)
	anomalies = append(anomalies, h.VerdictOfTransfers("transfers")...)
	anomalies = append(anomalies, h.VerdictOfReader("reader", readTopics...)...)
	for i, a := range anomalies {
		if i == 20 {
			t.Errorf("and %d more", len(anomalies)-i)
			break
		}
		t.Error(a)
	}
	t.Log(h.Counts())
}

func number(t *testing.T, name string, otherwise int) int {
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

func createTopics(t *testing.T, b *harness.Broker) {
	t.Helper()
	harness.Admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
		resp, err := adm.CreateTopics(ctx, partitions, 1, map[string]*string{"segment.bytes": kadm.StringPtr("1048576")}, "transfers", "in", "out")
		if err != nil {
			return err
		}
		return resp.Error()
	})
}

// finalRead reads what is committed when nothing is open any more: nothing may hang for longer than the transactions' timeout.
func finalRead(t *testing.T, b *harness.Broker, topic string) map[int32][]check.Record {
	t.Helper()
	return readTo(t, b, topic, harness.AwaitStable(t, b, topic, wellWithin))
}

func readTo(t *testing.T, b *harness.Broker, topic string, ends map[int32]int64) map[int32][]check.Record {
	t.Helper()
	found := map[int32][]check.Record{}
	for partition, records := range harness.ReadCommitted(t, b, topic, ends) {
		for _, r := range records {
			found[partition] = append(found[partition], check.Record{Offset: r.Offset, Value: string(r.Value)})
		}
	}
	return found
}

// awaitCopied waits until the copiers have committed the end of what can be copied.
func awaitCopied(t *testing.T, b *harness.Broker) {
	t.Helper()
	begin := time.Now()
	for {
		at := map[int32]int64{}
		for partition, records := range finalRead(t, b, "in") {
			at[partition] = records[len(records)-1].Offset + 1
		}
		committed := map[int32]int64{}
		harness.Admin(t, b, func(ctx context.Context, adm *kadm.Client) error {
			resp, err := adm.FetchOffsets(ctx, "copiers")
			resp.Each(func(o kadm.OffsetResponse) { committed[o.Partition] = o.At })
			return err
		})
		left := 0
		for partition, end := range at {
			if committed[partition] < end {
				left++
			}
		}
		if left == 0 {
			return
		}
		if time.Since(begin) > wellWithin {
			t.Errorf("the copiers have committed %v of %v, %v after the last original", committed, at, wellWithin)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// readTopics are those that the reader reads.
var readTopics = []string{"transfers", "out"}

// awaitRead waits until the reader was given the end of what nobody adds to any more.
func (r *run) awaitRead(t *testing.T, b *harness.Broker) {
	t.Helper()
	begin := time.Now()
	for _, topic := range readTopics {
		for partition, records := range finalRead(t, b, topic) {
			place, end := check.Place{Topic: topic, Partition: partition}, records[len(records)-1].Offset
			for ; !r.rec.hasRead(place, end); time.Sleep(5 * time.Millisecond) {
				if time.Since(begin) > wellWithin {
					t.Errorf("the reader was not given %v up to %d within %v", place, end, wellWithin)
					return
				}
			}
		}
	}
}

// javaSide is one version of Apache Kafka's client.
type javaSide struct{ version string }

func (j javaSide) prepare(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("./run.sh", "prepare", j.version).CombinedOutput(); err != nil {
		t.Fatalf("run.sh prepare %s: %v\n%s", j.version, err, out)
	}
}

func (j javaSide) start(t *testing.T, addr string, rec *recorder, roles ...string) life {
	t.Helper()
	_, name, _ := strings.Cut(roles[0], "=")
	name, _, _ = strings.Cut(name, "=")
	return javaLife{harness.StartProgram(t, name, exec.Command("./run.sh", append([]string{j.version, addr}, roles...)...), func(line []byte) {
		var e struct {
			check.Event
			Program string `json:"w"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			e.Program, e.Kind = name, string(line) // the judge will say that it makes no sense
		}
		rec.report(e.Program, e.Event)
	})}
}

type javaLife struct{ *harness.Program }

func (l javaLife) kill()               { l.Kill() }
func (l javaLife) finish(t *testing.T) { l.Finish(t, 30*time.Second) }

// goSide is franz-go.
type goSide struct{}

func (goSide) start(t *testing.T, addr string, rec *recorder, roles ...string) life {
	t.Helper()
	cut, kill := context.WithCancel(context.Background())
	ctx, end := context.WithCancel(cut)
	l := &goLife{cut: kill, end: end}
	for _, role := range roles {
		words := strings.SplitN(role, "=", 3)
		args := strings.Split(words[2], "/")
		p := &program{name: words[1], id: words[1], addr: addr, rec: rec, rng: rand.New(rand.NewPCG(rand.Uint64(), 1))}
		l.wg.Go(func() {
			var err error
			switch words[0] {
			case "transfers":
				err = p.transfers(ctx, cut, args[0])
			case "feeder":
				err = p.feeder(ctx, cut, args[0])
			case "copier":
				p.id = args[3]
				err = p.copier(ctx, cut, args[0], args[1], args[2])
			case "reader":
				err = p.reader(ctx, args...)
			}
			if err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		})
	}
	t.Cleanup(l.kill)
	return l
}

type goLife struct {
	wg       sync.WaitGroup
	cut, end context.CancelFunc
}

func (l *goLife) kill()             { l.cut(); l.wg.Wait() }
func (l *goLife) finish(*testing.T) { l.end(); l.wg.Wait() }
