package inspect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// maxProducers is how many different producer ids of a partition are counted; beyond it the count is a lower bound.
const maxProducers = 1 << 16

// Stat is what a partition's log consists of.
type Stat struct {
	Segments    int
	Bytes       int64 // of the files
	StartOffset int64 // base of the first segment: the log start may be above it
	EndOffset   int64 // after the last batch
	Batches     int64
	// Records are those that the headers count. A wrapper of the old formats does not say: without Deep its offsets are counted.
	Records        int64
	ControlBatches int64
	BatchBytes     int64            // of the batches
	CodecBytes     map[string]int64 // of them, by codec
	MagicBatches   map[int8]int64
	// OldestMs and NewestMs are the extremes of the batches' max timestamps, or with Deep of the records'; -1 when there are none.
	OldestMs, NewestMs int64
	Producers          int
	ManyProducers      bool // there are more than Producers
	TransactionBatches int64
	InvalidBytes       int64 // what is no batch

	// With Deep alone:
	Deep              bool
	UncompressedBytes int64 // what all records take without compression, and the headers
	Tombstones        int64 // records with a null value
	KeylessRecords    int64
	BadBatches        int64 // whose checksum is wrong or whose records cannot be read
}

// StatPartition reads a partition's headers, or with deep all of it.
func StatPartition(ctx context.Context, p *Partition, deep bool, limits Limits) (*Stat, error) {
	c := &counting{stat: Stat{CodecBytes: map[string]int64{}, MagicBatches: map[int8]int64{}, OldestMs: -1, NewestMs: -1, Deep: deep}, producers: map[int64]struct{}{}}
	c.reader.Limits, c.reader.SkipHeaders = limits, true
	for i := range p.Segments {
		s := &p.Segments[i]
		if i == 0 {
			c.stat.StartOffset = max(s.Base, 0)
		}
		c.stat.EndOffset = max(c.stat.EndOffset, s.Base)
		if err := c.segment(ctx, s, limits); err != nil {
			return nil, err
		}
	}
	c.stat.Producers = len(c.producers)
	return &c.stat, nil
}

type counting struct {
	stat      Stat
	producers map[int64]struct{}
	reader    Reader
}

func (c *counting) segment(ctx context.Context, s *Segment, limits Limits) error {
	f, err := os.Open(s.Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // retention was faster
	}
	if err != nil {
		return explain(err)
	}
	defer f.Close()
	c.stat.Segments++
	c.stat.Bytes += s.Size
	scan := NewScanner(f, s.Size, Options{Limits: limits, HeadersOnly: !c.stat.Deep, Base: s.Base})
	for n := 0; scan.Next(); n++ {
		if gap := scan.Gap(); gap != nil {
			c.stat.InvalidBytes += gap.End - gap.Position
			continue
		}
		c.batch(scan.Batch())
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := scan.Err(); err != nil && !errors.Is(err, errShort) {
		return fmt.Errorf("read %s: %w", s.Path, err)
	}
	return nil
}

func (c *counting) batch(b *Batch) {
	st := &c.stat
	st.Batches++
	st.BatchBytes += b.Size
	st.CodecBytes[b.Codec.String()] += b.Size
	st.MagicBatches[b.Magic]++
	if b.Control {
		st.ControlBatches++
	}
	if b.Transactional && !b.Control {
		st.TransactionBatches++
	}
	if b.ProducerID >= 0 {
		if len(c.producers) < maxProducers {
			c.producers[b.ProducerID] = struct{}{}
		} else if _, ok := c.producers[b.ProducerID]; !ok {
			st.ManyProducers = true
		}
	}
	if st.Deep {
		c.records(b)
	} else {
		c.timestamp(b.MaxTimestamp)
		switch {
		case b.Count >= 0:
			st.Records += int64(b.Count)
		case b.Codec == codec.None:
			st.Records++
		default:
			st.Records += max(1, b.LastOffset-st.EndOffset+1)
		}
	}
	if b.LastOffset < math.MaxInt64 {
		st.EndOffset = max(st.EndOffset, b.LastOffset+1)
	}
}

func (c *counting) records(b *Batch) {
	st := &c.stat
	if !b.ValidCRC {
		st.BadBatches++
		return
	}
	err := c.reader.Each(b, func(r *Record) bool {
		st.Records++
		c.timestamp(r.Timestamp)
		if r.Value == nil {
			st.Tombstones++
		}
		if r.Key == nil {
			st.KeylessRecords++
		}
		return true
	})
	if err != nil {
		st.BadBatches++
	}
	st.UncompressedBytes += c.reader.Uncompressed
	switch {
	case b.Magic == batch.Magic:
		st.UncompressedBytes += batch.HeaderSize
	case b.Codec != codec.None:
		st.UncompressedBytes += int64(headerSize(b.Magic))
	}
}

func (c *counting) timestamp(ms int64) {
	if ms < 0 {
		return
	}
	if c.stat.OldestMs < 0 || ms < c.stat.OldestMs {
		c.stat.OldestMs = ms
	}
	c.stat.NewestMs = max(c.stat.NewestMs, ms)
}
