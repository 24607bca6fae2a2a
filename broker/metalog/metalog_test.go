package metalog

import (
	"context"
	"testing"

	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

func clock() int64 { return 1_700_000_000_000 }

func TestMetadataLog(t *testing.T) {
	dirs := map[quorum.Log]*storage.Dir{}
	paths := map[quorum.Log]string{}
	openAt := func(t *testing.T, path string) quorum.Log {
		d, err := storage.OpenDir(storage.DirConfig{Path: path, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		m, err := Open(d, clock)
		if err != nil {
			t.Fatal(err)
		}
		dirs[m], paths[m] = d, path
		t.Cleanup(func() { _ = d.Close(context.Background()) })
		return m
	}
	quorumtest.TestLog(t, func(t *testing.T) quorum.Log {
		path := t.TempDir()
		if err := storage.FormatDir(vfs.OS, path, storage.Meta{ClusterID: "test", NodeID: 1}); err != nil {
			t.Fatal(err)
		}
		return openAt(t, path)
	}, func(t *testing.T, l quorum.Log) quorum.Log {
		if err := dirs[l].Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		return openAt(t, paths[l])
	})
}
