package inspect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// Verifier checks all that a log's bytes can say about themselves. It keeps its buffers from partition to partition.
type Verifier struct {
	Limits Limits
	// Report is told every finding, in the order of the files.
	Report func(Finding)
	// Progress is told, now and then, how many bytes of segments were looked at. It may be nil.
	Progress func(bytes int64)

	Totals Totals
	reader Reader
}

// Totals count what was looked at.
type Totals struct {
	Partitions, Segments int
	Batches, Records     int64
	Bytes                int64
	Damages, TornTails   int
}

// Add adds the counts of another part.
func (t *Totals) Add(other Totals) {
	t.Partitions += other.Partitions
	t.Segments += other.Segments
	t.Batches += other.Batches
	t.Records += other.Records
	t.Bytes += other.Bytes
	t.Damages += other.Damages
	t.TornTails += other.TornTails
}

// Partition checks the segments of one partition. The error is the disk's or the context's; damage is reported.
func (v *Verifier) Partition(ctx context.Context, p *Partition) error {
	v.Totals.Partitions++
	if n := len(p.Leftovers); n > 0 {
		v.report(about(Note, p.Dir, p.Leftovers[0], "left by compaction or deletion, and not looked at; there are %d such segments", n))
	}
	next := int64(0)
	for i := range p.Segments {
		s := &p.Segments[i]
		if !p.Whole && i > 0 && s.Base < p.Segments[i-1].Base {
			next = 0 // files in the order that somebody named them
		}
		end, err := v.segment(ctx, p, s, next)
		if err != nil {
			return err
		}
		next = max(next, end)
	}
	return nil
}

func (v *Verifier) report(f Finding) {
	switch {
	case f.Kind.Damage():
		v.Totals.Damages++
	case f.Kind == TornTail:
		v.Totals.TornTails++
	}
	v.Report(f)
}

// segment checks one file and returns the offset after its last batch.
func (v *Verifier) segment(ctx context.Context, p *Partition, s *Segment, next int64) (end int64, err error) {
	f, err := os.Open(s.Path)
	if errors.Is(err, os.ErrNotExist) {
		v.report(about(Note, p.Dir, filepath.Base(s.Path), "removed while others were read"))
		return next, nil
	}
	if err != nil {
		return next, explain(err)
	}
	defer f.Close()
	v.Totals.Segments++
	c := &check{v: v, p: p, s: s, file: filepath.Base(s.Path), next: max(next, s.Base)}
	if s.Base >= 0 && s.Base < next {
		v.report(about(Order, p.Dir, c.file, "it begins at offset %d by its name, and the segment before it ends at %d", s.Base, next-1))
		c.next = s.Base
	}
	scan := NewScanner(f, s.Size, Options{Limits: v.Limits, Base: s.Base})
	told := int64(0)
	for scan.Next() {
		if gap := scan.Gap(); gap != nil {
			c.gap(gap)
		} else {
			c.batch(scan.Batch())
		}
		v.Totals.Bytes += scan.Position() - told
		told = scan.Position()
		if err := ctx.Err(); err != nil {
			return c.next, err
		}
		if v.Progress != nil {
			v.Progress(v.Totals.Bytes)
		}
	}
	c.endGap(-1)
	if errors.Is(scan.Err(), errShort) {
		v.report(about(Note, p.Dir, c.file, "%v", scan.Err()))
		return c.next, nil
	}
	if scan.Err() != nil {
		return c.next, fmt.Errorf("read %s: %w", s.Path, scan.Err())
	}
	return c.next, nil
}

// check is the verification of one segment.
type check struct {
	v    *Verifier
	p    *Partition
	s    *Segment
	file string
	next int64 // the lowest offset that the next batch may have
	open *Finding
}

func (c *check) finding(kind Kind, b *Batch, format string, args ...any) Finding {
	return Finding{
		Kind: kind, Dir: c.p.Dir, File: c.file, Position: b.Position, Bytes: b.Size, FromOffset: b.BaseOffset, ToOffset: b.LastOffset, Reason: fmt.Sprintf(format, args...),
	}
}

