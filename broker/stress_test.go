package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

// The stress test lets everything happen at once that a broker must bear: producers of all acks, pipelined frames, long polls that are
// abandoned, frames that end in the middle, topics that come and go under traffic, and a stop in the middle of it. It is for the race
// detector and for leaks: afterwards no goroutine and no descriptor is left, and what acks=all was told is in the log.

const stressTime = 2 * time.Second

type stress struct {
	t       *testing.T
	address string
	ctx     context.Context
	acked   atomic.Int64 // records of the topic "kept" that acks=all acknowledged
}

func TestStressOfAllKindsOfClients(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	s := startServer(t, dir, "connections.max.idle.ms", "3000") // a broken fetch may ask to wait for days
	produce(t, s, "kept", 0, 1)
	produce(t, s, "raw", 0, 1)
	descriptors := countDescriptors(t)

	ctx, cancel := context.WithTimeout(context.Background(), stressTime)
	defer cancel()
	w := &stress{t: t, address: s.address, ctx: ctx}
	var wg sync.WaitGroup
	for i, part := range []func(*rand.Rand){
		w.produceAll, w.produceAll, w.consume, w.consume, w.createAndDelete, w.rawProduce, w.rawProduce, w.rawFetch, w.rawFetch,
		w.breakFrames, w.garbage,
	} {
		wg.Go(func() { part(rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	<-ctx.Done()
	if seed%2 == 0 { // half of the runs stop under traffic, half after it
		wg.Wait()
		for s.table.count() > 0 {
			time.Sleep(time.Millisecond)
		}
		if now := countDescriptors(t); now > descriptors+stressSpareDescriptors {
			t.Errorf("seed %d: %d descriptors before, %d after all clients have gone", seed, descriptors, now)
		}
	}
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("seed %d: the stop took %v", seed, took)
	}
	wg.Wait()

	s = startServer(t, dir)
	c := s.client(t)
	ends, err := kadm.NewClient(c).ListEndOffsets(testContext(t), "kept")
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	if acked := w.acked.Load() + 1; total < acked {
		t.Errorf("seed %d: %d records were acknowledged, %d are in the log", seed, acked, total)
	}
	c.Close()
	s.stop()
}

// stressSpareDescriptors: partitions that were created keep a segment open each, __consumer_offsets alone fifty.
const stressSpareDescriptors = 100

func countDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(entries)
}

func (w *stress) over() bool { return w.ctx.Err() != nil }

func (w *stress) kgo(opts ...kgo.Opt) *kgo.Client {
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.address), kgo.AllowAutoTopicCreation(),
		kgo.RecordDeliveryTimeout(3 * time.Second), kgo.RetryTimeout(2 * time.Second)}, opts...)...)
	if err != nil {
		panic(err) // the options are wrong
	}
	return c
}

func (w *stress) produceAll(rng *rand.Rand) {
	c := w.kgo()
	defer c.Close()
	for !w.over() {
		for range rng.IntN(50) {
			topic := []string{"kept", "kept", "comes-0", "comes-1"}[rng.IntN(4)]
			c.TryProduce(context.Background(), &kgo.Record{Topic: topic, Value: make([]byte, rng.IntN(3000))}, func(r *kgo.Record, err error) {
				if err == nil && r.Topic == "kept" {
					w.acked.Add(1)
				}
			})
		}
		if rng.IntN(3) == 0 {
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			_ = c.Flush(ctx)
			cancel()
		}
	}
}

func (w *stress) consume(rng *rand.Rand) {
	for !w.over() {
		c := w.kgo(kgo.ConsumeTopics("kept", "comes-0", "comes-1"), kgo.FetchMaxWait(time.Duration(10+rng.IntN(500))*time.Millisecond),
			kgo.ConsumerGroup("stress"), kgo.FetchMinBytes(int32(1+rng.IntN(10_000))))
		for range 1 + rng.IntN(20) {
			ctx, cancel := context.WithTimeout(w.ctx, time.Duration(rng.IntN(300))*time.Millisecond)
			c.PollFetches(ctx)
			cancel()
		}
		c.Close()
	}
}

func (w *stress) createAndDelete(rng *rand.Rand) {
	c := w.kgo()
	defer c.Close()
	admin := kadm.NewClient(c)
	for !w.over() {
		topic := fmt.Sprint("comes-", rng.IntN(2))
		_, _ = admin.CreateTopic(w.ctx, int32(1+rng.IntN(12)), 1, nil, topic)
		time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
		_, _ = admin.DeleteTopic(w.ctx, topic)
	}
}

// dial returns a connection that ends with the test, or nil when the broker does not listen any more.
func (w *stress) dial() net.Conn {
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	return conn
}

