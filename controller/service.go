// Package controller is the cluster's metadata as a service: it owns the machine that decides (controller/machine),
// the quorum that agrees (controller/quorum) and the image that everybody reads (controller/image).
//
// The broker opens one Service, subscribes what must know of changes, and runs it; request handlers call its
// methods. One goroutine, Run, owns the machine and the quorum. Requests wait for it in a bounded mailbox; all that
// wait at once become entries of one append and one sync.
//
// What must always hold: a request is answered after its entry is durable on the quorum, applied, and given to all
// publishers in the order of their subscription; Image shows a change only after the publishers have had it. So when
// CreateTopics returns, the partitions are open, and a leader that a client sees takes records at once.
package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/record"
	"github.com/sordini/sordini/storage/vfs"
)

// Limits of the loop.
const (
	// mailboxSize is how many requests may wait. One turn takes a few milliseconds at most, so this is
	// several seconds of work; what does not fit is refused at once.
	mailboxSize = 1024
	// maxTurn is how many requests one append takes.
	maxTurn = 256
	// maxTurnBytes is how much records one append takes, give or take one request.
	maxTurnBytes = 8 << 20
)

// When a checkpoint is written: as soon as this much of the log lies behind the last one.
const (
	defaultCheckpointEntries = 10_000
	defaultCheckpointBytes   = 20 << 20 // Kafka's metadata.log.max.record.bytes.between.snapshots
)

// Errors of requests as a whole.
var (
	ErrBusy          = errors.New("the controller has too much to do")
	ErrClosed        = errors.New("the controller is not running")
	ErrNotController = errors.New("this node is not the active controller")
	ErrDiskFull      = errors.New("there is no room on the disk for the change")
	ErrTooLarge      = errors.New("the request would make a metadata entry that is too large")
)

// Config is what a Service is made of. RandomUUID, RandomSeed and Defaults are called on the goroutines of the requests,
// so several at once; the validators only from the loop. None may call the Service.
type Config struct {
	NodeID    int32
	ClusterID string // written into a new log; an existing log must have the same one. "" takes what there is
	Log       quorum.Log
	FS        vfs.FS
	Dir       string // for quorum-state and checkpoint; must exist
	Logger    *slog.Logger

	RandomUUID func() [16]byte // random; need not avoid reserved ids
	RandomSeed func() uint64

	// Defaults are num.partitions and default.replication.factor, asked at each CreateTopics.
	Defaults func() (numPartitions int32, replicationFactor int16)

	// Full says that the disk of the metadata is full: topics are not created then, for what is left of it is for those that are deleted.
	// Called from the loop; nil: it never is.
	Full func() bool

	machine.Config // validators of configurations

	CheckpointEntries int // 0: the default
	CheckpointBytes   int // 0: the default
}

// Publisher gets every change of the image, in order, from the loop goroutine, and must not call the Service except
// for Image (which still shows the image before). It is given the whole image first: a Delta from the empty one. After Refresh it is
// given a Delta that changes nothing.
type Publisher interface {
	Publish(delta *image.Delta, img *image.Image)
}

// PublisherFunc is a function that is a Publisher.
type PublisherFunc func(delta *image.Delta, img *image.Image)

// Publish calls f.
func (f PublisherFunc) Publish(delta *image.Delta, img *image.Image) { f(delta, img) }

// Service is the controller of one node.
type Service struct {
	cfg     Config
	log     *slog.Logger
	mailbox chan *call    // capacity mailboxSize
	refresh chan struct{} // capacity 1: one that waits stands for all
	ready   chan struct{}
	stopped chan struct{}
	img     atomic.Pointer[image.Image]
	status  atomic.Pointer[quorum.Status]

	subscribers struct {
		sync.Mutex
		list    []Publisher
		running bool
	}

	loop loop // belongs to the goroutine of Run, and to Open before
}

// Open loads the metadata and, in a quorum of one, becomes leader. It writes to the disk. Image shows nothing yet.
func Open(cfg Config) (*Service, error) {
	if cfg.Log == nil || cfg.FS == nil || cfg.RandomUUID == nil || cfg.RandomSeed == nil || cfg.Defaults == nil {
		return nil, errors.New("controller: Config lacks Log, FS, RandomUUID, RandomSeed or Defaults")
	}
	if len(cfg.ClusterID) > record.MaxStringBytes {
		return nil, fmt.Errorf("controller: a cluster id of %d bytes is too long", len(cfg.ClusterID))
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.CheckpointEntries == 0 {
		cfg.CheckpointEntries = defaultCheckpointEntries
	}
	if cfg.CheckpointBytes == 0 {
		cfg.CheckpointBytes = defaultCheckpointBytes
	}
	s := &Service{
		cfg: cfg, log: cfg.Logger,
		mailbox: make(chan *call, mailboxSize),
		refresh: make(chan struct{}, 1),
		ready:   make(chan struct{}),
		stopped: make(chan struct{}),
	}
	s.img.Store(image.Empty())
	if err := s.loop.open(s); err != nil {
		return nil, fmt.Errorf("open metadata: %w", err)
	}
	return s, nil
}

// Image returns the metadata as last published. It never changes; ask again for a newer one.
func (s *Service) Image() *image.Image { return s.img.Load() }

// LoadedImage returns the metadata that Open found, before anything was published. Only for the time until Run.
func (s *Service) LoadedImage() *image.Image { return s.loop.committed }

// Ready is closed when the first image has been published and requests are being answered.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Status is the state of the quorum as of the last turn.
func (s *Service) Status() quorum.Status { return *s.status.Load() }

// Subscribe adds a publisher behind those there are. It must come before Run.
func (s *Service) Subscribe(p Publisher) {
	s.subscribers.Lock()
	defer s.subscribers.Unlock()
	if s.subscribers.running {
		panic(fmt.Sprintf("controller: %T subscribes after Run", p))
	}
	s.subscribers.list = append(s.subscribers.list, p)
}

// Refresh makes the loop try again what the disk refused, and gives the publishers the image once more, for what they could not do. It does
// not wait for them.
func (s *Service) Refresh() {
	select {
	case s.refresh <- struct{}{}:
	default:
	}
}

// call is a request on its way through the loop.
type call struct {
	event machine.Event
	done  chan struct{} // closed when reply and err are set
	reply any
	err   error
}

// do gives an event to the loop and waits for the reply. If ctx ends first, the request may still be carried out.
func (s *Service) do(ctx context.Context, ev machine.Event) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &call{event: ev, done: make(chan struct{})}
	select {
	case <-s.stopped:
		return nil, ErrClosed
	default:
	}
	select {
	case s.mailbox <- c:
	default:
		return nil, ErrBusy
	}
	select {
	case <-c.done:
		return c.reply, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.stopped:
	}
	select { // it may have been answered just before the loop stopped
	case <-c.done:
		return c.reply, c.err
	default:
		return nil, ErrClosed
	}
}