// gap notes a place without batches. It is reported when the next batch says where the lost offsets end.
func (c *check) gap(g *Gap) {
	f := Finding{Kind: Corrupt, Dir: c.p.Dir, File: c.file, Position: g.Position, Bytes: g.End - g.Position, FromOffset: c.next, ToOffset: -1, Reason: g.Reason}
	if g.Torn && c.s.Last {
		f.Kind = TornTail
	}
	c.open = &f
}

func (c *check) endGap(nextBase int64) {
	if c.open == nil {
		return
	}
	if f := c.open; nextBase > f.FromOffset {
		f.ToOffset = nextBase - 1
	}
	c.v.report(*c.open)
	c.open = nil
}

func (c *check) batch(b *Batch) {
	c.endGap(b.BaseOffset)
	c.v.Totals.Batches++
	if !b.ValidCRC {
		f := c.finding(Corrupt, b, "wrong checksum: the header says %d", b.CRC)
		if c.s.Last && b.Position+b.Size == c.s.Size && unwritten(b.Raw) {
			f.Kind, f.Reason = TornTail, "the last batch ends in bytes that were never written"
		}
		c.v.report(f)
		return // and nothing of it is believed
	}
	if !c.order(b) {
		return
	}
	c.next = b.LastOffset + 1
	if b.Raw == nil {
		c.v.report(c.finding(Note, b, "the checksum is right; %d bytes are too many to look at the records", b.Size))
		return
	}
	c.records(b)
}

// order compares a batch's offsets with what lies before it. Where they go back, the batches after it are held against it.
func (c *check) order(b *Batch) bool {
	switch {
	case b.BaseOffset < 0 || b.LastOffset == math.MaxInt64 || c.s.Base >= 0 && (b.BaseOffset < c.s.Base || b.LastOffset-c.s.Base > math.MaxInt32):
		c.v.report(c.finding(Order, b, "offsets %d to %d in a segment that begins at %d", b.BaseOffset, b.LastOffset, c.s.Base))
		return false
	case b.BaseOffset < c.next && b.Magic == batch.Magic, b.LastOffset < c.next:
		c.v.report(c.finding(Order, b, "offset %d, and at least %d was due", b.BaseOffset, c.next))
	}
	return true
}

// records reads every record and holds them against the header.
func (c *check) records(b *Batch) {
	if b.Magic == batch.Magic && int64(b.Count) > b.LastOffset-b.BaseOffset+1 || b.Magic == batch.Magic && b.Count < 0 {
		c.v.report(c.finding(Records, b, "%d records at offsets %d to %d", b.Count, b.BaseOffset, b.LastOffset))
		return
	}
	last, lowest, bad := int64(-1), b.BaseOffset, ""
	if b.Magic < batch.Magic {
		lowest = max(c.s.Base, 0)
	}
	n := int64(0)
	c.v.reader.Limits, c.v.reader.SkipHeaders = c.v.Limits, true
	err := c.v.reader.Each(b, func(r *Record) bool {
		switch {
		case r.Offset <= last || r.Offset < lowest || r.Offset > b.LastOffset:
			bad = fmt.Sprintf("record %d has offset %d", n, r.Offset)
		case b.Magic < batch.Magic && !r.ValidCRC:
			bad = fmt.Sprintf("wrong checksum of the message at offset %d in a wrapper", r.Offset)
		case b.Control && len(r.Key) < 4:
			bad = fmt.Sprintf("control record %d has no type", n)
		}
		last = r.Offset
		n++
		return bad == ""
	})
	c.v.Totals.Records += n
	if errors.Is(err, ErrTooLarge) || errors.Is(err, codec.ErrTooLarge) {
		c.v.report(c.finding(Note, b, "the checksum is right; the records are too large to look at: %v", err))
		return
	}
	if bad == "" && err != nil {
		bad = fmt.Sprintf("record %d: %v", n, err)
	}
	if bad != "" {
		c.v.report(c.finding(Records, b, "the checksum is right, but %s", bad))
	}
}
