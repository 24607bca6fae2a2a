package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sordini/sordini/storage/vfs"
)

func TestFormatAndRefuse(t *testing.T) {
	fs := vfs.NewMemFS()
	if _, err := ReadMeta(fs, dataPath); !errors.Is(err, ErrNotFormatted) {
		t.Fatalf("a missing directory: %v", err)
	}
	want := Meta{ClusterID: "q=:b\\c", NodeID: 7, DirectoryID: "dir"}
	if err := FormatDir(fs, dataPath, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadMeta(fs, dataPath); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if err := FormatDir(fs, dataPath, want); err == nil {
		t.Error("a formatted directory was formatted again")
	}
	if got, err := ReadMeta(fs.CrashClone(0, nil), dataPath); err != nil || got != want {
		t.Errorf("after a crash: %+v, %v", got, err)
	}
	// Somebody else's directory is refused and not changed.
	if err := fs.MkdirAll("/home/photos", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := FormatDir(fs, "/home", want); !errors.Is(err, ErrForeignDir) {
		t.Errorf("a foreign directory: %v", err)
	}
	if _, err := OpenDir(DirConfig{Path: "/home", FS: fs}); !errors.Is(err, ErrForeignDir) {
		t.Errorf("a foreign directory: %v", err)
	}
	if names, _ := fs.List("/home"); !slices.Equal(names, []string{"photos"}) {
		t.Errorf("it was changed: %v", names)
	}
}

func TestParseMeta(t *testing.T) {
	good := "#\n#Tue Nov 24 10:00:00 UTC 2026\ncluster.id=abc\nversion=1\nnode.id=3\nunknown.key=x\n"
	if m, err := parseMeta([]byte(good)); err != nil || m.NodeID != 3 || m.ClusterID != "abc" {
		t.Errorf("%+v, %v", m, err)
	}
	for bad, reason := range map[string]string{
		"cluster.id=abc\nnode.id=3\n":            "no version",
		"version=0\nbroker.id=1\n":               "ZooKeeper",
		"version=2\ncluster.id=a\nnode.id=1":     "not supported",
		"version=1\ncluster.id=a\nnode.id=-1":    "not a node id",
		"version=1\ncluster.id=a\nnode.id=4e9":   "not a node id",
		"version=1\nnode.id=1":                   "no cluster.id",
		"":                                       "no version",
		"version\\=1=1\ncluster.id=a\nnode.id=1": "no version",
	} {
		if _, err := parseMeta([]byte(bad)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %q", bad, err, reason)
		}
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	dir := t.TempDir() + "/data"
	if err := FormatDir(vfs.OS, dir, Meta{ClusterID: "c", NodeID: 1}); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(DirConfig{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenDir(DirConfig{Path: dir})
	var held *vfs.LockedError
	if !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second opener got %v", err)
	}
	closeDir(t, d)
	d, err = OpenDir(DirConfig{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !d.WasClean() {
		t.Error("the mark of a clean shutdown is missing")
	}
	closeDir(t, d)
}

func TestDirectoryLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	d := openDir(t, vfs.NewMemFS())
	l := openLog(t, d, testConfig())
	appendOne(t, l, spec{values: []string{"a"}})
	closeDir(t, d)
	if err := d.Close(context.Background()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if err := l.Append(0, 0, []*Append{{Batch: spec{values: []string{"b"}}.build(t)}}); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
	if _, err := l.Read(0, 10, 1, true, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("read of a closed log: %v", err)
	}
	if _, err := d.OpenLog(testPartition, testConfig()); !errors.Is(err, ErrClosed) {
		t.Errorf("open in a closed directory: %v", err)
	}
}

func TestDeleteLogAndRecreate(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	l := openLog(t, d, testConfig())
	appendOne(t, l, spec{values: values("old", 10)})
	if err := d.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	// A log is opened once, and another topic of the same name does not get at it.
	if _, err := d.OpenLog(testPartition, testConfig()); err == nil {
		t.Error("opened twice")
	}
	other := testPartition
	other.ID = TopicID{9}
	if err := d.DeleteLog(other); !errors.Is(err, ErrTopicIDMismatch) {
		t.Errorf("deleted by another topic: %v", err)
	}
	// When it is deleted, the name is free at once.
	if err := d.DeleteLog(testPartition); err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteLog(testPartition); err != nil {
		t.Errorf("deleted twice: %v", err)
	}
	l2, err := d.OpenLog(other, testConfig())
	if err != nil {
		t.Fatal(err)
	}
	if l2.LogEndOffset() != 0 {
		t.Errorf("a new topic begins at %d", l2.LogEndOffset())
	}
	d.work.wait()
	names, err := fs.List(dataPath)
	if err != nil || slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, deleteSuffix) }) {
		t.Errorf("left behind: %v %v", names, err)
	}
	closeDir(t, d)
	// Then the old topic is refused, and listed with the new id.
	d = openDir(t, fs)
	defer closeDir(t, d)
	if _, err := d.OpenLog(testPartition, testConfig()); !errors.Is(err, ErrTopicIDMismatch) {
		t.Errorf("the old topic: %v", err)
	}
	found, err := d.Logs()
	if err != nil || len(found) != 1 || found[0].Partition != other || found[0].Open {
		t.Errorf("%+v, %v", found, err)
	}
	// A log that is not open can be deleted too.
	if err := d.DeleteLog(other); err != nil {
		t.Fatal(err)
	}
	if found, _ := d.Logs(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestUnfinishedDeletionIsContinued(t *testing.T) {
	fs := vfs.NewMemFS()
	d := openDir(t, fs)
	config := testConfig()
	config.FileDeleteDelayMs = 3600_000
	openLog(t, d, config)
	if err := d.DeleteLog(testPartition); err != nil {
		t.Fatal(err)
	}
	clone := fs.CrashClone(0, nil)
	closeDir(t, d)
	d = openDir(t, clone)
	d.work.wait()
	for _, name := range must(clone.List(dataPath)) {
		if strings.Contains(name, "orders") {
			t.Errorf("%s is left", name)
		}
	}
	closeDir(t, d)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestNames(t *testing.T) {
	for _, name := range []string{"a-0", "a-b-12", "x.y_z-2147483647"} {
		topic, partition, ok := parseDirName(name)
		if !ok || (Partition{Topic: topic, Index: partition}).dirName() != name {
			t.Errorf("%s: %q %d %v", name, topic, partition, ok)
		}
	}
	for _, name := range []string{"a", "-1", "a-", "a-x", "a-01", "a-+1", "a-2147483648", ".index", ".a-1", "a-0.0102-delete"} {
		if _, _, ok := parseDirName(name); ok {
			t.Errorf("%s is taken for a partition", name)
		}
	}
	for base, name := range map[int64]string{0: "00000000000000000000.log", 9223372036854775807: "09223372036854775807.log"} {
		if got, ok := parseSegmentName(name); !ok || got != base || segmentName(base) != name {
			t.Errorf("%s: %d %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "0.log", "00000000000000000000.index", "99999999999999999999.log", "0000000000000000000x.log"} {
		if _, ok := parseSegmentName(name); ok {
			t.Errorf("%s is taken for a segment", name)
		}
	}
	long := strings.Repeat("t", 249)
	if got := deletedName(Partition{Topic: long, Index: 123}, fmt.Sprintf("%032x", 1)); len(got) != maxNameBytes || !strings.HasSuffix(got, deleteSuffix) {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func FuzzMeta(f *testing.F) {
	f.Add(appendMeta(nil, Meta{ClusterID: "c", NodeID: 1, DirectoryID: "d"}))
	f.Add([]byte("#x\nversion : 1\ncluster.id=\\:\\=\nnode.id=2"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMeta(b)
		if err != nil {
			return
		}
		if strings.ContainsAny(m.ClusterID+m.DirectoryID, "\r\n\v\f\u0085\u00a0 \t") || strings.TrimSpace(m.ClusterID) != m.ClusterID {
			return // such ids are not written
		}
		if again, err := parseMeta(appendMeta(nil, m)); err != nil || again != m {
			t.Fatalf("%+v becomes %+v, %v", m, again, err)
		}
	})
}

func FuzzPartitionMeta(f *testing.F) {
	f.Add(appendPartitionMeta(nil, TopicID{1, 2}))
	f.Add([]byte("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ==\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := parsePartitionMeta(b)
		if err != nil {
			return
		}
		if again, err := parsePartitionMeta(appendPartitionMeta(nil, id)); err != nil || again != id {
			t.Fatalf("%x becomes %x, %v", id, again, err)
		}
	})
}
