package importdir

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/metalog"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/controller"
	"github.com/sordini/sordini/controller/record"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// Options say what to import.
type Options struct {
	Sources []string // the log directories of one Kafka node
	Dest    string   // the data directory that is made; must not exist, or be empty
	Config  *config.Values
	Clock   func() int64 // ms
	Logger  *slog.Logger
	// Progress, where it is set, is called when a partition is done, from one goroutine.
	Progress func(done, all int)
}

// Report says what was imported.
type Report struct {
	ClusterID string
	NodeID    int32
	Topics    []TopicReport
	Segments  placed
	Left      []string // what did not come along, in words
}

// TopicReport is one topic of a Report.
type TopicReport struct {
	Name       string
	Partitions int
	Bytes      int64
	Offsets    int64 // from log start to log end: records, as far as nothing was compacted away
}

// stagingSuffix is behind the destination's name while it is being made.
const stagingSuffix = ".importing"

// Run imports. After an error the destination does not exist, and what was begun lies beside it with ".importing" at its name.
func Run(ctx context.Context, o Options) (*Report, error) {
	src, err := openSource(o.Sources)
	if err != nil {
		return nil, err
	}
	meta, err := readCluster(src.metadata)
	if err != nil {
		return nil, fmt.Errorf("read the metadata of Kafka: %w", err)
	}
	p, err := makePlan(ctx, src, meta)
	if err != nil {
		return nil, err
	}
	staging, err := prepareDest(o.Dest)
	if err != nil {
		return nil, err
	}
	p.report.ClusterID, p.report.NodeID = src.meta.ClusterID, src.meta.NodeID
	if err := p.build(ctx, &o, staging); err != nil {
		return nil, fmt.Errorf("%w (what was made so far is in %s and can be deleted)", err, staging)
	}
	if err := os.Remove(o.Dest); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err // it was empty when we began
	}
	if err := os.Rename(staging, o.Dest); err != nil {
		return nil, err
	}
	if err := vfs.OS.SyncDir(filepath.Dir(o.Dest)); err != nil {
		return nil, err
	}
	return &p.report, nil
}

// prepareDest checks that nothing is where the import goes.
func prepareDest(dest string) (staging string, err error) {
	if entries, err := os.ReadDir(dest); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty: an import makes a new data directory; name one with --data that does not exist", dest)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	staging = filepath.Clean(dest) + stagingSuffix
	if _, err := os.Lstat(staging); err == nil {
		return "", fmt.Errorf("%s is left from an import that did not finish: delete it and try again", staging)
	}
	return staging, nil
}

// build makes the data directory under its temporary name.
func (p *plan) build(ctx context.Context, o *Options, staging string) error {
	directory := uuid.New()
	err := storage.FormatDir(vfs.OS, staging, storage.Meta{
		ClusterID: p.report.ClusterID, NodeID: p.report.NodeID, DirectoryID: base64.RawURLEncoding.EncodeToString(directory[:]),
	})
	if err != nil {
		return err
	}
	for i := range p.partitions {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.placePartition(&p.partitions[i], staging); err != nil {
			return err
		}
	}
	if err := vfs.OS.SyncDir(staging); err != nil {
		return err
	}
	dir, err := storage.OpenDir(storage.DirConfig{Path: staging, Clock: o.Clock, Logger: o.Logger})
	if err != nil {
		return err
	}
	err = p.fill(ctx, o, dir)
	return errors.Join(err, dir.Close(context.WithoutCancel(ctx)))
}

const partitionMetadata = "partition.metadata"

func (p *plan) placePartition(part *plannedPartition, staging string) error {
	to := filepath.Join(staging, part.name.String())
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	if _, err := copyFile(filepath.Join(part.src.path, partitionMetadata), filepath.Join(to, partitionMetadata)); err != nil {
		return err
	}
	for i, name := range part.src.segments {
		willWrite := i == len(part.src.segments)-1
		if err := p.report.Segments.place(filepath.Join(part.src.path, name), filepath.Join(to, name), willWrite); err != nil {
			return err
		}
	}
	return vfs.OS.SyncDir(to)
}

// fill writes the metadata and opens every log once: that reads and checks all of it and leaves an index, so that the broker starts at once.
func (p *plan) fill(ctx context.Context, o *Options, dir *storage.Dir) error {
	log, err := metalog.Open(dir, o.Clock)
	if err != nil {
		return err
	}
	c, err := controller.Open(controller.Config{
		NodeID: p.report.NodeID, ClusterID: p.report.ClusterID, Log: log, FS: vfs.OS, Dir: filepath.Join(dir.Path(), metalog.DirName), Logger: o.Logger,
		RandomUUID: func() [16]byte { return uuid.New() }, RandomSeed: func() uint64 { return 0 }, // no topic is placed
		Defaults: func() (int32, int16) { return 1, 1 },
	})
	if err != nil {
		return err
	}
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(runCtx) }() // ends with stop, below
	for _, records := range p.metadata() {
		if err = c.Import(ctx, records); err != nil {
			break
		}
	}
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return fmt.Errorf("write the metadata: %w", err)
	}
	for i := range p.partitions {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.openLog(o, dir, &p.partitions[i]); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(i+1, len(p.partitions))
		}
	}
	return nil
}

func (p *plan) openLog(o *Options, dir *storage.Dir, part *plannedPartition) error {
	t := part.topic
	cfg := config.Topic(o.Config, t.configs)
	id := storage.Partition{Topic: t.name, ID: t.id, Index: part.name.index}
	log, err := dir.OpenLog(id, replica.LogConfig(&cfg, false, o.Config.Broker.Logs.ProducerIDExpirationMs))
	if err != nil {
		return err
	}
	if end := log.LogEndOffset(); end != part.end {
		return fmt.Errorf("%s: its records end at offset %d, but only those below %d could be read", part.src.path, part.end, end)
	}
	if part.src.start > log.LogStartOffset() {
		if err := log.DeleteRecords(min(part.src.start, log.LogEndOffset())); err != nil {
			return fmt.Errorf("%s: set the log start offset to %d: %w", part.name, part.src.start, err)
		}
	}
	r := &p.report.Topics[part.report]
	r.Bytes += part.src.bytes
	r.Offsets += log.LogEndOffset() - log.LogStartOffset()
	return nil
}

// recordsPerImport keeps one entry of the metadata log small.
const recordsPerImport = 5000

// metadata is what the plan's topics are in our records, in lists of a bearable size. A topic is never split.
func (p *plan) metadata() [][]record.Record {
	lists := [][]record.Record{}
	var list []record.Record
	if p.nextProducerID > 0 {
		list = append(list, &record.ProducerIDs{BrokerID: -1, BrokerEpoch: -1, Next: p.nextProducerID})
	}
	self := []int32{p.report.NodeID}
	for _, t := range p.topics {
		list = append(list, &record.Topic{Name: t.name, ID: t.id})
		for index := range int32(len(t.partitions)) {
			// The epoch goes up by one, as at every change of the leader: what comes from now on is told from what Kafka wrote.
			list = append(list, &record.Partition{TopicID: t.id, Index: index, Leader: self[0], LeaderEpoch: t.partitions[index].epoch + 1, Replicas: self, ISR: self})
		}
		for _, name := range slices.Sorted(maps.Keys(t.configs)) {
			value := t.configs[name]
			list = append(list, &record.Config{ResourceType: resourceTopic, ResourceName: t.name, Name: name, Value: &value})
		}
		if len(list) >= recordsPerImport {
			lists, list = append(lists, list), nil
		}
	}
	return append(lists, list)
}
