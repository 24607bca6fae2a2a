package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/goleak"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
	"github.com/sordini/sordini/controller/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dir = "/m"

func config(fs *quorumtest.CrashFS, log quorum.Log) Config {
	rng := rand.New(&lockedSource{source: rand.NewPCG(1, 2)})
	return Config{
		NodeID: 1, ClusterID: "cluster", FS: fs, Dir: dir, Log: log,
		RandomUUID: func() (id [16]byte) {
			for i := range id {
				id[i] = byte(rng.Uint32())
			}
			return id
		},
		RandomSeed: rng.Uint64,
		Defaults:   func() (int32, int16) { return 1, 1 },
		Config:     machine.Config{ValidateTopicConfig: func(map[string]string) error { return nil }},
	}
}

// lockedSource lets requests of several goroutines take random numbers.
type lockedSource struct {
	mu     sync.Mutex
	source rand.Source
}

func (l *lockedSource) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source.Uint64()
}

func open(t testing.TB, cfg Config) *Service {
	t.Helper()
	s, err := Open(cfg)
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run starts the loop and returns a function that ends it and gives what Run returned.
func run(t testing.TB, s *Service) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

func registration(run byte) machine.RegisterBroker {
	return machine.RegisterBroker{ID: 1, Incarnation: [16]byte{run}, ClusterID: "cluster",
		Listeners: []image.Listener{{Name: "PLAINTEXT", Host: "localhost", Port: 9092}}}
}

func register(t testing.TB, s *Service) {
	t.Helper()
	_, err := s.RegisterBroker(context.Background(), registration(byte(s.Image().Offset)))
	must(t, err)
}

func topic(name string) []machine.CreatableTopic {
	return []machine.CreatableTopic{{Name: name, NumPartitions: 2, ReplicationFactor: 1}}
}

func digest(img *image.Image) string {
	return fmt.Sprintf("%d %x", img.Offset, record.AppendList(nil, slices.Collect(img.Records())))
}

func TestPublishersAreServedInOrderBeforeTheImageIsSeen(t *testing.T) {
	// Given two publishers that write down what they see and what others could see then,
	s := open(t, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	var seen []string
	for _, name := range []string{"first", "second"} {
		s.Subscribe(PublisherFunc(func(d *image.Delta, img *image.Image) {
			for _, topic := range d.CreatedTopics() {
				seen = append(seen, fmt.Sprintf("%s %s given=%v shown=%v", name, topic.Name,
					img.Topic(topic.Name) != nil, s.Image().Topic(topic.Name) != nil))
			}
		}))
	}
	stop := run(t, s)
	register(t, s)
	// when a topic is created,
	res := s.CreateTopics(context.Background(), topic("a"), false)
	// then both have had it, in order, before it was shown, and it is shown when the call returns.
	if len(res) != 1 || res[0].Err != nil || s.Image().Topic("a") == nil || s.Image().TopicByID(res[0].ID).Name != "a" {
		t.Fatalf("%+v", res)
	}
	must(t, stop())
	if want := []string{"first a given=true shown=false", "second a given=true shown=false"}; !slices.Equal(seen, want) {
		t.Fatalf("%q", seen)
	}
}

func TestRestartPublishesEverythingAsOneDelta(t *testing.T) {
	fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
	s := open(t, config(fs, log))
	stop := run(t, s)
	register(t, s)
	for i := range 5 {
		s.CreateTopics(context.Background(), topic(fmt.Sprint("t", i)), false)
	}
	name := "t3"
	s.DeleteTopics(context.Background(), []machine.DeletableTopic{{Name: &name}})
	must(t, stop())
	want := record.AppendList(nil, slices.Collect(s.Image().Records()))

	again := open(t, config(fs, log))
	if again.Image().TopicCount() != 0 || again.LoadedImage().TopicCount() != 4 {
		t.Fatal("topics are shown before the publishers had them")
	}
	var created []string
	again.Subscribe(PublisherFunc(func(d *image.Delta, img *image.Image) {
		if d.Base().Offset != -1 {
			t.Error("the first delta is not from the empty image")
		}
		for _, topic := range d.CreatedTopics() {
			created = append(created, topic.Name)
		}
	}))
	stop = run(t, again)
	must(t, stop())
	if got := record.AppendList(nil, slices.Collect(again.Image().Records())); !bytes.Equal(got, want) {
		t.Fatalf("%x, want %x", got, want)
	}
	if !slices.Equal(created, []string{"t0", "t1", "t2", "t4"}) || again.Image().ClusterID != "cluster" {
		t.Fatalf("%q in %q", created, again.Image().ClusterID)
	}
}

func TestWaitingRequestsShareOneAppend(t *testing.T) {
	log := quorumtest.NewMemLog()
	s := open(t, config(quorumtest.NewCrashFS(dir), log))
	const n = 50
	results := make(chan machine.CreateTopicResult, 2*n)
	go func() { _, _ = s.RegisterBroker(context.Background(), registration(1)) }()
	for len(s.mailbox) < 1 {
		runtime.Gosched()
	}
	// Given many requests that wait, half of them for the same topic,
	for i := range n {
		for _, name := range []string{fmt.Sprint("t", i), "same"} {
			go func() { results <- s.CreateTopics(context.Background(), topic(name), false)[0] }()
		}
	}
	for len(s.mailbox) < 1+2*n {
		runtime.Gosched()
	}
	appends := log.Appends
	// when the loop gets to them,
	stop := run(t, s)
	codes := map[*kerr.Error]int{}
	for range 2 * n {
		codes[(<-results).Err]++
	}
	must(t, stop())
	// then all are in one append, and each was decided after the ones before it.
	if log.Appends != appends+1 || codes[nil] != n+1 || codes[kerr.TopicAlreadyExists] != n-1 {
		t.Fatalf("%d appends, %v", log.Appends-appends, codes)
	}
	if s.Image().TopicCount() != n+1 {
		t.Fatal(s.Image().TopicCount())
	}
}

func TestAFullMailboxIsAnswered(t *testing.T) {
	s := open(t, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	for range mailboxSize {
		s.mailbox <- &call{event: machine.DeleteTopics{}, done: make(chan struct{})}
	}
	res := s.CreateTopics(context.Background(), topic("a"), false)
	if len(res) != 1 || res[0].Err != kerr.RequestTimedOut || res[0].Message != ErrBusy.Error() {
		t.Fatalf("%+v", res)
	}
	if _, err := s.RegisterBroker(context.Background(), registration(1)); !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
}

func TestTheEndOfTheLoopAnswersEverybody(t *testing.T) {
	s := open(t, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	waiting := make(chan machine.CreateTopicResult, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	go func() { waiting <- s.CreateTopics(context.Background(), topic("a"), false)[0] }()
	for len(s.mailbox) == 0 {
		runtime.Gosched()
	}
	must(t, s.Run(ctx))
	// It may have been worked on or not, but it was answered.
	if r := <-waiting; r.Err != kerr.NotController && r.Err != kerr.InvalidReplicationFactor {
		t.Fatalf("%+v", r)
	}
	if r := s.CreateTopics(context.Background(), topic("a"), false)[0]; r.Err != kerr.NotController {
		t.Fatalf("%+v", r)
	}
	if r := s.CreateTopics(ctx, topic("a"), false)[0]; r.Err != kerr.RequestTimedOut {
		t.Fatalf("%+v", r)
	}
}

func TestABrokenDiskEndsTheLoopAndNothingIsPublished(t *testing.T) {
	fs := quorumtest.NewCrashFS(dir)
	log, err := quorumtest.OpenFileLog(fs, dir)
	must(t, err)
	s := open(t, config(fs, log))
	stop := run(t, s)
	register(t, s)
	broken := errors.New("broken disk")
	fs.Before = func(string, string) error { return broken }
	r := s.CreateTopics(context.Background(), topic("a"), false)[0]
	if r.Err != kerr.NotController || s.Image().Topic("a") != nil {
		t.Fatalf("%+v", r)
	}
	if err := stop(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

func TestAnotherClustersMetadataIsRefused(t *testing.T) {
	fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
	open(t, config(fs, log))
	cfg := config(fs, log)
	cfg.ClusterID = "other"
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), `"other", but its metadata to cluster "cluster"`) {
		t.Fatal(err)
	}
	cfg.ClusterID = ""
	if s := open(t, cfg); s.LoadedImage().ClusterID != "cluster" {
		t.Fatal(s.LoadedImage().ClusterID)
	}
}

func TestADamagedLogIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"garbage":    "\x00garbage",
		"impossible": "\x00" + string(record.AppendList(nil, []record.Record{&record.RemoveTopic{TopicID: [16]byte{9}}})),
		"kind":       "\x09",
	} {
		log := quorumtest.NewMemLog()
		fs := quorumtest.NewCrashFS(dir)
		open(t, config(fs, log))
		must(t, log.Append([]quorum.Entry{{Index: log.LastIndex() + 1, Term: 1, Data: []byte(data)}}))
		if _, err := Open(config(fs, log)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestProducerIDsAreGivenOnce(t *testing.T) {
	s := open(t, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	run(t, s)
	var refused *RefusedError
	if _, _, err := s.AllocateProducerIDs(context.Background(), 0); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	register(t, s)
	for i := range int64(3) {
		first, count, err := s.AllocateProducerIDs(context.Background(), 0)
		if err != nil || first != i*1000 || count != 1000 {
			t.Fatal(first, count, err)
		}
	}
	var code *kerr.Error
	if err := s.UnregisterBroker(context.Background(), 9); !errors.As(err, &code) || code != kerr.BrokerIDNotRegistered {
		t.Fatal(err)
	}
}

func TestTopicIDsAreNeverReserved(t *testing.T) {
	ids := [][16]byte{{}, {15: 1}, {15: 99}, {0: 0xf8}, {0: 0xfb}, {15: 100}}
	s := &Service{cfg: Config{RandomUUID: func() (id [16]byte) {
		id, ids = ids[0], ids[1:]
		return id
	}}}
	if id := s.topicID(); id != [16]byte{15: 100} {
		t.Fatalf("%x", id)
	}
}

// fullLog is a log on a disk without room: it writes half of what is appended and fails.
type fullLog struct {
	quorum.Log
	full bool
}

func (l *fullLog) Append(entries []quorum.Entry) error {
	if !l.full {
		return l.Log.Append(entries)
	}
	if err := l.Log.Append(entries[:len(entries)/2]); err != nil {
		return err
	}
	return fmt.Errorf("append: %w", syscall.ENOSPC)
}

// A CreateTopics on a full disk ended the controller, and with it the broker.
func TestAFullDiskRefusesChangesAndEndsNothing(t *testing.T) {
	// Given a controller whose disk gets full,
	fs, log := quorumtest.NewCrashFS(dir), &fullLog{Log: quorumtest.NewMemLog()}
	s := open(t, config(fs, log))
	stop := run(t, s)
	register(t, s)
	log.full = true

	// when topics are created, several at once and again, they are refused with a code that says: try again.
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			name := fmt.Sprint("full", i)
			if r := s.CreateTopics(context.Background(), topic(name), false)[0]; r.Err != kerr.KafkaStorageError || !r.Err.Retriable {
				t.Errorf("%s: %+v", name, r)
			}
		})
	}
	wg.Wait()
	if n := s.Image().TopicCount(); n != 0 {
		t.Errorf("%d topics are seen", n)
	}

	// When there is room again, the controller serves; what it could not take back has happened late.
	log.full = false
	if r := s.CreateTopics(context.Background(), topic("later"), false)[0]; r.Err != nil {
		t.Fatalf("%+v", r)
	}
	must(t, stop())
	want := digest(s.Image())
	again := open(t, config(fs, log))
	run(t, again)
	if !strings.HasSuffix(digest(again.Image()), strings.SplitN(want, " ", 2)[1]) || again.Image().Topic("later") == nil {
		t.Errorf("after a restart: %s, before %s", digest(again.Image()), want)
	}
}

func TestACheckpointThatFindsNoRoomIsPutOff(t *testing.T) {
	fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
	cfg := config(fs, log)
	cfg.CheckpointEntries = 4
	s := open(t, cfg)
	run(t, s)
	register(t, s)
	full := true
	fs.Before = func(_, path string) error {
		if full && strings.Contains(path, "checkpoint") {
			return syscall.ENOSPC
		}
		return nil
	}
	create := func(names ...string) {
		for _, name := range names {
			if r := s.CreateTopics(context.Background(), topic(name), false)[0]; r.Err != nil {
				t.Fatalf("%s: %+v", name, r)
			}
		}
	}
	create("a", "b", "c", "d", "e", "f")
	if at := s.Status().Checkpointed; at != 0 {
		t.Fatalf("checkpoint of %d", at)
	}
	full = false
	create("g", "h", "i", "j", "k")
	if at := s.Status().Checkpointed; at == 0 {
		t.Error("no checkpoint was written when there was room")
	}
}

// A thousand records were one block whatever their size: with long configs the block was larger than a checkpoint
// takes, and the controller ended, and again after each start.
func TestACheckpointOfLongConfigs(t *testing.T) {
	fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
	cfg := config(fs, log)
	cfg.CheckpointBytes = 18 << 20
	s := open(t, cfg)
	stop := run(t, s)
	register(t, s)
	if r := s.CreateTopics(context.Background(), topic("a"), false)[0]; r.Err != nil {
		t.Fatalf("%+v", r)
	}
	long := strings.Repeat("x", record.MaxStringBytes)
	for i := range 6 {
		change := machine.AlterConfigsResource{Type: image.ResourceTopic, Name: "a"}
		for j := range 100 {
			change.Ops = append(change.Ops, machine.ConfigOp{Name: fmt.Sprint("config", i, ".", j), Value: &long})
		}
		if r := s.AlterConfigs(context.Background(), []machine.AlterConfigsResource{change}, false)[0]; r.Err != nil {
			t.Fatalf("%+v", r)
		}
	}
	must(t, stop())
	again := open(t, cfg)
	if again.Status().Checkpointed == 0 || len(again.LoadedImage().Configs(image.ResourceTopic, "a")) != 600 {
		t.Errorf("checkpoint %d, %d configs", again.Status().Checkpointed, len(again.LoadedImage().Configs(image.ResourceTopic, "a")))
	}
}

// A rack that no record may hold was written all the same, and the log could not be read any more.
func TestARegistrationThatNoRecordHoldsIsRefused(t *testing.T) {
	fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
	s := open(t, config(fs, log))
	stop := run(t, s)
	b := registration(1)
	b.Rack = strings.Repeat("x", record.MaxStringBytes+1)
	var code *kerr.Error
	if _, err := s.RegisterBroker(context.Background(), b); !errors.As(err, &code) || code != kerr.InvalidRegistration {
		t.Errorf("registered: %v", err)
	}
	must(t, stop())
	open(t, config(fs, log))
}
