package broker

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/api"
	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/metalog"
	"github.com/sordini/sordini/controller"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/groupcoord/txn"
)

func nodeName(id int32) string { return strconv.Itoa(int(id)) }

// openController loads the metadata from __cluster_metadata in the first log directory.
func (s *Server) openController(clusterID string) error {
	dir := s.dirs[0]
	log, err := metalog.Open(dir, unixMs)
	if err != nil {
		return err
	}
	numPartitions, factor := s.cfg.Topics.NumPartitions, s.cfg.Topics.ReplicationFactor
	s.controller, err = controller.Open(controller.Config{
		NodeID: s.cfg.NodeID, ClusterID: clusterID, Log: log,
		FS: dir.ReserveFS(), Full: dir.DiskFull, Dir: filepath.Join(dir.Path(), metalog.DirName), Logger: s.logger.With("component", "controller"),
		RandomUUID: func() [16]byte { return uuid.New() }, RandomSeed: randomSeed,
		Defaults: func() (int32, int16) { return numPartitions, factor },
		Config:   s.configRules(),
	})
	if err != nil {
		return fmt.Errorf("log directory %s: %w", dir.Path(), err)
	}
	s.controller.Subscribe(&partitionPublisher{
		nodeID: s.cfg.NodeID, replicas: s.replicas, values: s.opts.Config, logger: s.logger, brokerChanged: s.applyBroker,
		offline: map[string]string{},
	})
	s.controller.Subscribe(newGroupPublisher(s.cfg.NodeID, s.replicas, s.groups))
	s.controller.Subscribe(newTxnPublisher(s.cfg.NodeID, s.replicas, s.txns))
	return nil
}

// configRules are what the controller must know about configs.
func (s *Server) configRules() machine.Config {
	values := s.opts.Config
	return machine.Config{
		ValidateTopicConfig: config.ValidateTopic,
		ValidateBrokerConfig: func(allBrokers bool, changes map[string]string) error {
			return withCode(kerr.InvalidRequest, config.ValidateBroker(values, allBrokers, changes))
		},
		ValidateGroupConfig: func(settings map[string]string) error { return config.ValidateGroup(values, settings) },
		ValidateClientMetricsConfig: func(settings map[string]string) error {
			return withCode(kerr.InvalidRequest, config.ValidateClientMetrics(settings))
		},
		ListConfig: func(t image.ResourceType, name string) (string, bool) {
			kind, ok := map[image.ResourceType]config.Kind{
				image.ResourceTopic: config.TopicKind, image.ResourceBroker: config.BrokerKind, image.ResourceGroup: config.GroupKind, image.ResourceClientMetrics: config.ClientMetricsKind,
			}[t]
			if !ok {
				return "", false
			}
			return config.ListBehind(values, kind, name)
		},
	}
}

// withCode gives an error the code that it goes out with, unless it has one.
func withCode(code *kerr.Error, err error) error {
	if err == nil || errors.As(err, new(*kerr.Error)) {
		return err
	}
	return &codedError{code, err}
}

type codedError struct {
	code *kerr.Error
	error
}

func (e *codedError) Unwrap() error { return e.code }

func unixMs() int64 { return time.Now().UnixMilli() }

// sinceStart is a clock that no step of the wall clock moves.
func sinceStart() func() time.Duration {
	started := time.Now()
	return func() time.Duration { return time.Since(started) }
}

func randomSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// newClusterID makes an id as `kafka-storage random-uuid` does: a UUID in URL-safe base64.
func newClusterID() string {
	for {
		id := uuid.New()
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text
		}
	}
}

// recordOverhead is what a batch of one record takes beside the record.
const recordOverhead = 100

func (s *Server) newGroups() *groupcoord.Service {
	g := &s.cfg.Groups
	limits := group.DefaultConfig()
	limits.MinSessionTimeoutMs, limits.MaxSessionTimeoutMs = g.MinSessionTimeoutMs, g.MaxSessionTimeoutMs
	limits.InitialRebalanceDelayMs, limits.MaxSize = g.InitialRebalanceDelayMs, g.MaxSize
	limits.OffsetMetadataMaxBytes = g.OffsetMetadataMaxBytes
	limits.MaxRecordBytes = int(config.Topic(s.opts.Config, nil).MaxMessageBytes) - recordOverhead
	limits.OffsetsRetentionMs, limits.OffsetsRetentionCheckMs = g.OffsetsRetentionMs, g.OffsetsCheckIntervalMs
	return groupcoord.New(groupcoord.Config{
		Clock:  steadyClock(),
		Logger: s.logger.With("component", "groups"), Group: limits,
		OffsetsPartitions: s.offsetsPartitions,
		RandomID:          uuid.NewString,
		ResolveTopic:      s.resolveTopic,
		TopicID:           s.topicID,
		VerifyTxn: func(ctx context.Context, id string, producerID int64, epoch int16, partition int32, version int16) *kerr.Error {
			return s.txns.VerifyPartition(ctx, id, producerID, epoch, groupcoord.OffsetsTopic, partition, version)
		},
	})
}

