package importdir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/inspect"
	"github.com/sordini/sordini/storage/vfs"
)

// source is what lies in Kafka's log directories.
type source struct {
	dirs       []string
	meta       storage.Meta
	partitions map[partitionName]*sourcePartition
	metadata   string // the directory __cluster_metadata-0
	clean      bool   // Kafka has stopped in order
}

type partitionName struct {
	topic string
	index int32
}

func (n partitionName) String() string { return n.topic + "-" + strconv.Itoa(int(n.index)) }

// sourcePartition is one partition's directory.
type sourcePartition struct {
	path     string
	id       storage.TopicID // zero: from a Kafka without topic ids
	start    int64           // log start offset
	segments []string        // file names, by base offset
	bytes    int64
}

const (
	metadataDir    = "__cluster_metadata-0"
	cleanMark      = ".kafka_cleanshutdown"
	startFile      = "log-start-offset-checkpoint"
	maxSmallFile   = 64 << 20
	logSuffix      = ".log"
	swapSuffix     = ".swap"
	deleteSuffix   = "-delete"
	strayDirSuffix = "-stray"
	futureSuffix   = "-future"
)

var (
	partitionDir = regexp.MustCompile(`^(.+)-(\d{1,10})$`)
	segmentFile  = regexp.MustCompile(`^\d{20}\.log$`)
)

// openSource looks through the directories and refuses what cannot be imported whole. It changes nothing.
func openSource(dirs []string) (*source, error) {
	s := &source{dirs: dirs, partitions: map[partitionName]*sourcePartition{}, clean: true}
	for i, dir := range dirs {
		meta, err := storage.ReadMeta(vfs.OS, dir)
		if errors.Is(err, storage.ErrNotFormatted) || errors.Is(err, storage.ErrForeignDir) {
			return nil, fmt.Errorf("%s has no meta.properties: give the directories that log.dirs of the Kafka node names", dir)
		}
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.meta = meta
		}
		if meta.ClusterID != s.meta.ClusterID || meta.NodeID != s.meta.NodeID {
			return nil, fmt.Errorf("%s belongs to node %d of cluster %s, but %s to node %d of cluster %s: import the directories of one node", dir,
				meta.NodeID, meta.ClusterID, dirs[0], s.meta.NodeID, s.meta.ClusterID)
		}
		if holder := inspect.Running(dir); holder != nil {
			return nil, fmt.Errorf("process %d holds %s: stop that Kafka first", holder.PID, dir)
		}
		if err := s.scan(dir); err != nil {
			return nil, err
		}
	}
	if s.metadata == "" {
		return nil, fmt.Errorf("no %s in %s: the metadata of a KRaft node lies in the first directory of log.dirs, or in metadata.log.dir; give that too", metadataDir, strings.Join(dirs, ", "))
	}
	return s, nil
}

func (s *source) scan(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, cleanMark)); err != nil {
		s.clean = false
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	starts, err := readStarts(filepath.Join(dir, startFile))
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !e.IsDir():
			continue
		case e.Name() == metadataDir:
			s.metadata = path
			continue
		case strings.HasSuffix(e.Name(), deleteSuffix), strings.HasSuffix(e.Name(), strayDirSuffix), strings.HasSuffix(e.Name(), futureSuffix):
			continue // deleted, not known to the metadata, or half moved from another directory
		}
		m := partitionDir.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		index, err := strconv.ParseInt(m[2], 10, 32)
		if err != nil {
			continue
		}
		name := partitionName{m[1], int32(index)}
		if other := s.partitions[name]; other != nil {
			return fmt.Errorf("%s is both in %s and in %s: which one is the partition, only Kafka can tell; start it once and stop it in order", name, other.path, path)
		}
		p, err := scanPartition(path)
		if err != nil {
			return err
		}
		p.start = starts[name]
		s.partitions[name] = p
	}
	return nil
}

func scanPartition(path string) (*sourcePartition, error) {
	p := &sourcePartition{path: path}
	var err error
	if p.id, err = storage.ReadTopicID(vfs.OS, path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), swapSuffix) {
			return nil, fmt.Errorf("%s: Kafka was stopped while it replaced a segment; start it once and stop it in order", filepath.Join(path, e.Name()))
		}
		if !segmentFile.MatchString(e.Name()) {
			continue // indexes and snapshots: they are made anew
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		p.segments = append(p.segments, e.Name())
		p.bytes += info.Size()
	}
	slices.Sort(p.segments) // twenty digits each
	return p, nil
}

// readStarts reads a checkpoint file of offsets by partition: version 0, the number of lines, and lines of topic, partition, offset.
func readStarts(path string) (map[partitionName]int64, error) {
	starts := map[partitionName]int64{}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return starts, nil
	}
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(bytes.TrimRight(raw, "\x00"))), "\n")
	if strings.TrimSpace(lines[0]) != "0" || len(lines) < 2 {
		return nil, fmt.Errorf("%s: not a checkpoint file of version 0", path)
	}
	for _, line := range lines[2:] {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: line %q is not a topic, a partition and an offset", path, line)
		}
		index, err := strconv.ParseInt(fields[1], 10, 32)
		offset, offsetErr := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || offsetErr != nil {
			return nil, fmt.Errorf("%s: line %q is not a topic, a partition and an offset", path, line)
		}
		starts[partitionName{fields[0], int32(index)}] = offset
	}
	return starts, nil
}
