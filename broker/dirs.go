package broker

import (
	"errors"
	"fmt"

	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// openDirs opens the log directories, formatting those that are empty. Everything is looked at before anything is changed: a directory that
// belongs to somebody else leaves all of them as they were. It returns the cluster id.
func (s *Server) openDirs() (clusterID string, err error) {
	paths := s.cfg.LogDirs
	found := make([]bool, len(paths))
	clusterID = s.cfg.ClusterID
	for i, path := range paths {
		meta, err := storage.ReadMeta(vfs.OS, path)
		if errors.Is(err, storage.ErrNotFormatted) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("log directory %s: %w", path, err)
		}
		found[i] = true
		if clusterID == "" {
			clusterID = meta.ClusterID
		}
		if err := s.checkMeta(path, meta, clusterID); err != nil {
			return "", err
		}
	}
	for i := range found {
		if found[i] && !found[0] {
			return "", fmt.Errorf("log directory %s is empty while %s is in use: the metadata of the cluster is kept in the first directory of log.dirs; restore it or put the directories in their old order", paths[0], paths[i])
		}
	}
	if clusterID == "" {
		clusterID = newClusterID()
	}
	for i, path := range paths {
		if !found[i] {
			meta := storage.Meta{ClusterID: clusterID, NodeID: s.cfg.NodeID, DirectoryID: newClusterID()}
			if err := storage.FormatDir(vfs.OS, path, meta); err != nil {
				return "", err
			}
		}
		dir, err := storage.OpenDir(storage.DirConfig{
			Path: path, FS: vfs.OS, Clock: unixMs, Logger: s.logger.With("dir", path),
			SyncIntervalMs: s.cfg.Logs.DurabilityIntervalMs, RecoveryThreads: int(s.cfg.Logs.RecoveryThreads),
			OnFailure: func(err error) { s.dirFailed(path, err) },
		})
		if err != nil {
			return "", err
		}
		s.dirs = append(s.dirs, dir)
	}
	return clusterID, nil
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

// dirFailed is told when a directory goes offline. Without its metadata the broker cannot go on; otherwise the other directories serve.
func (s *Server) dirFailed(path string, err error) {
	s.logger.Error("log directory is offline", "dir", path, "error", err)
}
