package badinput

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// start starts the broker under test and tells which release of Kafka it is, if it is one.
func start(t *testing.T) (b *harness.Broker, release string) {
	t.Helper()
	b = harness.Start(t, fmt.Sprintf("group.max.size=%d", groupMax))
	release, _ = strings.CutPrefix(b.Target, "kafka-")
	if b.Target == "sordini" {
		release = ""
	}
	return b, release
}

func TestBadInput(t *testing.T) {
	b, release := start(t)
	e := newEnv(t, b.Addr, release)
	for _, g := range allRows() {
		t.Run(g.name, func(t *testing.T) {
			e.t = t
			for i := range g.rows {
				t.Run(g.rows[i].name, func(t *testing.T) {
					e.t = t
					g.rows[i].test(t, e)
				})
			}
		})
	}
}

func (r *row) test(t *testing.T, e *env) {
	outcome, resp := r.observe(e)
	if !r.accepts(e.release, outcome) {
		t.Errorf("%s, want %s", outcome, r.wanted(e.release))
		if resp != nil {
			t.Logf("%+v", resp)
		}
	}
	if r.also != nil && resp != nil {
		if s := r.also(e, resp); s != "" {
			t.Error(s)
		}
	}
	if err := e.good.alive(); err != nil {
		t.Fatalf("a good request on another connection: %v", err)
	}
}

// TestAnswersComeInOrder: requests that arrive together are answered one after the other, up to the first one that is bad.
func TestAnswersComeInOrder(t *testing.T) {
	b, release := start(t)
	e := newEnv(t, b.Addr, release)
	c, err := dial(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var all []byte
	for id := range int32(3) {
		all = append(all, frameOf(fetchRequest(4, e.plain, 0, 0), 3*id)...)
		all = append(all, frameOf(produceRequest(7, e.plain, 0, goodBatch()), 3*id+1)...)
		all = append(all, frameOf(metadataRequest(1, e.plain), 3*id+2)...)
	}
	all = append(all, frame(3, 99, withTags(noTags), nil)...)
	all = append(all, frameOf(metadataRequest(1), 100)...)
	c.write(all)
	for want := range uint32(9) {
		got, err := c.read(patience)
		if err != nil {
			t.Fatalf("answer %d: %v", want, err)
		}
		if id := binary.BigEndian.Uint32(got); id != want {
			t.Fatalf("answer %d has correlation id %d", want, id)
		}
	}
	if got, err := c.read(patience); !errors.Is(err, io.EOF) {
		t.Errorf("after the bad request: %d bytes, %v; want the connection closed", len(got), err)
	}
}

// TestByteByByte: a good frame is good however slowly it comes.
func TestByteByByte(t *testing.T) {
	b, _ := start(t)
	c, err := dial(b.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, one := range frameOf(metadataRequest(1), rowID) {
		c.write([]byte{one})
	}
	got, err := c.read(patience)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := harness.Decode(got, int16(kmsg.Metadata), 1, rowID); err != nil {
		t.Error(err)
	}
}
