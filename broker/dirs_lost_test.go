package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/metalog"
)

// tryServer makes a broker of log directories, and is done with it.
func tryServer(t *testing.T, logDirs ...string) error {
	t.Helper()
	values, _, err := config.New(config.Options{DataDir: logDirs[0]}, config.Layer{
		{Key: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Key: "log.dirs", Value: strings.Join(logDirs, ",")}, {Key: "sordini.http.address", Value: ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Config: values, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return s.closeAll(t.Context())
}

// snapshot is everything below directories: names, sizes, times.
func snapshot(t *testing.T, dirs ...string) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			fmt.Fprintln(&all, path, info.Size(), info.ModTime())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// A directory that had lost its metadata started as if it were new, and at the second start its logs were renamed and served no more.
func TestADirectoryThatLostItsMetadataIsRefusedUntouched(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(metadata string) error
	}{
		{"directory", os.RemoveAll},
		{"files", func(metadata string) error {
			return os.RemoveAll(filepath.Join(metadata, "00000000000000000000.log"))
		}},
		{"bytes", func(metadata string) error {
			return os.Truncate(filepath.Join(metadata, "00000000000000000000.log"), 0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			first, second := filepath.Join(root, "a"), filepath.Join(root, "b")
			s := startServerOn(t, nil, root, "log.dirs", first+","+second)
			if _, err := kadm.NewClient(s.client(t)).CreateTopic(testContext(t), 1, 1, nil, "orders"); err != nil { // in the second, which has fewer logs
				t.Fatal(err)
			}
			s.stop()
			if err := c.lose(filepath.Join(first, metalog.DirName)); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, first, second)
			for range 2 {
				err := tryServer(t, first, second)
				if err == nil || !strings.Contains(err.Error(), second) || !strings.Contains(err.Error(), "orders-0") ||
					!strings.Contains(err.Error(), filepath.Join(first, metalog.DirName)) || !strings.Contains(err.Error(), "restore it") {
					t.Errorf("the start says: %v", err)
				}
			}
			if after := snapshot(t, first, second); after != before {
				t.Errorf("the directories were changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func TestDirectoriesInAnotherOrderAreRefusedUntouched(t *testing.T) {
	root := t.TempDir()
	first, second := filepath.Join(root, "a"), filepath.Join(root, "b")
	startServerOn(t, nil, root, "log.dirs", first+","+second).stop()
	before := snapshot(t, first, second)
	if err := tryServer(t, second, first); err == nil || !strings.Contains(err.Error(), "put "+first+" first in log.dirs") {
		t.Errorf("the start says: %v", err)
	}
	if after := snapshot(t, first, second); after != before {
		t.Errorf("the directories were changed:\n%s\nbefore:\n%s", after, before)
	}
	if err := tryServer(t, first, second); err != nil {
		t.Error(err)
	}
}

// Somebody was killed while the directories were formatted, at any moment: that is a new broker still.
func TestAFormattingThatWasInterruptedGoesOn(t *testing.T) {
	root := t.TempDir()
	first, second := filepath.Join(root, "a"), filepath.Join(root, "b")
	if err := tryServer(t, first, second); err != nil {
		t.Fatal(err)
	}
	metadata := filepath.Join(first, metalog.DirName)
	for _, undo := range []func() error{
		func() error { return os.Truncate(filepath.Join(metadata, "00000000000000000000.log"), 0) },
		func() error { return os.Remove(filepath.Join(metadata, "00000000000000000000.log")) },
		func() error { return os.RemoveAll(metadata) },
		func() error { return errors.Join(os.RemoveAll(second), os.Remove(filepath.Join(first, knownDirsFile))) },
	} {
		for _, dir := range []string{first, second} { // a killed broker has written no checkpoint
			if err := os.RemoveAll(filepath.Join(dir, ".index")); err != nil {
				t.Fatal(err)
			}
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
		if err := tryServer(t, first, second); err != nil {
			t.Errorf("%v", err)
		}
	}
}
