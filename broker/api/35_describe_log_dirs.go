package api

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/storage"
)

// DescribeLogDirs, versions 0-5 (KIP-113).
//
// v2 flexible · v3 an error of the whole · v4 how large the file system is, and what of it is free (KIP-827) · v5 whether the directory takes no new
// partitions (KIP-1066), which none refuses here. A partition that is not here is left out, as in Kafka. A directory that has gone offline has
// KAFKA_STORAGE_ERROR and no topics. The log of the metadata is not among the topics.

// DescribeLogDirs tells what lies in the log directories. A replica is never behind, for its broker leads it, and never moves.
func (h *Handlers) DescribeLogDirs(_ context.Context, _ *Request, q *kmsg.DescribeLogDirsRequest) *kmsg.DescribeLogDirsResponse {
	byDir := map[string][]*replica.Partition{}
	for _, p := range h.partitionsOf(q.Topics) {
		byDir[p.DirPath()] = append(byDir[p.DirPath()], p)
	}
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	for _, d := range h.Replicas.Dirs() {
		resp.Dirs = append(resp.Dirs, describedDir(d, byDir[d.Path()]))
	}
	return resp
}

// partitionsOf returns the open partitions among those asked for, each once, in the order of their names. Nil asks for all.
func (h *Handlers) partitionsOf(topics []kmsg.DescribeLogDirsRequestTopic) []*replica.Partition {
	var found []*replica.Partition
	if topics == nil {
		h.Replicas.All(func(p *replica.Partition) { found = append(found, p) })
	}
	for i := range topics {
		for _, index := range topics[i].Partitions {
			if p := h.Replicas.Get(topics[i].Topic, index); p != nil {
				found = append(found, p)
			}
		}
	}
	slices.SortFunc(found, func(a, b *replica.Partition) int {
		return cmp.Or(strings.Compare(a.Partition.Topic, b.Partition.Topic), cmp.Compare(a.Index, b.Index))
	})
	return slices.Compact(found)
}

// describedDir describes one directory and the partitions in it, which are in order.
func describedDir(d *storage.Dir, partitions []*replica.Partition) kmsg.DescribeLogDirsResponseDir {
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir = d.Path()
	if absolute, err := filepath.Abs(dir.Dir); err == nil {
		dir.Dir = absolute
	}
	if d.Failure() != nil {
		dir.ErrorCode = kerr.KafkaStorageError.Code
		return dir
	}
	if total, usable, err := d.Space(); err == nil { // else they stay unknown: -1
		dir.TotalBytes, dir.UsableBytes = total, usable
	}
	for _, p := range partitions {
		if n := len(dir.Topics); n == 0 || dir.Topics[n-1].Topic != p.Partition.Topic {
			t := kmsg.NewDescribeLogDirsResponseDirTopic()
			t.Topic = p.Partition.Topic
			dir.Topics = append(dir.Topics, t)
		}
		described := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		described.Partition, described.Size = p.Index, p.Log().Size()
		t := &dir.Topics[len(dir.Topics)-1]
		t.Partitions = append(t.Partitions, described)
	}
	return dir
}
