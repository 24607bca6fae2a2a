package controller

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
)

// TestCrashAtEveryOperation drives the loop, turn by turn, with random requests, and crashes before each operation of
// the disk. What a restart finds must be the image after some entry, not before the last one that was answered.
func TestCrashAtEveryOperation(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { crashAtEveryOperation(t, seed) })
	}
}

func crashAtEveryOperation(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	fs := quorumtest.NewCrashFS(dir)
	w := &work{t: t, rng: rng, digests: map[int64]string{}}
	crashes, loaded := 0, int64(-1)
	fs.Before = func(op, path string) error {
		if w.service == nil || rng.IntN(3) > 0 {
			return nil // Open has its own test, in quorum
		}
		crashes++
		s := openFile(t, fs.Crash(rng, rng.IntN(3)*50))
		img := s.LoadedImage()
		// The restart has added its own first entry, which changes nothing but the offset.
		at := img.Offset - 1
		if _, ok := w.digests[at]; !ok && at >= w.answered {
			at = w.lastBefore(at)
		}
		if at < w.answered || content(img) != w.digests[at] {
			t.Fatalf("crash before %s %s: image of offset %d is not that of %d; answered up to %d",
				op, path, img.Offset, at, w.answered)
		}
		loaded = max(loaded, img.Offset)
		return nil
	}
	for range 3 {
		s := openFile(t, fs)
		w.use(s)
		for range 15 {
			w.turn()
		}
		w.service = nil
	}
	t.Logf("%d crashes, offset %d", crashes, loaded)
}

func openFile(t *testing.T, fs *quorumtest.CrashFS) *Service {
	t.Helper()
	log, err := quorumtest.OpenFileLog(fs, dir)
	must(t, err)
	cfg := config(fs, log)
	cfg.CheckpointEntries = 20
	return open(t, cfg)
}

// content is what an image holds, whatever its offset.
func content(img *image.Image) string {
	c := *img
	c.Offset = 0
	return digest(&c)
}

// work makes requests and knows what the image is after each entry.
type work struct {
	t        *testing.T
	rng      *rand.Rand
	service  *Service
	digests  map[int64]string // by offset, of everything that was ever decided
	answered int64
	runs     byte
	topics   int
}

func (w *work) use(s *Service) {
	l := &s.loop
	l.publish(nil, l.loaded)
	w.digests[l.committed.Offset] = content(l.committed)
	w.answered = l.committed.Offset
	w.service = s
}

// lastBefore returns the newest offset with a known image at or before one.
func (w *work) lastBefore(at int64) int64 {
	for ; at >= 0; at-- {
		if _, ok := w.digests[at]; ok {
			return at
		}
	}
	return -1
}

// turn puts a few requests in the mailbox and lets the loop work on them. It knows what comes of them because
// another machine decides the same before.
func (w *work) turn() {
	l := &w.service.loop
	twin := machine.New(w.service.cfg.Config, l.committed)
	offset := int64(l.node.NextIndex()) - 1
	var calls []*call
	for range 1 + w.rng.IntN(4) {
		c := &call{event: w.event(twin.Image()), done: make(chan struct{})}
		if d := twin.Decide(offset, c.event); len(d.Records) > 0 {
			twin.Apply(offset, d.Records)
			w.digests[offset] = content(twin.Image())
			offset++
		}
		calls = append(calls, c)
	}
	for _, c := range calls[1:] {
		w.service.mailbox <- c
	}
	must(w.t, l.turn(calls[0], []Publisher{PublisherFunc(func(_ *image.Delta, img *image.Image) {
		w.answered = img.Offset // the answers leave after this
	})}))
	for _, c := range calls {
		<-c.done
		must(w.t, c.err)
	}
	if got, want := digest(l.committed), digest(twin.Image()); got != want {
		w.t.Fatalf("the loop has %s, its twin %s", got, want)
	}
}

func (w *work) event(img *image.Image) machine.Event {
	b := img.Broker(1)
	switch n := w.rng.IntN(10); {
	case b == nil || n == 0:
		w.runs++
		r := registration(w.runs)
		r.Unclean = w.rng.IntN(2) == 0
		return r
	case n < 5:
		w.topics++
		value := fmt.Sprint(w.topics)
		return machine.CreateTopics{DefaultPartitions: 2, DefaultReplicationFactor: 1,
			TopicIDs: []image.TopicID{{1, byte(w.topics)}},
			Topics: []machine.CreatableTopic{{Name: fmt.Sprintf("t.%d", w.topics%20), NumPartitions: -1, ReplicationFactor: -1,
				Configs: []machine.TopicConfig{{Name: "x", Value: &value}}}}}
	case n < 7:
		name := fmt.Sprintf("t.%d", w.rng.IntN(20))
		return machine.DeleteTopics{Topics: []machine.DeletableTopic{{Name: &name}}}
	case n < 8:
		value := fmt.Sprint(n)
		return machine.AlterConfigs{Resources: []machine.AlterConfigsResource{{Type: image.ResourceTopic,
			Name: fmt.Sprintf("t.%d", w.rng.IntN(20)), Ops: []machine.ConfigOp{{Name: "y", Value: &value}}}}}
	}
	return machine.AllocateProducerIDs{BrokerID: 1, BrokerEpoch: b.Epoch}
}
