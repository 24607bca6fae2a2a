package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sordini/sordini/broker/api"
	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/controller"
	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// Options is what a Server is made from.
type Options struct {
	Config  *config.Values
	Logger  *slog.Logger
	Version string
	FS      vfs.FS // nil: the operating system's
	// SetLogLevel changes what Logger writes; nil where that is fixed.
	SetLogLevel func(slog.Level)
}

// Info is what the start block shows.
type Info struct {
	Listeners, Advertised []string
	DataDirs              []string
	ClusterID             string
	HTTPAddress           string
}

// Server is one broker.
type Server struct {
	opts    Options
	cfg     *config.Broker
	logger  *slog.Logger
	metrics *api.Metrics
	limits  struct{ maxFrame int }

	listeners   []*listener
	dirs        []*storage.Dir
	controller  *controller.Service
	groups      *groupcoord.Service
	txns        *groupcoord.TxnService
	producerIDs *api.ProducerIDs
	markers     *api.Markers
	replicas    *replica.Manager
	handlers    *api.Handlers
	http        *httpServer
	cleaner     atomic.Pointer[config.Logs] // as it was last changed

	buffers    *bufferPool
	table      *connTable
	strangers  strangers
	nextConnID atomic.Int64
	turns      sync.Pool
	bytes      sync.Pool

	drainCtx context.Context // ends when the broker begins to stop: long polls are answered, idle connections go
	drain    context.CancelFunc
	ready    chan struct{}
	lost     chan error    // capacity 1: why the broker cannot go on
	roomy    chan struct{} // capacity 1: a disk is not full any more
}

// New opens everything a broker needs: first the ports, for that changes nothing on the disk, then the log directories. Nothing is served
// before Run. After an error everything that was opened is closed again.
func New(o Options) (*Server, error) {
	cfg := &o.Config.Broker
	if o.FS == nil {
		o.FS = vfs.OS
	}
	s := &Server{opts: o, cfg: cfg, logger: o.Logger, metrics: &api.Metrics{}, ready: make(chan struct{}), lost: make(chan error, 1), roomy: make(chan struct{}, 1)}
	s.limits.maxFrame = min(int(cfg.Sockets.RequestMaxBytes), maxFrameBytes)
	s.buffers = newBufferPool(cfg.Sockets.QueuedMaxRequestBytes)
	s.table = newConnTable(&cfg.Sockets)
	s.drainCtx, s.drain = context.WithCancel(context.Background())
	s.turns.New = func() any { return new(api.ProduceTurn) }
	if err := s.open(); err != nil {
		s.closeAll(context.Background())
		return nil, err
	}
	return s, nil
}

// open is the order of the start. Each step may use what the steps before it made.
func (s *Server) open() error {
	for _, l := range s.cfg.Listeners {
		opened, err := openListener(l)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, opened)
	}
	var err error
	if s.http, err = openHTTP(s.cfg.HTTPAddress); err != nil {
		return err
	}
	// These hear from a directory that fails, which it may do as soon as it is open.
	s.replicas, s.groups = replica.NewManager(s.cfg.Logs.ProducerIDExpirationMs, s.openThreads()), s.newGroups()
	s.txns = s.newTransactions()
	clusterID, err := s.openDirs()
	if err != nil {
		return explainDir(err, s.cfg.LogDirs)
	}
	if err := s.openController(clusterID); err != nil {
		return explainDir(err, s.cfg.LogDirs)
	}
	if err := s.setStraysAside(); err != nil {
		return err
	}
	if err := s.replicas.UseDirs(s.dirs); err != nil {
		return err
	}
	s.handlers = s.newHandlers()
	return nil
}

// Ready is closed when the listeners answer.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Info describes the broker as it runs.
func (s *Server) Info() Info {
	i := Info{ClusterID: s.controller.Image().ClusterID, HTTPAddress: s.http.address()}
	for _, l := range s.listeners {
		i.Listeners = append(i.Listeners, l.String())
		i.Advertised = append(i.Advertised, l.advertisedText())
	}
	for _, d := range s.dirs {
		i.DataDirs = append(i.DataDirs, d.Path())
	}
	return i
}

// Run serves until ctx ends or a part fails that the broker cannot be without. Then it stops in order: no new connections, what is in
// flight is answered, coordinators and controller end, logs are synced and marked as cleanly closed.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var parts, conns sync.WaitGroup
	partsCtx, stopParts := context.WithCancel(context.Background())
	run := func(name string, fn func(context.Context) error) {
		parts.Go(func() {
			if err := fn(partsCtx); err != nil && !errors.Is(err, context.Canceled) {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	run("http", func(ctx context.Context) error { return s.http.serve(ctx, s) }) // before logs are recovered, so that a probe hears "starting"
	run("controller", s.controller.Run)
	run("group coordinator", s.groups.Run)
	run("transaction coordinator", s.txns.Run)
	if err := s.register(ctx); err != nil {
		cancel(err)
	}
	run("idle connections", func(ctx context.Context) error { s.table.reap(ctx); return nil })
	s.keepHouse(run)
	for _, l := range s.listeners {
		conns.Go(func() {
			if err := s.accept(ctx, l, &conns); err != nil {
				cancel(err)
			}
		})
	}
	s.sayRecovered()
	if ctx.Err() == nil {
		close(s.ready)
	}

	select {
	case <-ctx.Done():
	case err := <-s.lost:
		cancel(err)
	}
	s.logger.Info("stopping", "connections", s.table.count())
	s.stopConnections(&conns)
	stopParts()
	parts.Wait()
	err := s.closeAll(context.Background())
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// drainTimeout is how long a stop waits for requests that are in flight.
const drainTimeout = 10 * time.Second

func (s *Server) stopConnections(conns *sync.WaitGroup) {
	for _, l := range s.listeners {
		_ = l.tcp.Close()
	}
	s.drain()
	s.table.each((*conn).drain)
	done := make(chan struct{})
	go func() { conns.Wait(); close(done) }() // ends with the connections, which the next lines see to
	select {
	case <-done:
	case <-time.After(drainTimeout):
		s.logger.Warn("closing connections that did not finish", "connections", s.table.count(), "waited", drainTimeout)
		s.table.each((*conn).close)
		<-done
	}
}

// closeAll closes what is open. A log directory that cannot be closed cleanly is recovered at the next start.
func (s *Server) closeAll(ctx context.Context) error {
	s.drain()
	for _, l := range s.listeners {
		_ = l.tcp.Close()
	}
	s.http.close()
	var failed error
	if s.txns != nil {
		failed = errors.Join(failed, s.txns.Close())
	}
	if s.groups != nil {
		failed = errors.Join(failed, s.groups.Close())
	}
	if s.replicas != nil {
		s.replicas.Close()
	}
	for _, d := range s.dirs {
		if err := d.Close(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("close log directory %s: %w", d.Path(), err))
		}
	}
	return failed
}

const (
	firstAnswer = 4 << 10 // the size of a new answer buffer
	keepAnswer  = 1 << 20 // answer buffers up to this size are kept
)

func (s *Server) getTurn() *api.ProduceTurn  { return s.turns.Get().(*api.ProduceTurn) }
func (s *Server) putTurn(t *api.ProduceTurn) { s.turns.Put(t) }

// getBytes and putBytes lend the buffers in which answers are encoded.
func (s *Server) getBytes() []byte {
	if b, ok := s.bytes.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, firstAnswer)
}

func (s *Server) putBytes(b []byte) {
	if cap(b) <= keepAnswer {
		s.bytes.Put(&b)
	}
}
