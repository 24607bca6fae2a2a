package batch

import (
	"errors"
	"io"
	"math"

	"github.com/sordini/sordini/protocol/codec"
)

// MaxStreamBytes is how much of one compressed batch is decompressed at most where the records go by in a stream, when no
// other limit is named: 2 GiB, Kafka's default for max.decompressed.message.bytes. It bounds work, not memory: a second or
// two of one core. A batch that holds more is refused with MESSAGE_TOO_LARGE.
const MaxStreamBytes = math.MaxInt32

// pieces are what a codec.Stream gives.
type pieces interface{ Next() ([]byte, error) }

// tape reads records whose bytes come in pieces. It holds nothing but the piece that it is in.
type tape struct {
	stream pieces
	piece  []byte // what is left of it
	passed int    // bytes of this piece and those before it
	limit  int
	err    error // why there is no other piece; io.EOF is the good end
}

// more gets the next piece when this one is used up. False at the end and on errors.
func (t *tape) more() bool {
	if len(t.piece) > 0 {
		return true
	}
	if t.stream == nil && t.err == nil {
		t.err = io.EOF
	}
	if t.err != nil {
		return false
	}
	t.piece, t.err = t.stream.Next()
	if t.passed += len(t.piece); t.passed > t.limit {
		t.piece, t.err = nil, codec.ErrTooLarge
	}
	return t.err == nil
}

// failed is why the tape ended early, nil if it did not.
func (t *tape) failed() error {
	if t.err == nil || errors.Is(t.err, io.EOF) {
		return nil
	}
	return t.err
}

// cursor reads one record from a tape, or the number before it. The first fault stays, and everything after reads as zero.
type cursor struct {
	t     *tape
	left  int // bytes that the record still has; math.MaxInt before its size is known
	fault fault
}

func (c *cursor) fail(f fault) {
	if c.fault == faultNone {
		c.fault = f
	}
}

// number reads a zigzag varint of at most bits bits.
func (c *cursor) number(bits int) int64 {
	var u uint64
	for shift := 0; shift < bits && c.fault == faultNone; shift += 7 {
		if c.left <= 0 {
			break
		}
		if !c.t.more() {
			c.fail(faultTorn)
			return 0
		}
		b := c.t.piece[0]
		c.t.piece = c.t.piece[1:]
		c.left--
		if shift+7 > bits && b>>(bits-shift) != 0 {
			break
		}
		u |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	c.fail(faultStructure)
	return 0
}

// skip passes over n bytes; less than none is null.
func (c *cursor) skip(n int) {
	if n > c.left {
		c.fail(faultStructure)
	}
	for n > 0 && c.fault == faultNone {
		if !c.t.more() {
			c.fail(faultTorn)
			return
		}
		part := min(n, len(c.t.piece))
		c.t.piece = c.t.piece[part:]
		c.left -= part
		n -= part
	}
}

// headers walks n headers, which must end with the record.
func (c *cursor) headers(n int) {
	if n < 0 || n > c.left {
		c.fail(faultHeaderCount)
	}
	for ; n > 0 && c.fault == faultNone; n-- {
		size := int(c.number(32))
		if size < 0 {
			c.fail(faultStructure)
		}
		c.skip(size)
		c.skip(int(c.number(32)))
	}
	if c.left != 0 {
		c.fail(faultSize)
	}
}

// walkTape is walk for records that come in pieces. Those that lie within one piece are walked as they are; only one that
// reaches into the next, which may be large, is taken byte by byte, and its key and value are passed over. A fault goes before an
// error of the tape, except that a tape that fails has no faulty end.
func walkTape(t *tape, count int32, l *limits) (w walked, err error) {
	w.maxTimestamp, w.maxIndex = NoTimestamp, -1
	for w.index < count && w.fault == faultNone {
		if !t.more() {
			w.fault = faultTorn
			break
		}
		var pos int
		w, pos = whole(t.piece, w, count, l)
		t.piece = t.piece[pos:]
		if w.index < count && w.fault == faultNone {
			w = across(t, w, l)
		}
	}
	if w.fault == faultNone && t.more() {
		w.fault = faultMore
	}
	if err := t.failed(); err != nil && (w.fault == faultNone || w.fault == faultTorn) {
		return w, err
	}
	return w, nil
}

// across walks the record at the tape's position, wherever its bytes are.
func across(t *tape, w walked, l *limits) walked {
	c := cursor{t: t, left: math.MaxInt}
	n := int(c.number(32))
	if c.fault != faultNone {
		w.fault = faultTorn // as for a number that runs out of the payload
		return w
	}
	if n > l.mostBytes {
		w.fault = faultLarge // before anything of it is decompressed
		return w
	}
	c.left = max(n, 0)
	if n < minRecordBody {
		c.fail(faultStructure)
	}
	c.skip(1)
	ts := l.baseTimestamp + c.number(64)
	offset := int(c.number(32))
	keyLen := int(c.number(32))
	c.skip(keyLen)
	c.skip(int(c.number(32)))
	c.headers(int(c.number(32)))
	if c.fault != faultNone {
		// A record that is not there whole is told as that, whatever its first bytes are.
		if w.fault, c.fault = c.fault, faultNone; c.left > 0 {
			c.skip(c.left)
		}
		if c.fault != faultNone {
			w.fault = c.fault
		}
		return w
	}
	if offset != int(w.index) {
		w.fault = faultOffsetDelta
		return w
	}
	if ts > w.maxTimestamp {
		w.maxTimestamp, w.maxIndex = ts, w.index
	}
	if l.needKey && keyLen < 0 || (ts < l.oldest || ts > l.youngest) && ts != NoTimestamp {
		l.refuse(w.index, ts, keyLen >= 0)
	}
	w.index++
	return w
}
