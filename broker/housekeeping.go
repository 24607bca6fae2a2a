package broker

import (
	"context"
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

// applyBroker takes broker configs over that were changed while the broker runs.
func (s *Server) applyBroker(b *config.Broker) {
	s.cleaner.Store(&b.Logs)
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

// retain deletes what retention allows and writes the checkpoints, at log.retention.check.interval.ms.
func (s *Server) retain(ctx context.Context) error {
	for sleep(ctx, s.cfg.Logs.RetentionCheckIntervalMs) {
		for _, d := range s.dirs {
			deleted, err := d.RunRetention(unixMs())
			if err != nil {
				s.logger.Error("retention failed", "dir", d.Path(), "error", err)
			}
			if deleted.Segments > 0 {
				s.logger.Info("retention deleted segments", "dir", d.Path(), "segments", deleted.Segments, "bytes", deleted.Bytes)
			}
		}
		debug.FreeOSMemory()
	}
	return nil
}

// clean compacts what is dirty enough, again and again until nothing is; then it rests for log.cleaner.backoff.ms.
func (s *Server) clean(ctx context.Context) error {
	for sleep(ctx, max(s.cleanerLogs().CleanerBackoffMs, minBackoffMs)) {
		for again := true; again && ctx.Err() == nil && s.cleanerLogs().CleanerThreads > 0; {
			again = false
			for _, d := range s.dirs {
				again = s.cleanDir(ctx, d) || again
			}
		}
	}
	return nil
}

// minBackoffMs keeps log.cleaner.backoff.ms=0 from spinning.
const minBackoffMs = 10

// cleanDir says whether there was something to do.
func (s *Server) cleanDir(ctx context.Context, d *storage.Dir) bool {
	if d.Failure() != nil {
		return false
	}
	done, err := d.RunCompaction(ctx, unixMs())
	if err != nil && ctx.Err() == nil {
		s.logger.Error("compaction failed", "dir", d.Path(), "error", err)
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
	for d.Failure() == nil && ctx.Err() == nil {
		due, err := d.ScrubDueMs(s.cfg.Logs.ScrubIntervalMs)
		wait := min(max(due-unixMs(), 0), s.cfg.Logs.ScrubIntervalMs)
		if err == nil && wait == 0 {
			err = s.scrubOnce(ctx, d)
		}
		if err != nil {
			wait = scrubRetryMs
			if ctx.Err() == nil && d.Failure() == nil {
				s.logger.Error("scrub failed", "dir", d.Path(), "error", err)
			}
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
