package importdir

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/protocol/batch"
)

// plan is what will be imported: everything was looked at, and nothing is made yet.
type plan struct {
	topics         []*sourceTopic
	partitions     []plannedPartition
	nextProducerID int64
	report         Report
}

type plannedPartition struct {
	name   partitionName
	topic  *sourceTopic
	src    *sourcePartition
	end    int64 // log end offset
	report int   // of its topic in the report
}

// makePlan brings metadata and directories together, and refuses what would not come along whole.
func makePlan(ctx context.Context, s *source, c *cluster) (*plan, error) {
	if len(c.brokers) > 1 {
		return nil, fmt.Errorf("this node is one of %d brokers (%v): only a node that is its whole cluster can be imported", len(c.brokers), slices.Sorted(maps.Keys(c.brokers)))
	}
	p := &plan{topics: c.sorted(), nextProducerID: c.nextProducerID}
	for _, t := range p.topics {
		p.dropConfigs(t)
		p.report.Topics = append(p.report.Topics, TopicReport{Name: t.name, Partitions: len(t.partitions)})
		for index := range int32(len(t.partitions)) {
			part, err := planPartition(ctx, s, t, index)
			if err != nil {
				return nil, err
			}
			part.report = len(p.report.Topics) - 1
			p.partitions = append(p.partitions, part)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(c.left)) {
		p.report.Left = append(p.report.Left, fmt.Sprintf("%s (%d records of the metadata)", what, c.left[what]))
	}
	for _, name := range slices.SortedFunc(maps.Keys(s.partitions), func(a, b partitionName) int { return strings.Compare(a.String(), b.String()) }) {
		if t := c.byName[name.topic]; t == nil || t.partitions[name.index] == nil {
			p.report.Left = append(p.report.Left, s.partitions[name].path+", which the metadata does not know")
		}
	}
	return p, nil
}

// dropConfigs takes out what a broker of today does not know: configs that Kafka itself has given up.
func (p *plan) dropConfigs(t *sourceTopic) {
	for _, name := range slices.Sorted(maps.Keys(t.configs)) {
		if err := config.ValidateTopic(map[string]string{name: t.configs[name]}); err != nil {
			p.report.Left = append(p.report.Left, fmt.Sprintf("config %s=%s of topic %s: %v", name, t.configs[name], t.name, err))
			delete(t.configs, name)
		}
	}
}

func planPartition(ctx context.Context, s *source, t *sourceTopic, index int32) (plannedPartition, error) {
	part := plannedPartition{name: partitionName{t.name, index}, topic: t}
	if t.partitions[index] == nil {
		return part, fmt.Errorf("the metadata has %d partitions of topic %s, and no partition %d", len(t.partitions), t.name, index)
	}
	if r := t.partitions[index].replicas; len(r) != 1 || r[0] != s.meta.NodeID {
		return part, fmt.Errorf("%s has its replicas on nodes %v, not on node %d alone: only a node that is its whole cluster can be imported", part.name, r, s.meta.NodeID)
	}
	if part.src = s.partitions[part.name]; part.src == nil {
		return part, fmt.Errorf("there is no directory of partition %s in %s: give all directories of log.dirs", part.name, strings.Join(s.dirs, ", "))
	}
	if part.src.id != t.id {
		return part, fmt.Errorf("%s belongs to another topic than the %s of the metadata: its partition.metadata has another topic id", part.src.path, t.name)
	}
	if len(part.src.segments) == 0 {
		part.end = part.src.start
		return part, nil
	}
	for i, name := range part.src.segments {
		if err := ctx.Err(); err != nil {
			return part, err
		}
		base, err := strconv.ParseInt(strings.TrimSuffix(name, logSuffix), 10, 64)
		if err != nil {
			return part, err
		}
		part.end = max(part.end, base)
		last := i == len(part.src.segments)-1
		if err := part.walk(filepath.Join(part.src.path, name), last); err != nil {
			return part, err
		}
	}
	return part, nil
}

// walk reads the headers of a segment's batches. Only the last segment may end within a batch, or in zeros: what was being written when Kafka
// died. Message formats 0 and 1 are refused, for they would have to be rewritten.
func (p *plannedPartition) walk(path string, last bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 64<<10)
	for pos := int64(0); ; {
		head, err := in.Peek(batch.HeaderSize)
		if len(head) == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if len(head) > magicAt && !allZero(head) && int8(head[magicAt]) < batch.Magic {
			return fmt.Errorf("%s, position %d: message format %d, and only format 2 can be imported: let a Kafka that still reads it copy topic %s into a new one", path, pos, int8(head[magicAt]), p.topic.name)
		}
		torn := err != nil || allZero(head)
		size := batchSize(head)
		if !torn && size < batch.HeaderSize {
			return fmt.Errorf("%s, position %d: a batch of %d bytes: the segment is damaged", path, pos, size)
		}
		if torn && last {
			return nil
		}
		if torn {
			return fmt.Errorf("%s, position %d: the segment ends within a batch, and it is not the last one: it is damaged", path, pos)
		}
		b := batch.Batch(head)
		next := b.NextOffset()
		if b.BaseOffset() < p.end {
			return fmt.Errorf("%s, position %d: offset %d comes after offset %d: the segment is damaged", path, pos, b.BaseOffset(), p.end-1)
		}
		if _, err := in.Discard(size); errors.Is(err, io.EOF) && last {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s, position %d: the segment ends within a batch, and it is not the last one: it is damaged", path, pos)
		}
		p.end = next
		pos += int64(size)
	}
}

// magicAt is where every message format has its number.
const magicAt = 16

// batchSize is the size that a batch claims, from its first bytes; 0 where not even those are there.
func batchSize(head []byte) int {
	if len(head) < batch.LogOverhead {
		return 0
	}
	return batch.LogOverhead + int(int32(binary.BigEndian.Uint32(head[batch.LogOverhead-4:])))
}
