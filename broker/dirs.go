package broker

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/sordini/sordini/broker/metalog"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/storage"
)

// openDirs opens the log directories, formatting those that are empty. Everything is looked at before anything is changed: a directory that
// belongs to somebody else leaves all of them as they were. It returns the cluster id.
func (s *Server) openDirs() (clusterID string, err error) {
	paths := s.cfg.LogDirs
	found := make([]bool, len(paths))
	var metas []storage.Meta
	clusterID = s.cfg.ClusterID
	for i, path := range paths {
		meta, err := storage.ReadMeta(s.opts.FS, path)
		if errors.Is(err, storage.ErrNotFormatted) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("log directory %s: %w", path, err)
		}
		found[i], metas = true, append(metas, meta)
		if clusterID == "" {
			clusterID = meta.ClusterID
		}
		if err := s.checkMeta(path, meta, clusterID); err != nil {
			return "", err
		}
		if err := s.checkOurs(path); err != nil {
			return "", err
		}
	}
	for i := range found {
		if found[i] && !found[0] {
			return "", fmt.Errorf("log directory %s is empty while %s is in use: the metadata of the cluster is kept in the first directory of log.dirs; restore it or put the directories in their old order", paths[0], paths[i])
		}
	}
	if err := errors.Join(s.checkMetadata(), s.checkKnownDirs(metas)); err != nil {
		return "", err
	}
	if clusterID == "" {
		clusterID = newClusterID()
	}
	for i, path := range paths {
		if !found[i] {
			meta := storage.Meta{ClusterID: clusterID, NodeID: s.cfg.NodeID, DirectoryID: newClusterID()}
			if err := storage.FormatDir(s.opts.FS, path, meta); err != nil {
				return "", err
			}
		}
		dir, err := storage.OpenDir(storage.DirConfig{
			Path: path, FS: s.opts.FS, Clock: unixMs, Monotonic: sinceStart(), Logger: s.logger,
			SyncIntervalMs: s.cfg.Logs.DurabilityIntervalMs, SyncIntervalBytes: s.cfg.Logs.DurabilityIntervalBytes,
			RecoveryThreads: int(s.cfg.Logs.RecoveryThreads), Cleaner: cleanerConfig(&s.cfg.Logs),
			OnFailure:    func(err error) { s.dirFailed(path, err) },
			OnRoom:       s.dirHasRoom,
			OnCorruption: func(*storage.CorruptError) { s.metrics.DamageFound.Add(1) }, // the directory has logged it
		})
		if err != nil {
			return "", err
		}
		s.dirs = append(s.dirs, dir)
	}
	return clusterID, s.writeKnownDirs()
}

// kafkaFiles are what Apache Kafka writes into the top of a log directory, and Sordini never does. meta.properties is the same for both.
var kafkaFiles = []string{
	"bootstrap.checkpoint", "recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint",
	"cleaner-offset-checkpoint", ".kafka_cleanshutdown",
}

// checkOurs refuses a directory of Apache Kafka before anything is written into it: Kafka would not start on it any more, and logs that our
// metadata does not know would be set aside.
func (s *Server) checkOurs(path string) error {
	names, err := s.opts.FS.List(path)
	if err != nil {
		return fmt.Errorf("list log directory %s: %w", path, err)
	}
	for _, name := range kafkaFiles {
		if slices.Contains(names, name) {
			return fmt.Errorf("log directory %s is Apache Kafka's (it holds %s): nothing was changed in it; make a data directory out of it with `sordini import-dir %s --data NEW_DIR`, or set log.dirs to another directory", path, name, path)
		}
	}
	return nil
}

// checkMetadata refuses directories that hold partitions and have lost the metadata that knows them: with new metadata they would be nobody's.
// Directories without partitions are new, also when somebody was killed while they were formatted.
func (s *Server) checkMetadata() error {
	paths := s.cfg.LogDirs
	for i, path := range paths {
		has, err := metalog.Exists(s.opts.FS, path)
		if err != nil {
			return fmt.Errorf("log directory %s: %w", path, err)
		}
		if has && i == 0 {
			return nil
		}
		if has {
			return fmt.Errorf("log directory %s is the first of log.dirs, and the metadata of the cluster (%s) is in %s: nothing was changed; put %s first in log.dirs", paths[0], metalog.DirName, path, path)
		}
	}
	for _, path := range paths {
		logs, err := storage.LogNames(s.opts.FS, path)
		if err != nil {
			return fmt.Errorf("log directory %s: %w", path, err)
		}
		logs = slices.DeleteFunc(logs, func(name string) bool { return name == metalog.DirName })
		if len(logs) > 0 {
			lost := s.opts.FS.PathJoin(paths[0], metalog.DirName)
			return fmt.Errorf("log directory %s holds %d partitions, %s for one, and the metadata that knows them is lost: %s is missing or empty; nothing was changed; restore it from a backup, or set log.dirs to another directory to begin anew", path, len(logs), logs[0], lost)
		}
	}
	return nil
}