// steadyClock is the wall clock as of now, and then runs evenly: its steps expire nobody.
func steadyClock() func() int64 {
	started := time.Now()
	startedMs := started.UnixMilli()
	return func() int64 { return startedMs + time.Since(started).Milliseconds() }
}

func (s *Server) newTransactions() *groupcoord.TxnService {
	t := &s.cfg.Transactions
	limits := txn.DefaultConfig()
	limits.MaxTimeoutMs, limits.IDExpirationMs = t.MaxTimeoutMs, t.IDExpirationMs
	limits.AbortTimedOutIntervalMs, limits.RemoveExpiredIDIntervalMs = t.AbortTimedOutIntervalMs, t.RemoveExpiredIDIntervalMs
	limits.MaxRecordBytes = int(config.Topic(s.opts.Config, nil).MaxMessageBytes) - recordOverhead
	image := func() *image.Image { return s.controller.Image() }
	s.markers = &api.Markers{Replicas: s.replicas, Groups: s.groups, Image: image}
	s.producerIDs = api.NewProducerIDs(func(ctx context.Context) (int64, int, error) {
		first, n, err := s.controller.AllocateProducerIDs(ctx, 0)
		return first, int(n), err
	})
	return groupcoord.NewTxn(groupcoord.TxnConfig{
		Clock:  steadyClock(),
		Logger: s.logger.With("component", "transactions"), Txn: limits,
		StatePartitions: func() int32 {
			if t := image().Topic(groupcoord.StateTopic); t != nil {
				return int32(len(t.Partitions))
			}
			return t.StatePartitions
		},
		OffsetsPartition: s.groups.PartitionFor,
		PartitionExists:  func(topic string, partition int32) bool { return image().Partition(topic, partition) != nil },
		NextProducerID:   s.producerIDs.Next,
		Markers:          s.markers,
		AddRetryPause:    time.Duration(t.AddRetryMs) * time.Millisecond,
		AddRetryFor:      time.Duration(t.AddRetryMaxMs) * time.Millisecond,
	})
}

// offsetsPartitions is the number that groups are spread over: that of the topic where it exists, for it must not change afterwards.
func (s *Server) offsetsPartitions() int32 {
	if t := s.controller.Image().Topic(groupcoord.OffsetsTopic); t != nil {
		return int32(len(t.Partitions))
	}
	return s.cfg.Groups.OffsetsPartitions
}

func (s *Server) resolveTopic(name string, id [16]byte, partition int32) (string, *kerr.Error) {
	img := s.controller.Image()
	var t *image.Topic
	if name == "" {
		if t = img.TopicByID(id); t == nil {
			return "", kerr.UnknownTopicID
		}
	} else if t = img.Topic(name); t == nil {
		return name, kerr.UnknownTopicOrPartition
	}
	if partition >= 0 && t.Partition(partition) == nil {
		return t.Name, kerr.UnknownTopicOrPartition
	}
	return t.Name, nil
}

func (s *Server) topicID(name string) ([16]byte, bool) {
	if t := s.controller.Image().Topic(name); t != nil {
		return t.ID, true
	}
	return [16]byte{}, false
}

func (s *Server) newHandlers() *api.Handlers {
	byName := map[string]*listener{}
	for _, l := range s.listeners {
		byName[l.name] = l
	}
	return &api.Handlers{
		Config: s.opts.Config, Controller: s.controller, Groups: s.groups, Transactions: s.txns, Markers: s.markers, Replicas: s.replicas,
		Sessions: api.NewFetchSessions(int(s.cfg.Sockets.FetchSessionCacheSlots)),
		Metrics:  s.metrics, Logger: s.logger, NodeID: s.cfg.NodeID, Image: s.controller.Image, Versions: apiVersions(), SetLogLevel: s.opts.SetLogLevel,
		Advertised: func(c *api.Conn) (string, int32) { return byName[c.Listener].advertised(c.LocalHost) },
	}
}

// register makes this broker known in the metadata; its partitions are led from then on.
func (s *Server) register(ctx context.Context) error {
	select {
	case <-s.controller.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	b := machine.RegisterBroker{
		ID: s.cfg.NodeID, Incarnation: uuid.New(), Rack: s.cfg.Rack, ClusterID: s.controller.Image().ClusterID, Unclean: s.unclean(),
	}
	for _, l := range s.listeners {
		host, port := l.advertised("")
		b.Listeners = append(b.Listeners, image.Listener{Name: l.name, Host: host, Port: uint16(port)})
	}
	if _, err := s.controller.RegisterBroker(ctx, b); err != nil {
		return fmt.Errorf("register broker %d: %w", s.cfg.NodeID, err)
	}
	return nil
}

func (s *Server) unclean() bool {
	for _, d := range s.dirs {
		if !d.WasClean() {
			return true
		}
	}
	return false
}
