package importdir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/sordini/sordini/protocol/batch"
)

// cluster is what the metadata of a Kafka node says.
type cluster struct {
	topics         map[topicID]*sourceTopic
	byName         map[string]*sourceTopic
	brokers        map[int64]bool
	nextProducerID int64
	features       map[string]int64
	left           map[string]int // what does not come along, by what it is called: how many records
	end            int64          // offset behind what was read
}

type sourceTopic struct {
	name       string
	id         topicID
	partitions map[int32]*topicPartition
	configs    map[string]string
}

type topicPartition struct {
	replicas      []int32
	leader, epoch int32
}

const (
	resourceTopic  = 2
	resourceBroker = 4

	maxMetadataBatch = 64 << 20 // Kafka writes batches of at most 8 MiB here
)

var checkpointFile = regexp.MustCompile(`^(\d{20})-(\d{10})\.checkpoint$`)

// readCluster replays a node's metadata log: its newest checkpoint, and the log behind it.
func readCluster(dir string) (*cluster, error) {
	c := &cluster{
		topics: map[topicID]*sourceTopic{}, byName: map[string]*sourceTopic{}, brokers: map[int64]bool{},
		features: map[string]int64{}, left: map[string]int{},
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var newest string
	var segments []string
	for _, e := range entries { // in the order of their names, so the last one is the newest
		if checkpointFile.MatchString(e.Name()) {
			newest = e.Name()
		}
		if segmentFile.MatchString(e.Name()) {
			segments = append(segments, e.Name())
		}
	}
	if newest != "" {
		end, _ := strconv.ParseInt(checkpointFile.FindStringSubmatch(newest)[1], 10, 64)
		if err := c.replayFile(filepath.Join(dir, newest), false); err != nil {
			return nil, err
		}
		c.end = end
	}
	for i, name := range segments {
		if err := c.replayFile(filepath.Join(dir, name), true); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) && i == len(segments)-1 {
				break // what was being written when Kafka died was promised to nobody
			}
			return nil, err
		}
	}
	return c, nil
}

// replayFile applies every batch of a file of the metadata log, or of a checkpoint, which is the same with offsets of its own.
func (c *cluster) replayFile(path string, isLog bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	var open []metadataRecord // of a metadata transaction (KIP-866) that has begun
	inTransaction := false
	for pos := int64(0); ; {
		b, err := nextBatch(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s, position %d: %w", path, pos, err)
		}
		pos += int64(len(b))
		if isLog && b.LastOffset() < c.end {
			continue // in the checkpoint
		}
		if isLog && b.BaseOffset() != c.end {
			return fmt.Errorf("%s, position %d: offset %d, where %d should be", path, pos-int64(len(b)), b.BaseOffset(), c.end)
		}
		if isLog {
			c.end = b.NextOffset()
		}
		if b.IsControl() {
			continue // leader changes, and the frame of a checkpoint
		}
		for rec, err := range batch.Records(b, maxMetadataBatch) {
			if err != nil {
				return fmt.Errorf("%s, position %d: %w", path, pos-int64(len(b)), err)
			}
			r, err := decodeRecord(rec.Value)
			if err != nil {
				return fmt.Errorf("%s, offset %d: %w", path, rec.Offset, err)
			}
			switch r.key {
			case keyBeginTransaction:
				inTransaction, open = true, nil
			case keyAbortTransaction:
				inTransaction, open = false, nil
			case keyEndTransaction:
				for i := range open {
					c.apply(&open[i])
				}
				inTransaction, open = false, nil
			default:
				if inTransaction {
					open = append(open, r)
					continue
				}
				c.apply(&r)
			}
		}
	}
}

// nextBatch reads one whole batch and checks it. io.EOF is the end, and zeros after it, which Kafka leaves when it dies, are too.
func nextBatch(in *bufio.Reader) (batch.Batch, error) {
	head, err := in.Peek(batch.LogOverhead)
	if len(head) == 0 {
		return nil, io.EOF
	}
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if allZero(head) {
		return nil, io.EOF
	}
	size := batchSize(head)
	if size < batch.HeaderSize || size > maxMetadataBatch {
		return nil, fmt.Errorf("a batch of %d bytes", size)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(in, raw); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	b, _, err := batch.Next(raw)
	if err != nil {
		return nil, err
	}
	if b.Magic() != batch.Magic || !b.ValidCRC() {
		return nil, errors.New("the batch is damaged: its checksum is wrong")
	}
	return b, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (c *cluster) apply(r *metadataRecord) {
	switch r.key {
	case keyTopic:
		t := &sourceTopic{name: r.topic, id: r.topicID, partitions: map[int32]*topicPartition{}, configs: map[string]string{}}
		if old := c.byName[r.topic]; old != nil {
			t.configs = old.configs
		}
		c.topics[r.topicID], c.byName[r.topic] = t, t
	case keyPartition:
		if t := c.topics[r.topicID]; t != nil {
			t.partitions[r.partition] = &topicPartition{r.replicas, r.leader, r.epoch}
		}
	case keyPartitionChange:
		c.changePartition(r)
	case keyRemoveTopic:
		if t := c.topics[r.topicID]; t != nil {
			delete(c.topics, r.topicID)
			delete(c.byName, t.name)
		}
	case keyConfig:
		c.setConfig(r)
	case keyProducerIDs:
		c.nextProducerID = max(c.nextProducerID, r.number)
	case keyRegisterBroker:
		c.brokers[r.number] = true
	case keyFeatureLevel:
		c.features[r.name] = r.number
	case keyAccessControl:
		c.left["access control entries"]++
	case keyClientQuota:
		c.left["client quotas"]++
	case keyUserScram:
		c.left["SCRAM credentials"]++
	case keyDelegationToken:
		c.left["delegation tokens"]++
	}
}

func (c *cluster) changePartition(r *metadataRecord) {
	t := c.topics[r.topicID]
	if t == nil || t.partitions[r.partition] == nil {
		return
	}
	p := t.partitions[r.partition]
	if r.replicas != nil {
		p.replicas = r.replicas
	}
	if r.leader != leaderNoTag {
		p.leader = r.leader
		p.epoch++
	}
}

func (c *cluster) setConfig(r *metadataRecord) {
	switch r.resource {
	case resourceTopic:
		// A topic's configs follow it in the log, but stand before it in a checkpoint of some releases.
		t := c.byName[r.topic]
		if t == nil {
			t = &sourceTopic{name: r.topic, configs: map[string]string{}, partitions: map[int32]*topicPartition{}}
			c.byName[r.topic] = t
		}
		if r.value == nil {
			delete(t.configs, r.name)
		} else {
			t.configs[r.name] = *r.value
		}
	case resourceBroker:
		c.left["dynamic broker config "+r.name]++
	default:
		c.left["config "+r.name+" of a group or of client metrics"]++
	}
}

// sorted are the topics by name. Names that only a config has are left out.
func (c *cluster) sorted() []*sourceTopic {
	var list []*sourceTopic
	for _, name := range slices.Sorted(maps.Keys(c.byName)) {
		if t := c.byName[name]; c.topics[t.id] == t {
			list = append(list, t)
		}
	}
	return list
}
