package batch

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/sordini/sordini/protocol/codec"
)

// NeedsCodec reports whether a topic whose compression.type is target stores the batch in another form than it has. As in
// Kafka, a batch that has the target's codec stays as its producer made it, whatever the level; control batches stay too.
func (b Batch) NeedsCodec(target codec.Codec) bool { return b.Codec() != target && !b.IsControl() }

// Recompress appends to dst the batch with its records compressed by target, or not compressed: one for which NeedsCodec is
// false is copied. The records' bytes, the offsets, timestamps, producer, sequence, leader epoch and the other attributes stay;
// codec, length and CRC change. The same batch gives the same bytes always.
//
// At most maxBytes are appended; beyond, and so soon, it is ErrFull: MESSAGE_TOO_LARGE to a producer. 0 is no limit but that of
// the format. Memory is bounded by that and by what a stream needs. Other errors are those of codec.Stream, and for batches
// that Validate looked into there is none. On an error dst comes back as it was. It must not overlap the batch.
func Recompress(dst []byte, b Batch, target codec.Codec, level, maxBytes int) ([]byte, error) {
	if maxBytes <= 0 || maxBytes > math.MaxInt32 {
		maxBytes = math.MaxInt32
	}
	if !b.NeedsCodec(target) {
		if len(b) > maxBytes {
			return dst, ErrFull
		}
		return append(dst, b...), nil
	}
	start := len(dst)
	out, err := recompress(append(dst, b[:HeaderSize]...), b, target, level, start+maxBytes)
	if err != nil {
		return dst, err
	}
	h := Batch(out[start:])
	if len(h) > maxBytes {
		return dst, ErrFull
	}
	binary.BigEndian.PutUint32(h[posLength:], uint32(len(h)-LogOverhead))
	h[posAttributes+1] = h[posAttributes+1]&^codec.Mask | byte(target)
	h.RecomputeCRC()
	return out, nil
}

// recompress appends the records in their new form to dst, and stops when that is longer than most.
func recompress(dst []byte, b Batch, target codec.Codec, level, most int) ([]byte, error) {
	if b.Codec() == codec.None {
		return codec.Compress(dst, b.Payload(), target, level)
	}
	s := codec.Open(b.Payload(), b.Codec())
	defer s.Close()
	if target == codec.None {
		return appendStream(dst, s, most)
	}
	// Nearly all batches are small, and compressed best when they are in one piece.
	scratch := codec.Borrow()
	defer scratch.Return()
	var err error
	if scratch.B, err = appendStream(scratch.B, s, compressAtBytes); err == nil {
		return codec.Compress(dst, scratch.B, target, level)
	}
	if !errors.Is(err, ErrFull) {
		return dst, err
	}
	w, err := codec.NewWriter(dst, target, level)
	if err != nil {
		return dst, err
	}
	total := 0
	for piece := scratch.B; err == nil; piece, err = s.Next() {
		if total += len(piece); total > MaxStreamBytes || w.Len() > most {
			return dst, ErrFull
		}
		if _, err := w.Write(piece); err != nil {
			return dst, err
		}
	}
	if !errors.Is(err, io.EOF) {
		return dst, err
	}
	return w.Close()
}

// appendStream appends what a stream has until it ends or dst is longer than most, which is ErrFull.
func appendStream(dst []byte, s *codec.Stream, most int) ([]byte, error) {
	for {
		piece, err := s.Next()
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
		if dst = append(dst, piece...); len(dst) > most {
			return dst, ErrFull
		}
	}
}
