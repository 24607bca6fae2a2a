package figures

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
	"github.com/sordini/sordini/protocol/batch"
)

func TestMain(m *testing.M) { harness.Main(m) }

// envInt reads a size that a run may change.
func envInt(tb testing.TB, name string, otherwise int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatalf("%s=%q: %v", name, text, err)
	}
	return n
}

// client sends frames that were encoded before and reads the answers, and costs next to nothing itself.
type client struct {
	conn   net.Conn
	answer []byte
}

func dial(tb testing.TB, addr string) *client {
	tb.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return &client{conn: conn, answer: make([]byte, 4<<10)}
}

// ask sends a Produce frame for one partition and looks at the error code in the answer.
func (c *client) ask(frame []byte) error {
	if _, err := c.conn.Write(frame); err != nil {
		return err
	}
	return c.receive()
}

func (c *client) receive() error {
	if _, err := io.ReadFull(c.conn, c.answer[:4]); err != nil {
		return err
	}
	size := int(binary.BigEndian.Uint32(c.answer))
	const beforeTopic = 4 + 4 // correlation id, number of topics
	if size < beforeTopic+2 || size > len(c.answer) {
		return fmt.Errorf("an answer of %d bytes", size)
	}
	if _, err := io.ReadFull(c.conn, c.answer[:size]); err != nil {
		return err
	}
	at := beforeTopic + 2 + int(binary.BigEndian.Uint16(c.answer[beforeTopic:])) + 4 + 4 // the topic, number of partitions, partition
	if at+2 > size {
		return fmt.Errorf("an answer of %d bytes", size)
	}
	if code := binary.BigEndian.Uint16(c.answer[at:]); code != 0 {
		return fmt.Errorf("produce: error %d", code)
	}
	return nil
}

const produceVersion = 8

func produceFrame(topic string, partition int32, acks int16, records []byte) []byte {
	r := kmsg.NewPtrProduceRequest()
	r.Version, r.Acks, r.TimeoutMillis = produceVersion, acks, 30_000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, records
	rt.Partitions = append(rt.Partitions, rp)
	r.Topics = append(r.Topics, rt)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("figures")).AppendRequest(nil, r, 7)
}

func records(tb testing.TB, n, valueBytes int) []byte {
	tb.Helper()
	b := batch.NewBuilder(batch.Options{})
	value := []byte(strings.Repeat("figures.", valueBytes/8+1)[:valueBytes])
	for range n {
		b.Add(time.Now().UnixMilli(), nil, value, nil)
	}
	raw, err := b.Build(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// fill writes so many bytes to each partition of a topic, a few requests in flight.
func fill(tb testing.TB, addr, topic string, partitions int, bytesEach int64, perBatch int) {
	tb.Helper()
	const inFlight = 4
	raw := records(tb, perBatch, 1000)
	c := dial(tb, addr)
	for p := range partitions {
		frame := produceFrame(topic, int32(p), 1, raw)
		waiting := 0
		for sent := int64(0); sent < bytesEach || waiting > 0; {
			if sent < bytesEach && waiting < inFlight {
				if _, err := c.conn.Write(frame); err != nil {
					tb.Fatal(err)
				}
				sent += int64(len(raw))
				waiting++
				continue
			}
			if err := c.receive(); err != nil {
				tb.Fatal(err)
			}
			waiting--
		}
	}
}

// cpuSeconds is the CPU time of a process so far, user and system.
func cpuSeconds(tb testing.TB, pid int) float64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Fatal(err)
	}
	const ticks = 100 // a second, on every Linux that Go runs on
	var user, system int64
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		tb.Fatal(err)
	}
	return float64(user+system) / ticks
}

// residentBytes is VmRSS of a process.
func residentBytes(tb testing.TB, pid int) int64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	tb.Fatal("no VmRSS")
	return 0
}
