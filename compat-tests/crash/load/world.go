package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
)

// Topic is a topic of the world and how it is written to.
type Topic struct {
	ledger.Topic
	Configs map[string]string
	Every   time.Duration // between two bursts; 0: the producer whose sequences are known
	Burst   int           // records
}

// World is everything that a broker under test has been told, over all of its crashes.
type World struct {
	// Settled: no topics come and go.
	Settled bool

	addr    string
	topics  []Topic
	books   []*ledger.Ledger
	ids     []kadm.TopicID
	commits *committer
	churn   *churn
	seq     *sequences
}

// segmentMs makes logs roll often, so that crashes hit it.
const segmentMs = "200"

// patience is for a broker that should answer at once.
const patience = time.Minute

// Topics are one for each of the policies, and, with the policy given, one that retention cuts, one that is compacted, and one
// whose sequences are known.
func Topics(policies []string, special string) []Topic {
	var topics []Topic
	add := func(t Topic, partitions int32, policy string, configs ...string) {
		t.Partitions, t.Policy, t.LostFor = partitions, policy, 3*time.Second
		t.Configs = map[string]string{"sordini.durability": policy, "segment.ms": segmentMs}
		for i := 0; i < len(configs); i += 2 {
			t.Configs[configs[i]] = configs[i+1]
		}
		topics = append(topics, t)
	}
	for _, p := range policies {
		add(Topic{Topic: ledger.Topic{Name: "plain-" + p}, Every: 3 * time.Millisecond, Burst: 3}, 3, p, "segment.ms", "900")
	}
	add(Topic{Topic: ledger.Topic{Name: "trimmed", Trimmed: true}, Every: 4 * time.Millisecond, Burst: 2}, 2, special, "retention.bytes", "150000")
	add(Topic{Topic: ledger.Topic{Name: "compacted", Compacted: true}, Every: 4 * time.Millisecond, Burst: 2}, 2, special,
		"cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.01")
	add(Topic{Topic: ledger.Topic{Name: "sequences"}}, 1, special)
	return topics
}

// Settings are what the broker has to be started with, so that retention and compaction are always at work.
func Settings() []string {
	return []string{"log.retention.check.interval.ms=150", "group.initial.rebalance.delay.ms=0", "log.segment.delete.delay.ms=100"}
}

// NewWorld creates the topics.
func NewWorld(ctx context.Context, addr string, topics []Topic) (*World, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cl, err := newClient(addr)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	w := &World{addr: addr, topics: topics, commits: newCommitter(topics[0].Name), churn: newChurn()}
	for _, t := range topics {
		configs := map[string]*string{}
		for name, value := range t.Configs {
			configs[name] = &value
		}
		resp, err := kadm.NewClient(cl).CreateTopic(ctx, t.Partitions, 1, configs, t.Name)
		if err == nil {
			err = resp.Err
		}
		if err != nil {
			return nil, fmt.Errorf("create %s: %w", t.Name, err)
		}
		book := ledger.New(t.Topic)
		w.books, w.ids = append(w.books, book), append(w.ids, resp.ID)
		if t.Every == 0 {
			w.seq = newSequences(book, resp.ID)
		}
	}
	return w, nil
}

// Life is everything that writes between two crashes.
type Life struct {
	w         *World
	cl        *kgo.Client
	producers []*producer
	stop      context.CancelFunc
	wg        sync.WaitGroup
	mu        struct {
		sync.Mutex
		over   bool
		faults []string
	}
}

// Live starts writing. Quiet: only to topics that need not be synced, so that nobody syncs for them.
func (w *World) Live(quiet bool) (*Life, error) {
	cl, err := newClient(w.addr, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Life{w: w, cl: cl, stop: stop}
	for i, t := range w.topics {
		if t.Every == 0 || (quiet && !t.Weak()) {
			continue
		}
		p, err := startProducer(w.addr, w.books[i], t.Every, t.Burst, l.fail)
		if err != nil {
			l.End()
			return nil, err
		}
		l.producers = append(l.producers, p)
	}
	if quiet {
		return l, nil
	}
	l.wg.Go(func() { w.commits.run(ctx, cl, l.fail) })
	if !w.Settled {
		l.wg.Go(func() { w.churn.run(ctx, cl, l.fail) })
	}
	l.wg.Go(func() { w.seq.run(ctx, cl, l.fail) })
	return l, nil
}

// Over says that the broker is about to be killed: what is refused from now on is the client's word, not the broker's.
func (l *Life) Over() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.over = true
}

// maxRefused bounds the report.
const maxRefused = 10

func (l *Life) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.mu.over && len(l.mu.faults) < maxRefused {
		l.mu.faults = append(l.mu.faults, fmt.Sprintf(format, args...))
	}
}

// grace is for answers that the broker sent before it was killed: they are in this machine's sockets.
const grace = 50 * time.Millisecond

// End ends all writers, after the broker was killed, and returns what they were refused.
func (l *Life) End() []string {
	time.Sleep(grace)
	l.stop()
	for _, p := range l.producers {
		p.close()
	}
	l.cl.Close() // an idempotent producer gives up what is in flight for nothing else
	l.wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.faults
}

// Report is what became of one crash.
type Report struct {
	Sent, Acked, Lost int // records; Lost were acknowledged, by a policy that allows it
	Faults            []string
}

// Judge asks the broker for everything, after a crash and a restart, and compares. Nothing writes meanwhile.
func (w *World) Judge(ctx context.Context, c ledger.Crash) (Report, error) {
	var r Report
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cl, err := newClient(w.addr)
	if err != nil {
		return r, err
	}
	defer cl.Close()
	if w.seq != nil {
		r.Faults = w.seq.resend(ctx, cl)
	}
	for i, book := range w.books {
		sent, acked := book.Counts()
		r.Sent, r.Acked = r.Sent+sent, r.Acked+acked
		for partition := range book.Partitions {
			found, err := readLog(ctx, cl, book.Name, w.ids[i], partition)
			if err != nil {
				return r, err
			}
			v := book.Judge(partition, c, found)
			r.Faults, r.Lost = append(r.Faults, v.Faults...), r.Lost+v.Lost
		}
	}
	faults, err := w.commits.judge(ctx, cl)
	r.Faults = append(r.Faults, faults...)
	if err != nil {
		return r, err
	}
	faults, err = w.churn.judge(ctx, cl)
	r.Faults = append(r.Faults, faults...)
	return r, err
}

// Acked is how many records were acknowledged since the last judgement.
func (w *World) Acked() int {
	sum := 0
	for _, book := range w.books {
		_, acked := book.Counts()
		sum += acked
	}
	return sum
}

// Promise tells the judge another policy than the broker's, so that a test can show what a broker with a wrong one looks like.
func (w *World) Promise(policy string) {
	for _, book := range w.books {
		book.Policy = policy
	}
}
