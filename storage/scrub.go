package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/sordini/sordini/storage/index"
)

// Scrubbed is what RunScrub looked at.
type Scrubbed struct {
	Segments int
	Bytes    int64
	Damaged  int // places, known before or not
}

// RunScrub reads every segment of every log once, the active ones as far as they go, and checks the checksums of all batches, so
// that damage is found before somebody needs the data. It takes at most so many bytes a second, 0 for no limit. A pass that ctx or Close ended
// is continued by the next call, after a restart too, with the segment that it was in. Damage is logged and told to OnCorruption
// when it is new, and no error of the pass; an error of one log does not keep the others from their turn.
func (d *Dir) RunScrub(ctx context.Context, bytesPerSecond int64) (Scrubbed, error) {
	var sum Scrubbed
	if err := d.enter(); err != nil {
		return sum, err
	}
	defer d.leave()
	d.scrubbing.Lock()
	defer d.scrubbing.Unlock()
	from, err := d.index.ScrubPosition()
	if err != nil && !index.IsCorrupt(err) {
		return sum, fmt.Errorf("scrub: %w", err)
	}
	p := scrub{d: d, sum: &sum, check: segmentCheck{ctx: ctx, io: &throttle{bytesPerSecond: bytesPerSecond}}}
	var errs []error
	for _, l := range d.openLogs() {
		if strings.Compare(l.name, from.Log) < 0 {
			continue
		}
		base := int64(0)
		if l.name == from.Log {
			base = from.Base
		}
		err := p.log(l, base)
		sum.Bytes = p.check.bytes
		if stop := p.stopped(); stop != nil {
			return sum, errors.Join(append(errs, stop)...)
		}
		if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, errRemoved) {
			errs = append(errs, fmt.Errorf("scrub of %s: %w", l.name, err))
		}
	}
	return sum, errors.Join(append(errs, p.note(index.ScrubPosition{DoneMs: d.config.Clock()}))...)
}

// ScrubDueMs is when RunScrub should next be called so that passes begin intervalMs after the end of the one before: now, or
// earlier, where a pass was interrupted or there never was one.
func (d *Dir) ScrubDueMs(intervalMs int64) (int64, error) {
	if err := d.enter(); err != nil {
		return 0, err
	}
	defer d.leave()
	at, err := d.index.ScrubPosition()
	if index.IsCorrupt(err) {
		return 0, nil
	}
	if err != nil || at.Log != "" || at.DoneMs == 0 {
		return 0, err
	}
	if at.DoneMs > math.MaxInt64-intervalMs {
		return math.MaxInt64, nil
	}
	// A clock that was set back must not put the scrub off for years.
	return min(at.DoneMs, d.config.Clock()) + intervalMs, nil
}

// scrub is one call of RunScrub.
type scrub struct {
	d     *Dir
	sum   *Scrubbed
	check segmentCheck
}

// stopped says why the whole pass has to end, if so.
func (p *scrub) stopped() error {
	if err := p.check.ctx.Err(); err != nil {
		return err
	}
	p.d.mu.Lock()
	closed := p.d.mu.closed
	p.d.mu.Unlock()
	if closed {
		return ErrClosed
	}
	return p.d.failure()
}

// note stores where the next call begins. It need not survive a crash.
func (p *scrub) note(at index.ScrubPosition) error {
	b := p.d.index.NewBatch()
	b.SetScrubPosition(at)
	return b.Commit(false)
}

func (p *scrub) log(l *Log, from int64) error {
	for _, s := range *l.segments.Load() {
		if s.base < from || s.size.Load() == 0 {
			continue
		}
		if err := p.note(index.ScrubPosition{Log: l.name, Base: s.base}); err != nil {
			return err
		}
		n, err := p.check.run(l, s)
		if err != nil {
			return err
		}
		p.sum.Segments++
		p.sum.Damaged += n
	}
	return nil
}