// rawProduce pipelines frames of mixed acks, and checks that the answers come in order.
func (w *stress) rawProduce(rng *rand.Rand) {
	small, large := testBatch(w.t, 3, 100), testBatch(w.t, 60, 5000)
	frames := map[int16][]byte{}
	for _, acks := range []int16{0, 1, -1} {
		frames[acks] = produceFrame(9, "raw", acks, small)
	}
	big := produceFrame(9, "raw", -1, large)
	for !w.over() {
		conn := w.dial()
		if conn == nil {
			return
		}
		for range 20 {
			var sent []byte
			var want []uint32
			for range 1 + rng.IntN(20) {
				acks := int16(rng.IntN(3) - 1)
				frame := frames[acks]
				if acks == -1 && rng.IntN(4) == 0 {
					frame = big
				}
				id := rng.Uint32()
				at := len(sent)
				sent = append(sent, frame...)
				binary.BigEndian.PutUint32(sent[at+8:], id)
				if acks != 0 {
					want = append(want, id)
				}
			}
			if err := w.exchange(conn, sent, want); err != nil {
				break
			}
		}
		_ = conn.Close()
	}
}

// exchange writes bytes and reads the answers to them.
func (w *stress) exchange(conn net.Conn, sent []byte, want []uint32) error {
	var write sync.WaitGroup
	write.Go(func() { _, _ = conn.Write(sent) })
	defer write.Wait()
	for _, id := range want {
		var head [8]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			_ = conn.Close()
			if !w.over() {
				w.t.Errorf("read answer: %v", err)
			}
			return err
		}
		if got := binary.BigEndian.Uint32(head[4:]); got != id {
			_ = conn.Close()
			w.t.Errorf("answer to request %d came for %d", got, id)
			return errors.New("out of order")
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[:]))-4); err != nil {
			return err
		}
	}
	return nil
}

// rawFetch pipelines fetches and produces, and sometimes leaves in the middle of a long poll or of an answer.
func (w *stress) rawFetch(rng *rand.Rand) {
	write := produceFrame(9, "raw", 1, testBatch(w.t, 3, 100))
	for !w.over() {
		conn := w.dial()
		if conn == nil {
			return
		}
		for range 10 {
			version := []int16{2, 3, 4, 7, 11, 12}[rng.IntN(6)]
			var sent []byte
			var want []uint32
			for range 1 + rng.IntN(4) {
				frame := fetchFrame(version, "raw", int64(rng.IntN(3)), int32(1+rng.IntN(1<<20)))
				if rng.IntN(3) == 0 {
					frame = write
				}
				id := rng.Uint32()
				at := len(sent)
				sent = append(sent, frame...)
				binary.BigEndian.PutUint32(sent[at+8:], id)
				want = append(want, id)
			}
			if rng.IntN(10) == 0 {
				_, _ = conn.Write(append(sent, fetchFrame(12, "raw", 1<<40, 1000)...))
				_, _ = conn.Read(make([]byte, rng.IntN(10_000)))
				break
			}
			if w.exchange(conn, sent, want) != nil {
				break
			}
		}
		_ = conn.Close()
	}
}

// breakFrames leaves in the middle of frames, small and large.
func (w *stress) breakFrames(rng *rand.Rand) {
	frames := [][]byte{produceFrame(9, "raw", -1, testBatch(w.t, 100, 5000)), fetchFrame(12, "raw", 0, 100)}
	for !w.over() {
		conn := w.dial()
		if conn == nil {
			return
		}
		frame := frames[rng.IntN(2)]
		_, _ = conn.Write(frame[:rng.IntN(len(frame))])
		if rng.IntN(2) == 0 {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		_ = conn.Close()
	}
}

// garbage sends frames in which some bytes are wrong. The broker answers or closes, and lives.
func (w *stress) garbage(rng *rand.Rand) {
	frames := [][]byte{
		produceFrame(9, "raw", 1, testBatch(w.t, 3, 100)), produceFrame(3, "raw", -1, testBatch(w.t, 3, 100)),
		produceFrame(1, "raw", -1, testBatch(w.t, 3, 100)), fetchFrame(12, "raw", 0, 10_000), fetchFrame(1, "raw", 0, 10_000),
		fetchFrame(7, "raw", 0, 10_000), fetchFrame(13, "raw", 0, 10_000),
	}
	for !w.over() {
		conn := w.dial()
		if conn == nil {
			return
		}
		for range 1 + rng.IntN(10) {
			frame := append([]byte(nil), frames[rng.IntN(len(frames))]...)
			for range 1 + rng.IntN(4) {
				frame[4+rng.IntN(len(frame)-4)] = byte(rng.Uint32())
			}
			if _, err := conn.Write(frame); err != nil {
				break
			}
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Duration(rng.IntN(20)) * time.Millisecond))
		_, _ = conn.Read(make([]byte, 1000))
		_ = conn.Close()
	}
}
