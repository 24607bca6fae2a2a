package controller

import (
	"context"
	"errors"
	"fmt"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/controller/record"
)

// loop is what the loop goroutine owns. A turn is:
//
//  1. Take all waiting requests. For each: decide, propose the records as one entry, apply them to the machine.
//  2. Let the quorum persist, send and apply. Applied entries go into a delta on top of the committed image.
//  3. Give the delta to the publishers, then show the image, then answer the requests whose entries are in it.
//
// The machine runs ahead of the committed image only within a turn (with other voters: until they have agreed). A
// request that changes nothing waits like the others, because its answer may rest on an entry of the same turn.
type loop struct {
	service   *Service
	node      *quorum.Node
	machine   *machine.Machine
	committed *image.Image // everything that is committed and applied
	delta     *image.Delta // applied in this turn, on top of committed; nil: nothing
	pending   []pending    // proposed or waiting, in order of index

	leader       bool
	sinceEntries int // applied since the last checkpoint
	sinceBytes   int
	loaded       *image.Delta // from the empty image to what Open found, for the publishers
}

// pending is a request that is answered when the entry at index has been published.
type pending struct {
	index uint64
	call  *call
	reply any
}

func (l *loop) open(s *Service) error {
	l.service = s
	l.committed = image.Empty()
	l.delta = image.NewDelta(l.committed)
	node, err := quorum.Open(quorum.Config{
		NodeID: s.cfg.NodeID, FS: s.cfg.FS, Dir: s.cfg.Dir, Log: s.cfg.Log, Logger: s.log,
	}, l)
	if err != nil {
		return err
	}
	l.node = node
	if node.Alone() {
		if err := node.Campaign(); err != nil {
			return err
		}
	}
	if err := node.Turn(); err != nil {
		return err
	}
	if l.leader = node.Leader(); l.leader && l.delta.ClusterID() == "" && s.cfg.ClusterID != "" {
		if err := l.format(s.cfg.ClusterID); err != nil {
			return err
		}
	}
	l.loaded, l.committed, l.delta = l.delta, l.delta.Image(), nil
	l.machine = machine.New(s.cfg.Config, l.committed)
	if id := s.cfg.ClusterID; l.leader && id != "" && id != l.committed.ClusterID {
		return fmt.Errorf("the data directory belongs to cluster %q, but its metadata to cluster %q",
			id, l.committed.ClusterID)
	}
	status := node.Status()
	s.status.Store(&status)
	return nil
}

// format names the cluster in a new log.
func (l *loop) format(clusterID string) error {
	offset := int64(l.node.NextIndex()) - 1
	d := machine.New(l.service.cfg.Config, image.Empty()).Decide(offset, machine.FormatCluster{ClusterID: clusterID})
	if _, err := l.node.Propose(record.AppendList(nil, d.Records)); err != nil {
		return err
	}
	return l.node.Turn()
}

// Run publishes what was loaded and then answers requests until ctx ends or the disk fails. It may be called once.
func (s *Service) Run(ctx context.Context) error {
	s.subscribers.Lock()
	s.subscribers.running = true
	publishers := s.subscribers.list
	s.subscribers.Unlock()

	l := &s.loop
	defer l.stop()
	l.publish(publishers, l.loaded)
	l.loaded = nil
	close(s.ready)
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-s.mailbox:
			if err := l.turn(c, publishers); err != nil {
				return fmt.Errorf("controller: %w", err)
			}
		case <-s.refresh:
			if err := l.again(publishers); err != nil {
				return fmt.Errorf("controller: %w", err)
			}
		}
	}
}

// stop answers what nobody will work on any more.
func (l *loop) stop() {
	close(l.service.stopped)
	for _, p := range l.pending {
		p.call.finish(nil, ErrClosed)
	}
	l.pending = nil
	for {
		select {
		case c := <-l.service.mailbox:
			c.finish(nil, ErrClosed)
		default:
			return
		}
	}
}

func (c *call) finish(reply any, err error) {
	c.reply, c.err = reply, err
	close(c.done)
}

func (l *loop) turn(first *call, publishers []Publisher) error {
	if l.node.Stuck() {
		// What found no room goes before what is decided now.
		if err := l.advance(publishers); err != nil || l.node.Stuck() {
			first.finish(nil, ErrDiskFull)
			return err
		}
	}
	size := l.take(first)
	for n := 1; n < maxTurn && size < maxTurnBytes; n++ {
		select {
		case c := <-l.service.mailbox:
			size += l.take(c)
			continue
		default:
		}
		break
	}
	return l.advance(publishers)
}

