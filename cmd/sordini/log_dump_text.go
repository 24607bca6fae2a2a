package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/sordini/sordini/storage/inspect"
	"github.com/sordini/sordini/storage/inspect/decode"
)

// dumpText prints the lines of Kafka's DumpLogSegments (4.3). compat-tests/dumplog holds them against that tool.
type dumpText struct {
	decoder      decode.Decoder
	control      func(controlType int16, value []byte) ([]byte, error)
	contents     bool
	skipMetadata bool
	escape       bool // the output is a terminal
	name         string
}

func (t *dumpText) segment(dst []byte, s *inspect.Segment) []byte {
	t.name = filepath.Base(s.Path)
	dst = fmt.Appendf(dst, "Dumping %s\n", s.Path)
	if s.Base >= 0 {
		return fmt.Appendf(dst, "Log starting offset: %d\n", s.Base)
	}
	if line := snapshotLine(s.Path); line != "" {
		dst = fmt.Appendf(dst, "%s\n", line)
	}
	return dst
}

func (t *dumpText) batch(dst []byte, b *inspect.Batch) []byte {
	if !b.Legacy() {
		horizon := "OptionalLong.empty"
		if b.HasDeleteHorizon {
			horizon = fmt.Sprintf("OptionalLong[%d]", b.DeleteHorizonMs)
		}
		dst = fmt.Appendf(dst, "baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d "+
			"partitionLeaderEpoch: %d isTransactional: %t isControl: %t deleteHorizonMs: %s",
			b.BaseOffset, b.LastOffset, b.Count, b.BaseSequence, b.LastSequence, b.ProducerID, b.ProducerEpoch,
			b.PartitionLeaderEpoch, b.Transactional, b.Control, horizon)
	} else {
		dst = fmt.Appendf(dst, "offset: %d", b.LastOffset)
	}
	return fmt.Appendf(dst, " position: %d %s: %d size: %d magic: %d compresscodec: %s crc: %d isvalid: %t\n",
		b.Position, b.TimestampType, b.MaxTimestamp, b.Size, b.Magic, b.Codec, b.CRC, b.ValidCRC)
}

func (t *dumpText) record(dst []byte, b *inspect.Batch, r *inspect.Record) []byte {
	prefix := "| "
	if !t.skipMetadata {
		prefix = " "
		dst = t.metadata(dst, b, r)
	}
	if t.contents && !b.Control {
		key, value := t.decoder(r.Offset, r.Key, r.Value)
		if key != nil {
			dst = t.clean(append(append(dst, prefix...), "key: "...), key)
			prefix = " "
		}
		if value != nil {
			dst = t.clean(append(append(dst, prefix...), "payload: "...), value)
		}
	}
	return append(dst, '\n')
}

func (t *dumpText) metadata(dst []byte, b *inspect.Batch, r *inspect.Record) []byte {
	dst = fmt.Appendf(dst, "| offset: %d %s: %d keySize: %d valueSize: %d", r.Offset, b.TimestampType, r.Timestamp, sizeOrNull(r.Key), sizeOrNull(r.Value))
	if b.Legacy() {
		return fmt.Appendf(dst, " isValid: %t crc: %d", r.ValidCRC, r.CRC)
	}
	dst = fmt.Appendf(dst, " sequence: %d headerKeys: [", r.Sequence)
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = t.clean(dst, decode.AppendText(nil, []byte(h.Key)))
	}
	dst = append(dst, ']')
	if b.Control {
		dst = t.controlRecord(dst, r)
	}
	return dst
}

func (t *dumpText) controlRecord(dst []byte, r *inspect.Record) []byte {
	kind, ok := inspect.ControlTypeOf(r.Key)
	if !ok {
		return fmt.Appendf(dst, " controlType: UNKNOWN, the key has %d bytes", len(r.Key))
	}
	if kind == inspect.ControlAbort || kind == inspect.ControlCommit {
		epoch, ok := inspect.MarkerEpoch(r.Value)
		if !ok {
			return fmt.Appendf(dst, " endTxnMarker: %s, the value has %d bytes", markerName(kind), len(r.Value))
		}
		return fmt.Appendf(dst, " endTxnMarker: %s coordinatorEpoch: %d", markerName(kind), epoch)
	}
	text, err := t.control(int16(kind), r.Value)
	if err != nil {
		return fmt.Appendf(dst, " controlType: %d: %v", kind, err)
	}
	return t.clean(dst, text)
}

func markerName(kind inspect.ControlType) string {
	if kind == inspect.ControlCommit {
		return "COMMIT"
	}
	return "ABORT"
}

func (t *dumpText) unreadable(dst []byte, _ *inspect.Batch, err error) []byte {
	return fmt.Appendf(dst, "| the records cannot be read: %v\n", err)
}

func (t *dumpText) gap(dst []byte, g *inspect.Gap, size int64) []byte {
	if g.End == size {
		return fmt.Appendf(dst, "Found %d invalid bytes at the end of %s\n", g.End-g.Position, t.name)
	}
	return fmt.Appendf(dst, "Found %d invalid bytes at %d of %s: %s\n", g.End-g.Position, g.Position, t.name, g.Reason)
}

// clean appends text that others chose. Only a terminal needs it escaped; a pipe gets what Kafka's tool writes.
func (t *dumpText) clean(dst, text []byte) []byte {
	if !t.escape {
		return append(dst, text...)
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if unicode.IsPrint(r) || r == utf8.RuneError {
			dst = utf8.AppendRune(dst, r)
		} else {
			quoted := strconv.QuoteRune(r)
			dst = append(dst, quoted[1:len(quoted)-1]...)
		}
		text = text[n:]
	}
	return dst
}

// sizeOrNull is -1 for null, as Kafka has it.
func sizeOrNull(b []byte) int {
	if b == nil {
		return -1
	}
	return len(b)
}
