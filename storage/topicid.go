package storage

import (
	"errors"

	"github.com/sordini/sordini/storage/vfs"
)

// ReadTopicID reads the topic id of a partition's directory from its partition.metadata, which has Kafka's format: zero where there is none.
func ReadTopicID(fsys vfs.FS, dir string) (TopicID, error) {
	id, err := readPartitionMeta(fsys, dir)
	if errors.Is(err, errNoPartitionFile) {
		return TopicID{}, nil
	}
	return id, err
}