// again is a turn without requests, for what the disk has refused.
func (l *loop) again(publishers []Publisher) error {
	if l.node.Stuck() {
		if err := l.advance(publishers); err != nil {
			return err
		}
	}
	for _, p := range publishers {
		p.Publish(image.NewDelta(l.committed), l.committed)
	}
	return nil
}

// advance is what follows the decisions of a turn. On a full disk the requests are refused; what was proposed for
// them stays and is written, late, when there is room.
func (l *loop) advance(publishers []Publisher) error {
	err := l.node.Turn()
	full := errors.Is(err, quorum.ErrDiskFull)
	if err != nil && !full {
		l.fail(fmt.Errorf("%w: %w", ErrClosed, err))
		return err
	}
	l.publish(publishers, l.delta)
	l.delta = nil
	l.answer()
	if full {
		l.service.log.Error("metadata cannot be changed", "error", err)
		l.fail(ErrDiskFull)
		return nil
	}
	if l.leader = l.node.Leader(); !l.leader {
		l.fail(ErrNotController)
	}
	if len(l.pending) == 0 {
		// The machine is at the same point by its own way; from here on they share one copy.
		l.machine.Reset(l.committed)
	}
	status := l.node.Status()
	l.service.status.Store(&status)
	return l.maybeCheckpoint()
}

// take decides on one request and proposes what it decided. It returns how many bytes that takes.
func (l *loop) take(c *call) int {
	if !l.leader {
		c.finish(nil, ErrNotController)
		return 0
	}
	index := l.node.NextIndex()
	d := l.machine.Decide(int64(index)-1, c.event)
	if len(d.Records) == 0 {
		l.pending = append(l.pending, pending{index - 1, c, d.Reply})
		return 0
	}
	if grows(c.event) && l.service.cfg.Full != nil && l.service.cfg.Full() {
		c.finish(nil, ErrDiskFull)
		return 0
	}
	data := record.AppendList(nil, d.Records)
	if len(data) > record.MaxListBytes {
		c.finish(nil, ErrTooLarge)
		return 0
	}
	got, err := l.node.Propose(data)
	if err != nil {
		c.finish(nil, fmt.Errorf("%w: %w", ErrNotController, err))
		return 0
	}
	if got != index {
		panic(fmt.Sprintf("controller: entry decided for index %d has index %d", index, got))
	}
	l.machine.Apply(int64(index)-1, d.Records)
	l.pending = append(l.pending, pending{index, c, d.Reply})
	return len(data)
}

// grows says whether a request makes logs, and more metadata: what only changes or deletes has to go through on a full disk too.
func grows(ev machine.Event) bool {
	switch ev.(type) {
	case machine.CreateTopics, machine.CreatePartitions:
		return true
	}
	return false
}

// publish gives a delta to all publishers and then shows the image.
func (l *loop) publish(publishers []Publisher, delta *image.Delta) {
	if delta == nil {
		return
	}
	img := delta.Image()
	for _, p := range publishers {
		p.Publish(delta, img)
	}
	l.committed = img
	l.service.img.Store(img)
}

// answer releases the replies whose entries have been published.
func (l *loop) answer() {
	n := 0
	for n < len(l.pending) && l.pending[n].index <= l.node.Applied() {
		l.pending[n].call.finish(l.pending[n].reply, nil)
		l.pending[n] = pending{}
		n++
	}
	l.pending = l.pending[n:]
	if len(l.pending) == 0 {
		l.pending = nil
	}
}

// fail answers everything that waits with an error and forgets what the machine did for it.
func (l *loop) fail(err error) {
	for _, p := range l.pending {
		p.call.finish(nil, err)
	}
	l.pending = nil
	l.machine.Reset(l.committed)
}

// Restore implements quorum.StateMachine: a block of the checkpoint is a list of records.
func (l *loop) Restore(block []byte) error { return l.applyList(block) }

// Restored implements quorum.StateMachine.
func (l *loop) Restored(index uint64) error {
	l.delta.SetOffset(int64(index) - 1)
	return nil
}

// Apply implements quorum.StateMachine.
func (l *loop) Apply(index uint64, data []byte) error {
	if l.delta == nil {
		l.delta = image.NewDelta(l.committed)
	}
	l.delta.SetOffset(int64(index) - 1)
	l.sinceEntries++
	if len(data) == 0 { // a new leader's first entry
		return nil
	}
	l.sinceBytes += len(data)
	return l.applyList(data)
}

func (l *loop) applyList(list []byte) error {
	records, err := record.DecodeList(list)
	if err != nil {
		return err
	}
	for i, r := range records {
		if err := l.delta.Apply(r); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return nil
}
