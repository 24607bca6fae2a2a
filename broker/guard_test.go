package broker

import (
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol/batch"
)

// The guards count what the request path costs, for time cannot be trusted on a shared machine: allocations of the whole process per request,
// and bytes of frames that were copied between the socket and the log. The client below allocates nothing per request.

const (
	maxProduceAllocs = 5
	maxFetchAllocs   = 8
	guardRounds      = 2000
)

// rawClient sends encoded frames and reads answers into one buffer.
type rawClient struct {
	t      *testing.T
	conn   net.Conn
	answer []byte
}

func dialRaw(t *testing.T, address string) *rawClient {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return &rawClient{t: t, conn: conn, answer: make([]byte, 4<<20)}
}

// ask sends one frame and returns the answer behind its correlation id, valid until the next call.
func (c *rawClient) ask(frame []byte) []byte {
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.ReadFull(c.conn, c.answer[:4]); err != nil {
		c.t.Fatal(err)
	}
	size := int(binary.BigEndian.Uint32(c.answer))
	if _, err := io.ReadFull(c.conn, c.answer[:size]); err != nil {
		c.t.Fatal(err)
	}
	return c.answer[4:size]
}

func encodeFrame(r kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("guard")).AppendRequest(nil, r, 7)
}

func testBatch(t testing.TB, records, size int) []byte {
	t.Helper()
	b := batch.NewBuilder(batch.Options{})
	for range records {
		b.Add(time.Now().UnixMilli(), nil, make([]byte, size), nil)
	}
	encoded, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func produceFrame(version int16, topic string, acks int16, records []byte) []byte {
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = version, acks, 10_000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = records
	rt.Partitions = append(rt.Partitions, rp)
	r.Topics = append(r.Topics, rt)
	return encodeFrame(r)
}

func fetchFrame(version int16, topic string, offset int64, maxBytes int32) []byte {
	r := kmsg.NewPtrFetchRequest()
	r.Version, r.MaxWaitMillis, r.MinBytes, r.MaxBytes, r.SessionEpoch = version, 100, 1, maxBytes, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = offset, maxBytes, -1
	rt.Partitions = append(rt.Partitions, rp)
	r.Topics = append(r.Topics, rt)
	return encodeFrame(r)
}

// allocsPerRequest runs ask guardRounds times and returns the allocations of the whole process for each.
func allocsPerRequest(t *testing.T, ask func()) float64 {
	if raceDetector {
		t.Skip("allocations are not counted under the race detector")
	}
	for range 50 {
		ask() // pools and caches fill
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range guardRounds {
		ask()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / guardRounds
}

func TestProduceStaysWithinItsAllocations(t *testing.T) {
	for _, c := range []struct {
		name, durability string
		acks             int16
	}{{"acks 1 under os", "os", 1}, {"acks all under group", "group", -1}} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, t.TempDir(), "sordini.durability", c.durability)
			produce(t, s, "guard", 0, 1)
			client := dialRaw(t, s.address)
			frame := produceFrame(9, "guard", c.acks, testBatch(t, 16, 1000))
			movedBefore := s.metrics.BytesMoved.Load()
			got := allocsPerRequest(t, func() {
				if answer := client.ask(frame); len(answer) < 20 {
					t.Fatalf("answer of %d bytes", len(answer))
				}
			})
			t.Logf("%.2f allocations per produce request", got)
			if got > maxProduceAllocs {
				t.Errorf("%.2f allocations per produce request, at most %d are allowed", got, maxProduceAllocs)
			}
			// A frame may come in two reads, which costs nothing; only one that does not fit behind what is there is moved.
			if moved := s.metrics.BytesMoved.Load() - movedBefore; moved != 0 {
				t.Errorf("%d bytes were copied between the socket and the log", moved)
			}
		})
	}
}

func TestFetchStaysWithinItsAllocations(t *testing.T) {
	s := startServer(t, t.TempDir(), "sordini.durability", "os")
	produce(t, s, "guard", 0, 1)
	client := dialRaw(t, s.address)
	frame := produceFrame(9, "guard", 1, testBatch(t, 100, 1000))
	for range 20 {
		client.ask(frame)
	}
	fetch := fetchFrame(12, "guard", 1, 1<<20)
	before := s.metrics.BytesOut.Load()
	got := allocsPerRequest(t, func() {
		if answer := client.ask(fetch); len(answer) < 1_000_000 {
			t.Fatalf("answer of %d bytes", len(answer))
		}
	})
	t.Logf("%.2f allocations per fetch request", got)
	if got > maxFetchAllocs {
		t.Errorf("%.2f allocations per fetch request, at most %d are allowed", got, maxFetchAllocs)
	}
	sent := s.metrics.BytesOut.Load() - before
	if want := int64(guardRounds+50) << 20; sent < want {
		t.Fatalf("%d bytes were sent, want %d at least", sent, want)
	}
	if copied := s.metrics.BytesCopiedOut.Load(); copied != 0 {
		t.Errorf("%d bytes of records were copied on the way out", copied)
	}
}
