package broker

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage"
)

// What is done to logs from time to time: retention with the checkpoints, compaction, and the scrub. Each waits on its own timer, and the
// storage sees to it that they do not come into each other's way.

// keepHouse starts the parts; they end with the server's other parts.
func (s *Server) keepHouse(run func(name string, fn func(context.Context) error)) {
	run("retention", s.retain)
	if s.cfg.Logs.CleanerEnable {
		run("cleaner", s.clean)
	}
	if s.cfg.Logs.ScrubEnable {
		for _, d := range s.dirs {
			run("scrub", func(ctx context.Context) error { s.scrub(ctx, d); return nil })
		}
	}
}

// applyBroker takes broker configs over that were changed while the broker runs. The defaults of topics are not its business: the logs get them.
func (s *Server) applyBroker(b *config.Broker) {
	s.table.setLimits(&b.Sockets)
	s.cleaner.Store(&b.Logs)
	s.replicas.SetProducerIDExpirationMs(b.Logs.ProducerIDExpirationMs)
	for _, d := range s.dirs {
		d.SetCleaner(cleanerConfig(&b.Logs))
	}
}

func cleanerConfig(logs *config.Logs) storage.CleanerConfig {
	c := storage.CleanerConfig{DedupeBufferBytes: logs.CleanerDedupeBufferBytes, Threads: int(logs.CleanerThreads)}
	if rate := logs.CleanerIOMaxBytesPerSecond; rate < math.MaxInt64 {
		c.IOMaxBytesPerSecond = int64(max(rate, 1))
	}
	return c
}

// cleanerLogs is how logs are compacted as of now.
func (s *Server) cleanerLogs() *config.Logs {
	if changed := s.cleaner.Load(); changed != nil {
		return changed
	}
	return &s.cfg.Logs
}

// sleep waits, and says whether ctx is still on.
func sleep(ctx context.Context, ms int64) bool {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// retain deletes what retention allows and writes the checkpoints, at log.retention.check.interval.ms. It also has the controller try again
// what a full disk has refused: when the disk is not full any more, and, for what was refused for other reasons that pass, each time.
func (s *Server) retain(ctx context.Context) error {
	said := troubles{}
	tick := time.NewTicker(time.Duration(s.cfg.Logs.RetentionCheckIntervalMs) * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.roomy:
			s.controller.Refresh()
			continue
		case <-tick.C:
		}
		for _, d := range s.dirs {
			deleted, err := d.RunRetention(unixMs())
			said.report(s.logger, "retention", d, err)
			if deleted.Segments > 0 {
				s.logger.Info("retention deleted segments", "dir", d.Path(), "segments", deleted.Segments, "bytes", deleted.Bytes)
			}
		}
		if len(s.replicas.Waiting()) > 0 {
			s.controller.Refresh()
		}
		debug.FreeOSMemory()
	}
}

// troubles is what a part of the work has last failed with in each directory.
type troubles map[string]string

// report says that the work fails when that is news, and that it works again. Of a full disk, and of one that is offline, the directory has
// spoken already.
func (t troubles) report(logger *slog.Logger, work string, d *storage.Dir, err error) {
	if d.Failure() != nil || errors.Is(err, storage.ErrDiskFull) {
		return
	}
	last, failed := t[d.Path()]
	switch {
	case err == nil && failed:
		delete(t, d.Path())
		logger.Info("housekeeping works again", "task", work, "dir", d.Path())
	case err != nil && last != err.Error():
		t[d.Path()] = err.Error()
		logger.Error("housekeeping failed", "task", work, "dir", d.Path(), "error", err)
	}
}

// clean compacts what is dirty enough, again and again until nothing is; then it rests for log.cleaner.backoff.ms.
func (s *Server) clean(ctx context.Context) error {
	said := troubles{}
	for sleep(ctx, max(s.cleanerLogs().CleanerBackoffMs, minBackoffMs)) {
		for again := true; again && ctx.Err() == nil && s.cleanerLogs().CleanerThreads > 0; {
			again = false
			for _, d := range s.dirs {
				again = s.cleanDir(ctx, d, said) || again
			}
		}
	}
	return nil
}

// minBackoffMs keeps log.cleaner.backoff.ms=0 from spinning.
const minBackoffMs = 10

// cleanDir says whether there was something to do.
func (s *Server) cleanDir(ctx context.Context, d *storage.Dir, said troubles) bool {
	if d.Failure() != nil {
		return false
	}
	done, err := d.RunCompaction(ctx, unixMs())
	if ctx.Err() == nil {
		said.report(s.logger, "compaction", d, err)
	}
	if err != nil {
		return false // what fails now would fail again at once
	}
	if done.Segments > 0 {
		s.logger.Info("logs were compacted", "dir", d.Path(), "logs", done.Logs, "segments", done.Segments,
			"bytes_before", done.BytesBefore, "bytes_now", done.BytesNow)
	}
	return done.Logs > 0
}

// scrubRetryMs is when a scrub that failed is tried again.
const scrubRetryMs = 3600 * 1000

// scrub reads a directory's logs again, slowly, and rests for sordini.log.scrub.interval.ms when it has read all of them.
func (s *Server) scrub(ctx context.Context, d *storage.Dir) {
	said := troubles{}
	for d.Failure() == nil && ctx.Err() == nil {
		due, err := d.ScrubDueMs(s.cfg.Logs.ScrubIntervalMs)
		wait := min(max(due-unixMs(), 0), s.cfg.Logs.ScrubIntervalMs)
		if err == nil && wait == 0 {
			err = s.scrubOnce(ctx, d)
		}
		if err != nil {
			wait = scrubRetryMs
		}
		if ctx.Err() == nil {
			said.report(s.logger, "scrub", d, err)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

func (s *Server) scrubOnce(ctx context.Context, d *storage.Dir) error {
	sum, err := d.RunScrub(ctx, s.cfg.Logs.ScrubBytesPerSecond)
	if err == nil && sum.Segments > 0 {
		s.logger.Info("scrub has read all segments", "dir", d.Path(), "segments", sum.Segments, "bytes", sum.Bytes, "damaged_places", sum.Damaged)
	}
	return err
}
