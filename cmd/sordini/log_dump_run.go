package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sordini/sordini/storage/inspect"
	"github.com/sordini/sordini/storage/inspect/decode"
)

// dumpPrinter appends what is printed of a segment.
type dumpPrinter interface {
	segment(dst []byte, s *inspect.Segment) []byte
	batch(dst []byte, b *inspect.Batch) []byte
	record(dst []byte, b *inspect.Batch, r *inspect.Record) []byte
	unreadable(dst []byte, b *inspect.Batch, err error) []byte
	gap(dst []byte, g *inspect.Gap, size int64) []byte
}

// dump is one run of `log dump`.
type dump struct {
	flags  *dumpFlags
	out    *bufio.Writer
	errOut io.Writer
	reader inspect.Reader
	text   *dumpText // nil: JSON
	json   *dumpJSON
	line   []byte
	left   int64 // what -n still allows; negative: everything
	ended  bool
}

const dumpBufferBytes = 64 << 10

func newDump(flags *dumpFlags, o *output, errOut io.Writer) *dump {
	d := &dump{flags: flags, out: bufio.NewWriterSize(o.w, dumpBufferBytes), errOut: errOut, left: flags.count}
	if flags.count == 0 {
		d.left = -1
	}
	control := decode.Control()
	if o.json {
		d.json = &dumpJSON{decoder: flags.decoder(), control: control, contents: flags.contents()}
		return d
	}
	d.text = &dumpText{decoder: flags.decoder(), control: control, contents: flags.contents(), skipMetadata: flags.skipMetadata, escape: o.terminal}
	if d.text.decoder == nil {
		d.text.decoder = decode.Text
	}
	return d
}

// contents: keys and values are wanted. A decoder asks for them, as in Kafka's tool.
func (f *dumpFlags) contents() bool {
	return f.records || f.offsets || f.transactions || f.shares || f.metadata
}

func (d *dump) printer() dumpPrinter {
	if d.json != nil {
		return d.json
	}
	return d.text
}

func (d *dump) run(ctx context.Context, found *inspect.Found) error {
	for i := range found.Partitions {
		p := &found.Partitions[i]
		if d.json != nil && d.flags.decoder() == nil {
			d.json.decoder = decoderOf(p.Topic)
		}
		for j := range p.Segments {
			s := &p.Segments[j]
			below := p.Whole && j+1 < len(p.Segments) && p.Segments[j+1].Base <= d.flags.from
			if below || s.Base > d.flags.to {
				continue
			}
			if d.ended {
				return d.out.Flush()
			}
			if err := d.segment(ctx, s); err != nil {
				return errors.Join(err, d.out.Flush())
			}
		}
	}
	return d.out.Flush()
}

func (d *dump) print(line []byte) error {
	d.line = line
	_, err := d.out.Write(line)
	return err
}

func (d *dump) segment(ctx context.Context, s *inspect.Segment) error {
	f, err := os.Open(s.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	p := d.printer()
	if err := d.print(p.segment(d.line[:0], s)); err != nil {
		return err
	}
	scan := inspect.NewScanner(f, s.Size, inspect.Options{Base: s.Base})
	previous := s.Base - 1 // the last offset before the batch
	for !d.ended && scan.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if gap := scan.Gap(); gap != nil {
			if err := d.gap(s, gap); err != nil {
				return err
			}
			continue
		}
		b := scan.Batch()
		if b.ValidCRC && b.BaseOffset > d.flags.to && !(b.Legacy() && b.Compressed()) {
			break // the offset of a wrapper is that of its last record
		}
		if d.wanted(b, previous) {
			if err := d.batch(b); err != nil {
				return err
			}
		}
		previous = b.LastOffset
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	return nil
}

func (d *dump) gap(s *inspect.Segment, g *inspect.Gap) error {
	if err := d.print(d.printer().gap(d.line[:0], g, s.Size)); err != nil {
		return err
	}
	if d.text != nil && g.End == s.Size {
		// Kafka's line has no room for the reason.
		if err := d.out.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(d.errOut, "sordini: %s at %d: %s\n", s.Path, g.Position, g.Reason)
	}
	return nil
}

// wanted says whether a batch has offsets that were asked for. Formats 0 and 1 tell the last one only.
func (d *dump) wanted(b *inspect.Batch, previous int64) bool {
	base := b.BaseOffset
	if b.Legacy() && b.Compressed() {
		base = min(previous+1, b.LastOffset)
	}
	return b.LastOffset >= d.flags.from && base <= d.flags.to
}

func (d *dump) batch(b *inspect.Batch) error {
	p := d.printer()
	if err := d.print(p.batch(d.line[:0], b)); err != nil {
		return err
	}
	if !d.flags.contents() && !d.flags.deep {
		d.count()
		return nil
	}
	var failed error
	err := d.reader.Each(b, func(r *inspect.Record) bool {
		if r.Offset < d.flags.from {
			return true
		}
		if r.Offset > d.flags.to || d.ended {
			return false
		}
		failed = d.print(p.record(d.line[:0], b, r))
		d.count()
		return failed == nil
	})
	if failed != nil || err == nil {
		return failed
	}
	return d.print(p.unreadable(d.line[:0], b, err))
}

func (d *dump) count() {
	if d.left > 0 {
		d.left--
	}
	d.ended = d.left == 0
}

// snapshotLine is what Kafka's tool says about a file that is a snapshot; "" for a name that says nothing.
func snapshotLine(path string) string {
	name := filepath.Base(path)
	if name == "bootstrap.checkpoint" {
		return "KRaft bootstrap snapshot"
	}
	var offset, epoch int64
	if n, _ := fmt.Sscanf(name, "%d-%d.checkpoint", &offset, &epoch); n == 2 {
		return fmt.Sprintf("Snapshot end offset: %d, epoch: %d", offset, epoch)
	}
	return ""
}
