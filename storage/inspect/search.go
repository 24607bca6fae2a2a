package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// A search may compute checksums over this many times the file's size, and this many bytes besides: a file that was made to
// look like a batch at every position would otherwise take quadratic time.
const (
	searchFactor = 4
	searchBytes  = 64 << 20
)

// skip makes a gap of what begins at the present position, up to the next good batch or the end of the file.
func (s *Scanner) skip(p *problem) bool {
	gap := &Gap{Position: s.pos, End: s.w.size, Reason: p.reason, FromOffset: s.next}
	empty, err := s.zeros(s.pos)
	if err != nil {
		s.err = err
		return false
	}
	if empty {
		gap.Reason, gap.Torn = "zeros to the end of the file", true
		return s.jump(gap)
	}
	end, err := s.search(s.pos + 1)
	if err != nil {
		s.err = err
		return false
	}
	gap.End = end
	if end == s.w.size {
		unwritten, err := s.endsInZeros()
		if err != nil {
			s.err = err
			return false
		}
		gap.Torn = p.torn || unwritten
	}
	return s.jump(gap)
}

func (s *Scanner) jump(gap *Gap) bool {
	s.gap = gap
	s.pos = gap.End
	return true
}

// endsInZeros says whether the file ends as one does whose last pages were never written.
func (s *Scanner) endsInZeros() (bool, error) {
	tail, err := s.w.peek(max(s.pos, s.w.size-unwrittenBytes), unwrittenBytes)
	return err == nil && unwritten(tail), err
}

// unwrittenBytes of zeros at the end of a file or a batch are not what a producer wrote: a record ends with one zero at most.
const unwrittenBytes = 64

func unwritten(b []byte) bool {
	return len(b) >= unwrittenBytes && len(bytes.TrimLeft(b[len(b)-unwrittenBytes:], "\x00")) == 0
}

// search finds the next position with a batch whose checksum is right and whose offsets fit; the size of the file if there is none.
// The value of a record may hold such a batch; it would have to fit this very place in the log.
func (s *Scanner) search(pos int64) (int64, error) {
	for s.w.size-pos >= headToMagic {
		b, err := s.w.peek(pos, s.w.step)
		if err != nil {
			return 0, err
		}
		last := pos+int64(len(b)) == s.w.size
		i := 0
		for ; i+headToMagic <= len(b); i++ {
			// The first byte of an offset is zero below 2^56, and most bytes of records are not.
			if b[i] != 0 {
				to := bytes.IndexByte(b[i:], 0)
				if i = min(i+max(to, 0), len(b)); to < 0 {
					i = len(b)
				}
			}
			if i+batch.HeaderSize > len(b) && !last || i+headToMagic > len(b) {
				break
			}
			good, err := s.good(b[i:], pos+int64(i))
			if err != nil {
				return 0, err
			}
			if good {
				return pos + int64(i), nil
			}
			if s.budget <= 0 {
				return s.w.size, nil
			}
		}
		if last {
			break
		}
		pos += int64(i)
	}
	return s.w.size, nil
}

// good says whether a whole, sound batch lies at a position, of which the head is given.
func (s *Scanner) good(head []byte, pos int64) (bool, error) {
	size, magic, bad := sizeOf(head)
	if bad != nil || len(head) < headerSize(magic) || size > s.w.size-pos {
		return false, nil
	}
	head = head[:headerSize(magic)]
	b := parseHeader(head, pos, size, magic)
	if !s.plausible(&b) || b.BaseOffset < s.next || !sane(&b, head) {
		return false, nil
	}
	s.budget -= size
	sum, err := s.checksum(&b)
	return sum == b.CRC, err
}

// checksum computes the checksum of a batch piece by piece, and leaves the window alone.
func (s *Scanner) checksum(b *Batch) (uint32, error) {
	table, from := crc32.IEEETable, int64(posMagic)
	if b.Magic == batch.Magic {
		table, from = crc32.MakeTable(crc32.Castagnoli), posAttributesV2
	}
	if s.scratch == nil {
		s.scratch = make([]byte, scratchBytes)
	}
	var sum uint32
	for pos, end := b.Position+from, b.Position+b.Size; pos < end; {
		n, err := s.w.file.ReadAt(s.scratch[:min(int64(len(s.scratch)), end-pos)], pos)
		if n == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				err = errShort
			}
			return 0, fmt.Errorf("read at %d: %w", pos, err)
		}
		sum = crc32.Update(sum, table, s.scratch[:n])
		pos += int64(n)
	}
	return sum, nil
}

const (
	posAttributesV2 = 21
	scratchBytes    = 64 << 10
)

// sane looks at fields that have few possible values, before a checksum is computed.
func sane(b *Batch, head []byte) bool {
	if b.Magic < batch.Magic {
		return head[posAttrs]&^attrKnownLegacy == 0 && b.Codec <= codec.LZ4
	}
	attributes := batch.Batch(head).Attributes()
	return attributes&^attrKnown == 0 && b.Codec.Known() && b.Count >= 0 && int64(b.Count) <= b.LastOffset-b.BaseOffset+1
}
