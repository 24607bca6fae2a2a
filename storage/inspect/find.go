package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Segment is one file of batches.
type Segment struct {
	Path string
	Base int64 // from the name; -1 for a snapshot of Kafka's metadata log
	Size int64
	// Last says that no segment of the log follows: the file may end in the middle of a write.
	Last bool
}

// Partition is a partition's directory, or some of its segments when files were named.
type Partition struct {
	Dir       string // of the segments
	Name      string // the directory's name, as orders-0
	Topic     string
	Index     int32 // -1 when the name is not that of a partition
	Segments  []Segment
	Leftovers []string // segments of interrupted work, which brokers remove or put in place: .log.cleaned, .log.swap, .log.deleted
	Whole     bool     // false when single files were named
}

// Size is that of all segments.
func (p *Partition) Size() (n int64) {
	for _, s := range p.Segments {
		n += s.Size
	}
	return n
}

// DataDir is a directory of log.dirs.
type DataDir struct {
	Path    string
	Skipped []string // directories that are not partitions' own: deleted, moving and stray ones
}

// Found is what a path led to.
type Found struct {
	DataDirs   []DataDir
	Partitions []Partition
}

const (
	logSuffix      = ".log"
	snapshotSuffix = ".checkpoint"
	baseDigits     = 20
)

// Find resolves paths, each of a data directory, a partition's directory or a segment file, in their order; what is in a directory is
// sorted by topic and partition. Snapshots of Kafka's metadata log are taken when they are named.
func Find(paths []string) (*Found, error) {
	found := &Found{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, explain(err)
		}
		if info.IsDir() {
			err = found.addDir(path)
		} else {
			err = found.addFile(path, info.Size())
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// explain says what to do about a file that cannot be read.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; give a data directory (one of log.dirs), a partition's directory or .log files", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run as the user who owns it: nothing is written", err)
	}
	return err
}

func (f *Found) addFile(path string, size int64) error {
	base, ok := baseOf(filepath.Base(path))
	if !ok && !strings.HasSuffix(path, snapshotSuffix) {
		return fmt.Errorf("%s is no segment: its name must be a base offset and .log, as 00000000000000000000.log (or end with .checkpoint, for a snapshot of Kafka's metadata); "+
			"rename a copy to look into it", path)
	}
	dir := filepath.Dir(path)
	s := Segment{Path: path, Base: base, Size: size, Last: true}
	if ok {
		// A file alone can be the last of its log or not: the directory says.
		others, err := segmentsOf(dir)
		if err != nil {
			return err
		}
		for _, other := range others {
			s.Last = s.Last && other.Base <= base
		}
	}
	name := filepath.Base(absolute(dir))
	if n := len(f.Partitions); n > 0 && !f.Partitions[n-1].Whole && f.Partitions[n-1].Dir == dir {
		f.Partitions[n-1].Segments = append(f.Partitions[n-1].Segments, s)
		return nil
	}
	p := Partition{Dir: dir, Name: name, Segments: []Segment{s}}
	p.Topic, p.Index = splitName(name)
	f.Partitions = append(f.Partitions, p)
	return nil
}

func (f *Found) addDir(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return explain(err)
	}
	_, metaErr := os.Stat(filepath.Join(path, metaFile))
	if metaErr != nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { _, ok := baseOf(e.Name()); return ok }) {
		p, err := partitionOf(path)
		f.Partitions = append(f.Partitions, p)
		return err
	}
	d := DataDir{Path: path}
	var partitions []Partition
	for _, e := range entries {
		dir := filepath.Join(path, e.Name())
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue // Stat, because a partition may be a link to another disk
		}
		p, err := partitionOf(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted in the meantime
		}
		if err != nil {
			return err
		}
		switch {
		case p.Index >= 0:
			partitions = append(partitions, p)
		case len(p.Segments) > 0:
			d.Skipped = append(d.Skipped, e.Name())
		}
	}
	if metaErr != nil && len(partitions) == 0 {
		return fmt.Errorf("%s holds neither segments nor partitions; give a data directory (one of log.dirs), a partition's directory or .log files", path)
	}
	slices.SortFunc(partitions, func(a, b Partition) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
	})
	f.DataDirs = append(f.DataDirs, d)
	f.Partitions = append(f.Partitions, partitions...)
	return nil
}

func partitionOf(dir string) (Partition, error) {
	p := Partition{Dir: dir, Name: filepath.Base(absolute(dir)), Whole: true}
	p.Topic, p.Index = splitName(p.Name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return p, explain(err)
	}
	p.Segments = segmentsIn(dir, entries)
	for _, e := range entries {
		switch ext := filepath.Ext(e.Name()); ext {
		case ".cleaned", ".swap", ".deleted":
			if strings.HasSuffix(strings.TrimSuffix(e.Name(), ext), logSuffix) {
				p.Leftovers = append(p.Leftovers, e.Name())
			}
		}
	}
	return p, nil
}

func segmentsOf(dir string) ([]Segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, explain(err)
	}
	return segmentsIn(dir, entries), nil
}

// segmentsIn picks a directory's segments and sorts them by their base offsets.
func segmentsIn(dir string, entries []os.DirEntry) (segments []Segment) {
	for _, e := range entries {
		base, ok := baseOf(e.Name())
		if !ok {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			segments = append(segments, Segment{Path: path, Base: base, Size: info.Size()})
		}
	}
	slices.SortFunc(segments, func(a, b Segment) int { return cmp.Compare(a.Base, b.Base) })
	if n := len(segments); n > 0 {
		segments[n-1].Last = true
	}
	return segments
}

// baseOf is the base offset in the name of a segment.
func baseOf(name string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, logSuffix)
	if !ok || len(digits) != baseDigits {
		return -1, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return -1, false
	}
	return int64(n), true
}

// splitName takes the name of a partition's directory apart; index -1 for every other name.
func splitName(name string) (topic string, index int32) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || strings.HasPrefix(name, ".") {
		return name, -1
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != name[i+1:] {
		return name, -1
	}
	return name[:i], int32(n)
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
