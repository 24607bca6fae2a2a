package storage

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sordini/sordini/storage/vfs"
)

// lines is a log that can be counted.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// openRoom opens a directory that says what it logs and when there is room again.
func openRoom(t *testing.T, fs vfs.FS) (d *Dir, log *lines, roomy chan struct{}) {
	t.Helper()
	if err := FormatDir(fs, dataPath, Meta{ClusterID: "c", NodeID: 1, DirectoryID: "d"}); err != nil {
		t.Fatal(err)
	}
	log, roomy = &lines{}, make(chan struct{}, 10)
	d, err := OpenDir(DirConfig{Path: dataPath, FS: fs, Logger: slog.New(slog.NewTextHandler(log, nil)), OnRoom: func() { roomy <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	return d, log, roomy
}

func tryAppend(t *testing.T, l *Log, value string, origin Origin) error {
	t.Helper()
	a := &Append{Batch: spec{values: []string{value}}.build(t), Origin: origin}
	return errors.Join(l.Append(0, 0, []*Append{a}), a.Result.Err)
}

var vitalPartition = Partition{Topic: "vital", ID: TopicID{7}}

func openVital(t *testing.T, d *Dir) *Log {
	t.Helper()
	config := testConfig()
	config.Vital, config.Durability = true, DurabilityBatch
	l, err := d.OpenLog(vitalPartition, config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// "disk is full" came with every pass of retention, and nothing said when it was over.
func TestAFullDiskIsSaidOnce(t *testing.T) {
	fs := vfs.NewMemFS()
	d, log, roomy := openRoom(t, fs)
	defer closeDir(t, d)
	l := openLog(t, d, testConfig())
	appendOne(t, l, spec{values: []string{"a"}})

	fs.SetCapacity(fs.Used() + 10)
	for range 3 {
		if err := tryAppend(t, l, "no room for this", Client); !errors.Is(err, ErrDiskFull) {
			t.Fatal(err)
		}
		if _, err := d.RunRetention(0); err != nil && !isDiskFull(err) {
			t.Fatal(err)
		}
	}
	if n := log.count(`msg="disk is full"`); n != 1 || !d.DiskFull() {
		t.Errorf("said %d times, full %v", n, d.DiskFull())
	}

	fs.SetCapacity(0)
	<-roomy // without a pass of retention and without an append
	if n := log.count("there is room on the disk again"); n != 1 || d.DiskFull() {
		t.Errorf("the end was said %d times, full %v", n, d.DiskFull())
	}
	fs.SetCapacity(fs.Used() + 10)
	if err := tryAppend(t, l, "no room for this", Client); !errors.Is(err, ErrDiskFull) || log.count(`msg="disk is full"`) != 2 {
		t.Errorf("the second time: %v, said %d times", err, log.count(`msg="disk is full"`))
	}
	fs.SetCapacity(0)
	if strings.Contains(log.buf.String(), "dir=/data dir=") || !strings.Contains(log.buf.String(), "dir=/data ") {
		t.Errorf("the directory is to be named once in a line:\n%s", log.buf.String())
	}
}

// Nothing was reserved for the metadata: on a disk that was full to the last byte the record of a deletion found no room.
func TestAVitalLogAndADeletionNeedNoRoom(t *testing.T) {
	fs := vfs.NewMemFS()
	d, _, roomy := openRoom(t, fs)
	vital, l := openVital(t, d), openLog(t, d, testConfig())
	appendOne(t, l, spec{values: []string{strings.Repeat("hog", 10_000_000/3)}})
	d.work.wait()

	fs.SetCapacity(fs.Used())
	if err := tryAppend(t, l, "refused", Client); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	if err := tryAppend(t, vital, "topic is deleted", Coordinator); err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteLog(testPartition); err != nil {
		t.Fatal(err)
	}
	<-roomy
	if d.Failure() != nil || d.DiskFull() {
		t.Errorf("failure %v, full %v", d.Failure(), d.DiskFull())
	}
	closeDir(t, d)
}

// What the index freed for itself was taken by whoever wrote next, and then the index found no room again, which was its end.
func TestTheReserveIsNotForProducers(t *testing.T) {
	fs := vfs.NewMemFS()
	d, _, roomy := openRoom(t, fs)
	vital, l := openVital(t, d), openLog(t, d, testConfig())
	fs.SetCapacity(fs.Used())
	if err := tryAppend(t, vital, "takes the reserve", Coordinator); err != nil {
		t.Fatal(err)
	}
	for _, origin := range []Origin{Client, Coordinator} {
		if err := tryAppend(t, l, "there would be room", origin); !errors.Is(err, ErrDiskFull) {
			t.Errorf("origin %v: %v", origin, err)
		}
	}
	if _, err := d.OpenLog(Partition{Topic: "new", ID: TopicID{8}}, testConfig()); !errors.Is(err, ErrDiskFull) {
		t.Errorf("a new log: %v", err)
	}
	if _, err := d.fs.List(dataPath + "/new-0"); err == nil {
		t.Error("the new log has a directory")
	}
	if err := tryAppend(t, vital, "and again", Coordinator); err != nil {
		t.Error(err)
	}
	fs.SetCapacity(0)
	<-roomy
	if err := tryAppend(t, l, "now there is room", Client); err != nil {
		t.Error(err)
	}
	closeDir(t, d)
}

// A disk that somebody else had filled, the reserve included, took the directory offline with the next commit to the index.
func TestADiskWithoutAnyRoomTakesNobodyOffline(t *testing.T) {
	fs := vfs.NewMemFS()
	d, log, roomy := openRoom(t, fs)
	vital, l := openVital(t, d), openLog(t, d, testConfig())
	appendOne(t, l, spec{values: []string{"a"}})
	fs.SetCapacity(fs.Used())
	if err := tryAppend(t, vital, "takes the reserve", Coordinator); err != nil {
		t.Fatal(err)
	}
	fs.SetCapacity(fs.Used()) // and somebody else the rest
	for range 3 {
		l.changed.Store(true)
		if err := d.Checkpoint(); !errors.Is(err, ErrDiskFull) {
			t.Errorf("checkpoint: %v", err)
		}
	}
	if err := tryAppend(t, vital, "no room", Coordinator); !errors.Is(err, ErrDiskFull) {
		t.Error(err)
	}
	if got := mustReadAll(t, l, 0, 1000); len(got) != 1 || d.Failure() != nil {
		t.Errorf("read %v, failure %v", got, d.Failure())
	}
	fs.SetCapacity(0)
	<-roomy
	if err := errors.Join(tryAppend(t, l, "b", Client), tryAppend(t, vital, "c", Coordinator), d.Checkpoint()); err != nil {
		t.Error(err)
	}
	if n := log.count("level=ERROR"); n != 1 {
		t.Errorf("%d errors in the log:\n%s", n, log.buf.String())
	}
	closeDir(t, d)
}

// A log that had found no room when it was made could not be opened before a restart, and what was written to it after a second attempt would
// not have survived: its directory counted as one that had been there at the start.
func TestALogThatFoundNoRoomOpensWhenThereIsSome(t *testing.T) {
	mem := vfs.NewMemFS()
	closeDir(t, openDir(t, mem))
	d := openDir(t, mem)
	openLog(t, d, testConfig())
	mem = mem.CrashClone(100, nil) // so that the next opening syncs the file system
	full := true
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		if full && strings.Contains(op.Path, "other-0/") && op.Kind == vfs.OpCreate && strings.HasSuffix(op.Path, ".log") {
			return syscall.ENOSPC
		}
		return nil
	})
	d2, err := tryOpenDir(fs)
	if err != nil || !d2.syncedFS {
		t.Fatalf("%v, synced %v", err, d2.syncedFS)
	}
	other := Partition{Topic: "other", ID: TopicID{9}}
	if _, err := d2.OpenLog(other, testConfig()); !errors.Is(err, ErrDiskFull) || !d2.DiskFull() {
		t.Fatalf("%v, full %v", err, d2.DiskFull())
	}
	full = false
	l, err := d2.OpenLog(other, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	appendOne(t, l, spec{values: []string{"kept"}})
	if err := d2.syncer.sync([]*Log{l}); err != nil {
		t.Fatal(err)
	}
	d3 := openDir(t, mem.CrashClone(0, nil))
	again, err := d3.OpenLog(other, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	if got := mustReadAll(t, again, 0, 1000); len(got) != 1 || got[0].value != "kept" {
		t.Errorf("after a loss of power: %v", got)
	}
	for _, d := range []*Dir{d, d2, d3} {
		closeDir(t, d)
	}
}

// The directory of a log that was lost was made again before the index said that something was missing.
func TestALostLogIsNotMadeAgain(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	appendOne(t, openLog(t, d, testConfig()), spec{values: []string{"a"}})
	closeDir(t, d)
	if err := fs.RemoveAll(dataPath + "/orders-0"); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, fs)
	defer closeDir(t, d)
	if _, err := d.OpenLog(testPartition, testConfig()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("open: %v", err)
	}
	if _, err := fs.List(dataPath + "/orders-0"); err == nil {
		t.Error("there is a directory in its place")
	}
}

// A start on a disk without any room waited for ever, with a CPU at work, for the index to write down what it had found.
func TestAStartWithoutAnyRoomIsRefused(t *testing.T) {
	mem := vfs.NewMemFS()
	d, _, _ := openRoom(t, mem)
	vital, l := openVital(t, d), openLog(t, d, testConfig())
	for range 20 {
		appendOne(t, l, spec{values: []string{"a"}})
		if err := d.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	mem.SetCapacity(mem.Used())
	if err := tryAppend(t, vital, "takes the reserve", Coordinator); err != nil {
		t.Fatal(err)
	}
	left := mem.CrashClone(100, nil)
	closeDir(t, d)
	left.SetCapacity(left.Used())
	if d, err := tryOpenDir(left); !errors.Is(err, ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%v, %v", d, err)
	}
	left.SetCapacity(0)
	d = openDir(t, left)
	if got := mustReadAll(t, openLog(t, d, testConfig()), 0, 1000); len(got) != 20 {
		t.Errorf("%d records", len(got))
	}
	closeDir(t, d)
}

// A probe that could not be removed stayed, and was taken for room at the next look; after a crash it took its room for good.
func TestAProbeThatStaysIsNoRoom(t *testing.T) {
	mem := vfs.NewMemFS()
	var full, stuck atomic.Bool
	probe := mem.PathJoin(dataPath, probeFile)
	fs := vfs.Hook(mem, func(op vfs.Op) error {
		switch {
		case full.Load() && (op.Kind == vfs.OpWrite || op.Kind == vfs.OpAllocate):
			return syscall.ENOSPC
		case stuck.Load() && op.Kind == vfs.OpRemove && op.Path == probe:
			return syscall.EIO
		}
		return nil
	})
	d, _, _ := openRoom(t, fs)
	l := openLog(t, d, testConfig())
	full.Store(true)
	if err := tryAppend(t, l, "a", Client); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("%v", err)
	}
	full.Store(false)
	stuck.Store(true)
	d.checkRoom()
	if !d.DiskFull() {
		t.Error("there is room, and the probe has it")
	}
	// Given a start with the probe still there.
	stuck.Store(false)
	closeDir(t, d)
	d = openDir(t, fs)
	defer closeDir(t, d)
	if _, err := mem.Stat(probe); err == nil {
		t.Error("the probe is still there after a start")
	}
}
