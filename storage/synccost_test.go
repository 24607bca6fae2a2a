package storage

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sordini/sordini/storage/vfs"
)

// costlyDisk is a file system on which syncs take the time that a test says, by a clock of its own.
type costlyDisk struct {
	mu          sync.Mutex
	now         time.Duration
	file, whole time.Duration
	files       int // syncs of single files
	wholes      int
	failFile    error
}

func (c *costlyDisk) clock() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *costlyDisk) hook(op vfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch op.Kind {
	case vfs.OpSync:
		c.now += c.file
		c.files++
		return c.failFile
	case vfs.OpSyncFS:
		c.now += c.whole
		c.wholes++
	}
	return nil
}

func (c *costlyDisk) open(t *testing.T) (*Dir, []*Log) {
	t.Helper()
	mem := vfs.NewMemFS()
	if err := FormatDir(mem, dataPath, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(DirConfig{Path: dataPath, FS: vfs.Hook(mem, c.hook), Monotonic: c.clock})
	if err != nil {
		t.Fatal(err)
	}
	var logs []*Log
	for i := range int32(20) {
		config := testConfig()
		config.Durability = DurabilityOS
		l, err := d.OpenLog(Partition{Topic: "orders", ID: TopicID{1}, Index: i}, config)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	return d, logs
}

// round appends to each log and syncs all of them, and says how.
func (c *costlyDisk) round(t *testing.T, d *Dir, logs []*Log) (wholes int) {
	t.Helper()
	for _, l := range logs {
		appendOne(t, l, spec{values: []string{"a"}})
	}
	before := c.wholes
	if err := d.syncer.sync(logs); err != nil {
		t.Fatal(err)
	}
	for _, l := range logs {
		if l.durable.flushed.Load() != l.LogEndOffset() {
			t.Fatalf("%s is synced up to %d of %d", l.name, l.durable.flushed.Load(), l.LogEndOffset())
		}
	}
	return c.wholes - before
}

// A syncfs writes what others have left dirty in the file system, too. It was taken whenever more than three files were dirty, and acks=all then
// waited for hundreds of megabytes of a log that nobody waited for.
func TestTheCheaperSyncIsTaken(t *testing.T) {
	c := &costlyDisk{file: time.Millisecond, whole: 2 * time.Millisecond}
	d, logs := c.open(t)
	defer closeDir(t, d)
	// Given a file system in which nothing else is dirty: one sync of all is cheaper, once both were tried.
	c.round(t, d, logs) // names of new files as well
	for range 3 {
		c.round(t, d, logs)
	}
	for range 20 {
		if c.round(t, d, logs) != 1 {
			t.Fatal("twenty files were synced one by one")
		}
	}
	// And for a few files it is never taken.
	if c.round(t, d, logs[:syncFilesMax]) != 0 {
		t.Error("syncfs for three files")
	}
	// When much else becomes dirty, then one bad experience is enough.
	c.whole = 100 * time.Millisecond
	c.round(t, d, logs)
	wholes := 0
	for range 1000 {
		wholes += c.round(t, d, logs)
	}
	if wholes != 0 {
		t.Errorf("%d dear syncs of 1000, within %v", wholes, c.now)
	}
	// When that is long ago, it is tried again, and taken again now that it is cheap.
	c.whole = 2 * time.Millisecond
	c.now += 10 * time.Minute
	for range 3 {
		c.round(t, d, logs)
	}
	if c.round(t, d, logs) != 1 {
		t.Error("syncfs is not tried again")
	}
}

func TestOneOfManySyncsFails(t *testing.T) {
	c := &costlyDisk{file: time.Millisecond, whole: time.Second}
	d, logs := c.open(t)
	for range 4 {
		c.round(t, d, logs)
	}
	for _, l := range logs {
		appendOne(t, l, spec{values: []string{"a"}})
	}
	before := logs[0].durable.flushed.Load()
	c.failFile = syscall.EIO
	if err := d.syncer.sync(logs); !errors.Is(err, ErrOffline) || !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
	if after := logs[0].durable.flushed.Load(); after != before {
		t.Errorf("%d is taken for durable after a failed sync", after)
	}
	_ = d.Close(t.Context())
}

// BenchmarkCommitBesideABusyLog waits for the group commit of several partitions while a log of the policy `os` is written to, which nobody
// waits for.
func BenchmarkCommitBesideABusyLog(b *testing.B) {
	for _, measured := range []bool{false, true} {
		b.Run(fmt.Sprintf("measured=%t", measured), func(b *testing.B) {
			config := DirConfig{Path: b.TempDir() + "/data"}
			if measured {
				began := time.Now()
				config.Monotonic = func() time.Duration { return time.Since(began) }
			}
			if err := FormatDir(vfs.OS, config.Path, Meta{ClusterID: "c", NodeID: 1}); err != nil {
				b.Fatal(err)
			}
			d, err := OpenDir(config)
			if err != nil {
				b.Fatal(err)
			}
			defer closeDir(b, d)
			var logs []*Log
			for i := range int32(9) {
				c := testConfig()
				c.Durability, c.SegmentBytes = DurabilityOS, 1<<30
				l, err := d.OpenLog(Partition{Topic: "orders", ID: TopicID{1}, Index: i}, c)
				if err != nil {
					b.Fatal(err)
				}
				logs = append(logs, l)
			}
			busy, logs := logs[0], logs[1:]
			large := &Append{Batch: spec{values: []string{string(make([]byte, 32<<20))}}.build(b)}
			for b.Loop() {
				b.StopTimer()
				if err := busy.Append(1, 0, []*Append{large}); err != nil {
					b.Fatal(err)
				}
				for _, l := range logs {
					appendOne(b, l, spec{values: []string{"a"}})
				}
				b.StartTimer()
				if err := d.syncer.sync(logs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