// openThreads is how many logs are opened at a time: at the least one per CPU, for that is what opening costs after a clean stop.
func (s *Server) openThreads() int {
	return max(int(s.cfg.Logs.RecoveryThreads)*len(s.cfg.LogDirs), runtime.GOMAXPROCS(0))
}

// checkMeta refuses a directory of another cluster or node, which holds somebody else's data.
func (s *Server) checkMeta(path string, meta storage.Meta, clusterID string) error {
	if meta.ClusterID != clusterID {
		return fmt.Errorf("log directory %s belongs to cluster %s, not to %s; set log.dirs to another directory, or the cluster id to that of the directory", path, meta.ClusterID, clusterID)
	}
	if meta.NodeID != s.cfg.NodeID {
		return fmt.Errorf("log directory %s belongs to node %d, and node.id is %d; set node.id=%d or log.dirs to another directory", path, meta.NodeID, s.cfg.NodeID, meta.NodeID)
	}
	return nil
}

// dirHasRoom is told, by a goroutine of a directory, when its disk is not full any more.
func (s *Server) dirHasRoom() {
	select {
	case s.roomy <- struct{}{}:
	default:
	}
}

// dirFailed is told, by a goroutine of the directory, when it goes offline; the directory has logged why. Who waits for a sync there is woken
// and hears KAFKA_STORAGE_ERROR, groups and transactions that live there have no coordinator any more, and the other directories serve. Without its metadata
// the broker cannot go on.
func (s *Server) dirFailed(path string, err error) {
	if path == s.cfg.LogDirs[0] {
		select {
		case s.lost <- fmt.Errorf("the log directory with the metadata is lost: %w", err):
		default:
		}
	}
	s.replicas.DirFailed(path)
	s.replicas.All(func(p *replica.Partition) {
		switch {
		case p.DirPath() != path:
		case p.Partition.Topic == groupcoord.OffsetsTopic:
			s.groups.Resign(p.Index)
		case p.Partition.Topic == groupcoord.StateTopic:
			s.txns.Resign(p.Index)
		}
	})
}

// sayRecovered tells what the start after a crash had to read.
func (s *Server) sayRecovered() {
	for _, d := range s.dirs {
		if logs, bytes := d.Recovered(); !d.WasClean() && logs > 0 {
			s.logger.Info("the log directory was not closed properly; what lay above the checkpoints was read and checked", "dir", d.Path(), "logs", logs, "bytes", bytes)
		}
	}
}

// setStraysAside renames the log of every partition that the metadata does not know, so that its name is free: the broker died between the
// deletion of a topic and that of its logs. Without this the topic could not be created again. Nothing is removed, for it may also be that
// the metadata is the wrong one; as in Kafka, an operator decides.
func (s *Server) setStraysAside() error {
	img := s.controller.LoadedImage()
	for _, d := range s.dirs {
		logs, err := d.Logs()
		if err != nil {
			return fmt.Errorf("list logs in %s: %w", d.Path(), err)
		}
		for _, l := range logs {
			if t := img.Topic(l.Topic); l.Open || t != nil && (t.ID == l.ID || l.ID == storage.TopicID{}) && t.Partition(l.Index) != nil {
				continue
			}
			from := s.opts.FS.PathJoin(d.Path(), fmt.Sprintf("%s-%d", l.Topic, l.Index))
			to := s.opts.FS.PathJoin(d.Path(), strayName(l))
			if err := s.opts.FS.Rename(from, to); err != nil {
				s.logger.Error("the metadata does not know this log, and it cannot be set aside", "path", from, "error", err)
				continue
			}
			s.logger.Warn("the metadata does not know this log; it is set aside and not served", "path", to)
		}
	}
	return nil
}

const maxFileName = 255

// strayName is Kafka's form, cut so that it stays a legal file name.
func strayName(l storage.Found) string {
	suffix := fmt.Sprintf("-%d.%x-stray", l.Index, l.ID)
	return l.Topic[:min(len(l.Topic), maxFileName-len(suffix))] + suffix
}
