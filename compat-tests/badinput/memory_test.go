package badinput

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// What a few hostile clients may cost, and how long a good one may have to wait meanwhile. A Kafka with 1 GiB of heap never
// answers again after the first of these, so they are asked of our broker alone.
const (
	claimCost  = 32 << 20 // of 200 connections that claim 100 MB each and send ten bytes
	floodCost  = 96 << 20 // of 20 connections that send 1 MiB each, which decode to many times that
	bombCost   = 64 << 20 // of one request whose records inflate without end
	goodWithin = 2 * time.Second
)

// TestClaimedFramesCostNothing: memory goes to bytes that came, not to bytes that were announced.
func TestClaimedFramesCostNothing(t *testing.T) {
	m := startMeasured(t)
	if m == nil {
		return
	}
	for range 200 {
		c := m.dial(t)
		c.write(append(size(100_000_000), frameOf(kmsg.NewPtrApiVersionsRequest(), rowID)[4:14]...))
	}
	m.good(t)
	m.atMost(t, claimCost)
}

// TestManyEmptyTopics: an array of 170,000 empty topics is 6 bytes an element on the wire and far more once decoded.
func TestManyEmptyTopics(t *testing.T) {
	m := startMeasured(t)
	if m == nil {
		return
	}
	const topics = 170_000
	body := fetchRequest(4, "", 0, 0)
	body.Topics = nil
	head := body.AppendTo(nil)
	head = binary.BigEndian.AppendUint32(head[:len(head)-4], topics) // the count comes last in an empty request
	flood := frame(1, 4, clientID, append(head, make([]byte, topics*6)...))
	var wg sync.WaitGroup
	for range 20 {
		c := m.dial(t)
		wg.Go(func() {
			c.write(flood)
			if _, err := c.read(30 * time.Second); err == errNothing {
				t.Error("no answer and no close within 30 s")
			}
		})
	}
	m.good(t)
	wg.Wait()
	m.atMost(t, floodCost)
}

// TestBombs: a batch of zeros is small when compressed, and must not be unpacked whole. As in Kafka it is taken, unless it is damaged, up to
// max.decompressed.message.bytes, which allows 2 GiB. A message of the old formats has to be held whole, and is refused.
func TestBombs(t *testing.T) {
	m := startMeasured(t)
	if m == nil {
		return
	}
	e := &env{t: t, addr: m.addr, good: m.dial(t)}
	topic := e.fresh()
	zeros := make([]byte, 256<<20)
	throw := func(name string, version int16, codec int, plain []byte, pack func(payload []byte) []byte) {
		payload, want := compress(codec, plain), ok
		if len(payload) > 900_000 {
			payload, want = payload[:900_000], "Partitions 87" // snappy and lz4 do not shrink it enough; cut short it is still a bomb while it lasts
		}
		if version < 3 && codec != snappyCodec { // which is found damaged first
			want = "Partitions 10"
		}
		t.Run(name, func(t *testing.T) {
			m.mark(t)
			m.bomb(t, version, frameOf(produceRequest(version, topic, 0, pack(payload)), rowID), want)
			m.good(t)
			m.atMost(t, bombCost)
		})
	}
	record := encodedRecord(0, nil, zeros)
	for codec := gzipCodec; codec <= zstdCodec; codec++ {
		throw(codecNames[codec], 7, codec, record, func(payload []byte) []byte { return compressedBatch(1, codec, payload) })
	}
	for codec := gzipCodec; codec <= lz4Codec; codec++ {
		for magic := range int8(2) {
			throw(fmt.Sprintf("%s in format %d", codecNames[codec], magic), 2, codec, message(magic, 0, nil, zeros, 0),
				func(payload []byte) []byte { return message(magic, byte(codec), nil, payload, 0) })
		}
	}
}

func (m *measured) bomb(t *testing.T, version int16, frame []byte, want string) {
	t.Helper()
	c := m.dial(t)
	c.write(frame)
	got, err := c.read(patience)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := harness.Decode(got, int16(kmsg.Produce), version, rowID)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := codes(resp); outcome != want {
		t.Errorf("%d bytes that stand for 256 MiB: %s, want %s", len(frame), outcome, want)
	}
}

// measured is a broker whose memory is watched.
type measured struct {
	addr   string
	pid    int
	before int64
}

func startMeasured(t *testing.T) *measured {
	t.Helper()
	b, release := start(t)
	if release != "" {
		t.Logf("only our broker is held to this, not Kafka %s: see above", release)
		return nil
	}
	m := &measured{addr: b.Addr, pid: brokerPID(t, b)}
	m.good(t)
	m.mark(t)
	return m
}

// mark begins to count the peak anew: what went before is not this test's.
func (m *measured) mark(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", m.pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	m.before = m.status(t, "VmRSS")
}

// brokerPID finds the child of this process that was told the broker's data directory.
func brokerPID(t *testing.T, b *harness.Broker) int {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(p)))
		line, err := os.ReadFile(p)
		if err == nil && pid != os.Getpid() && bytes.Contains(line, []byte(b.Dir+"\x00")) {
			return pid
		}
	}
	t.Fatalf("no process was told of %s", b.Dir)
	return 0
}

func (m *measured) status(t *testing.T, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.pid))
	if err != nil {
		t.Fatalf("the broker is gone: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s of process %d", field, m.pid)
	return 0
}

func (m *measured) dial(t *testing.T) *conn {
	t.Helper()
	c, err := dial(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// good is a client that has nothing to do with it, on a connection that it makes now.
func (m *measured) good(t *testing.T) {
	t.Helper()
	begin := time.Now()
	if _, err := m.dial(t).ask(metadataRequest(1)); err != nil {
		t.Fatalf("a good request meanwhile: %v", err)
	}
	if d := time.Since(begin); d > goodWithin {
		t.Errorf("a good request meanwhile took %v, want at most %v", d, goodWithin)
	}
}

func (m *measured) atMost(t *testing.T, cost int64) {
	t.Helper()
	peak := m.status(t, "VmHWM")
	t.Logf("resident: %d MiB before, %d MiB at the peak", m.before>>20, peak>>20)
	if peak-m.before > cost {
		t.Errorf("the peak is %d MiB above the start, want at most %d", (peak-m.before)>>20, cost>>20)
	}
}
