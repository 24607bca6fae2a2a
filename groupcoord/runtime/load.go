package runtime

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
)

const (
	loadBytes       = 1 << 20  // read from the log at a time
	maxDecompressed = 64 << 20 // a compressed batch that somebody else wrote

	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

var (
	errClosing = errors.New("shard is closing")
	errCRC     = errors.New("wrong CRC")
)

// load builds the machine from the log. If that fails it is tried again later.
func (s *shard) load() {
	select {
	case s.rt.gate <- struct{}{}:
		defer func() { <-s.rt.gate }()
	case <-s.closing:
		return
	}
	machine := s.rt.newMachine(s.partition, s.leaderEpoch)
	start := s.now()
	records, end, err := s.replay(machine)
	switch {
	case errors.Is(err, errClosing):
		return
	case err != nil:
		s.rt.cfg.Logger.Error("coordinator partition cannot be loaded", s.attrs(slog.Any("error", err))...)
		s.retry(broken)
		return
	}
	machine.Loaded(s.now())
	s.machine, s.end = machine, end
	s.armTimer()
	s.rt.cfg.Logger.Debug("coordinator partition loaded", s.attrs(
		slog.Int("records", records), slog.Int64("end_offset", end), slog.Int64("took_ms", s.now()-start))...)

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.state != closed {
		s.mu.state = active
	}
}

func (s *shard) attrs(more ...any) []any {
	return append([]any{slog.Int("partition", int(s.partition)), slog.Int("leader_epoch", int(s.leaderEpoch))}, more...)
}

// replay applies the whole log.
func (s *shard) replay(machine Machine) (records int, end int64, err error) {
	var reader batch.Reader
	offset := s.log.LogStartOffset()
	end = s.log.LogEndOffset()
	for offset < end {
		select {
		case <-s.closing:
			return records, offset, errClosing
		default:
		}
		b, err := s.log.ReadBatches(offset, loadBytes)
		if err != nil {
			return records, offset, fmt.Errorf("read at offset %d: %w", offset, err)
		}
		if len(b) == 0 {
			// Compaction has removed everything that was here: tombstones that
			// had become due, say.
			return records, end, nil
		}
		before := offset
		for len(b) > 0 {
			var one batch.Batch
			if one, b, err = batch.Next(b); err != nil {
				return records, offset, fmt.Errorf("read at offset %d: %w", offset, err)
			}
			if !one.ValidCRC() {
				return records, offset, fmt.Errorf("batch at offset %d: %w", one.BaseOffset(), errCRC)
			}
			if err := s.replayBatch(machine, &reader, one); err != nil {
				return records, offset, fmt.Errorf("batch at offset %d: %w", one.BaseOffset(), err)
			}
			records += int(one.Count())
			offset = one.NextOffset()
		}
		if offset <= before {
			return records, offset, fmt.Errorf("read at offset %d of %d: nothing there", offset, end)
		}
	}
	return records, offset, nil
}

func (s *shard) replayBatch(machine Machine, reader *batch.Reader, one batch.Batch) error {
	txns, ok := machine.(TxnMachine)
	inTxn := one.IsTransactional()
	switch {
	case (one.IsControl() || inTxn) && !ok:
		return nil
	case one.IsControl():
		if m, ok := one.Marker(); ok {
			txns.ApplyMarker(one.ProducerID(), m)
		}
		return nil
	}
	reader.SkipHeaders = true
	if err := reader.Reset(one, maxDecompressed); err != nil {
		return err
	}
	var r batch.Record
	for reader.Next(&r) {
		var err error
		if inTxn {
			err = txns.ApplyTxn(one.ProducerID(), one.ProducerEpoch(), r.Key, r.Value)
		} else {
			err = machine.Apply(r.Key, r.Value)
		}
		if err != nil {
			s.rt.cfg.Logger.Warn("coordinator record passed over", s.attrs(slog.Int64("offset", r.Offset), slog.Any("error", err))...)
		}
	}
	return reader.Err()
}

// fail answers for an append that did not succeed. Nobody knows how much of it
// is in the log, so the log is read again.
func (s *shard) fail(rest []*call, err error) {
	s.rt.cfg.Logger.Error("coordinator append failed, loading again", s.attrs(slog.Any("error", err))...)
	told := append(s.told, failWaiting(rest)...)
	s.told = nil
	s.unload(nil, kerr.NotCoordinator)
	s.retry(loading)
	for _, c := range told {
		s.tell(c)
	}
}

// retry loads again after a while, longer with each failure.
func (s *shard) retry(meanwhile shardState) {
	wait := min(firstRetry<<min(s.failures, 10), lastRetry)
	s.failures++
	s.stopTimer()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.state == closed {
		return
	}
	s.mu.state = meanwhile
	s.mu.queue = failWaiting(s.mu.queue)
	s.again = time.AfterFunc(wait, s.startLoad)
}

// failWaiting answers the calls somebody waits for; the others are for the next
// machine.
func failWaiting(queue []*call) []*call {
	var told []*call
	for _, c := range queue {
		if c.reply == nil {
			told = append(told, c)
			continue
		}
		c.fail(kerr.NotCoordinator)
	}
	return told
}
