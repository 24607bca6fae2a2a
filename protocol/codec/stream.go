package codec

import (
	"io"
	"sync"
)

const (
	streamPiece = 64 << 10 // what a codec without blocks of its own is asked for at a time

	// streamWindow is how far back a stream can refer. RFC 8878 asks every zstd decoder for 8 MiB and every encoder to stay
	// within; raw snappy has no window, but no encoder looks back further within a batch.
	streamWindow = 8 << 20

	// wholeBytes is up to which size a zstd frame is decompressed at once, which is faster than in pieces.
	wholeBytes = 4 << 20
)

var streams = sync.Pool{New: func() any { return new(Stream) }}

// Stream decompresses in pieces, so that a walk over a batch takes the same memory however much the batch holds: the piece,
// what the codec must look back on, and never more than about twice streamWindow. It belongs to one caller from Open to Close.
type Stream struct {
	c    Codec
	java bool
	src  []byte // not yet read
	buf  []byte // pieces are cut from it
	err  error  // what ended the stream; io.EOF is the good end

	pieces bool // nothing is decompressed at once, however small: for tests

	gzip   *gzipReader
	lz4    lz4Stream
	snappy snappyStream
	zstd   zstdStream
}

// Open begins to decompress src, which must stay as it is until Close. Damage is reported by Next.
func Open(src []byte, c Codec) *Stream {
	s := streams.Get().(*Stream)
	s.c, s.src = c, src
	return s
}

// OpenAsJava is Open with the limits of Java's consumer, which cannot read LZ4 frames whose blocks depend on each other, looks
// at the first frame only, and wants snappy's framing to be of version 1 at least. It is for checking what will be stored.
func OpenAsJava(src []byte, c Codec) *Stream {
	s := Open(src, c)
	s.java = true
	return s
}

// OpenLegacyLZ4 is Open for what DecompressLegacyLZ4 reads.
func OpenLegacyLZ4(src []byte) *Stream {
	s := Open(src, LZ4)
	s.lz4.anyChecksum = true
	return s
}

// Next returns the next piece, which is not empty and good until the call after. The end is io.EOF; other errors wrap
// ErrCorrupt or are ErrUnknown. After an error there is nothing more.
func (s *Stream) Next() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	var piece []byte
	for len(piece) == 0 && s.err == nil {
		piece, s.err = s.next()
	}
	if s.err != nil {
		return nil, s.err
	}
	return piece, nil
}

// next is Next, but for pieces that are empty.
func (s *Stream) next() ([]byte, error) {
	switch s.c {
	case None:
		piece := s.src
		s.src = nil
		if len(piece) == 0 {
			return nil, io.EOF
		}
		return piece, nil
	case Gzip:
		return s.nextGzip()
	case Snappy:
		return s.nextSnappy()
	case LZ4:
		return s.nextLZ4()
	case Zstd:
		return s.nextZstd()
	default:
		return nil, ErrUnknown
	}
}

// Close gives everything back. Pieces are invalid from then on.
func (s *Stream) Close() {
	if s.gzip != nil {
		s.gzip.src.Reset(nil)
		gzipReaders.Put(s.gzip)
	}
	s.zstd.close()
	buf := s.buf[:0]
	if cap(buf) > maxPooledScratch {
		buf = nil
	}
	*s = Stream{buf: buf}
	streams.Put(s)
}

// piece is a buffer of n bytes, with what was in it if it needs no growing.
func (s *Stream) piece(n int) []byte {
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	return s.buf
}

// nextGzip is what the inflater has after its next block; it looks back 32 KiB.
func (s *Stream) nextGzip() ([]byte, error) {
	if s.gzip == nil {
		r, ok := gzipReaders.Get().(*gzipReader)
		if !ok {
			r = new(gzipReader)
		}
		s.gzip = r
		r.src.Reset(s.src)
		if err := r.zr.Reset(&r.src); err != nil {
			return nil, corrupt("gzip: %v", err)
		}
	}
	buf := s.piece(streamPiece)
	for n := 0; ; {
		got, err := s.gzip.zr.Read(buf[n:])
		n += got
		if n == len(buf) || err == io.EOF && n > 0 {
			return buf[:n], nil // a reader at its end says so again
		}
		if err == io.EOF {
			return nil, io.EOF
		}
		if err != nil {
			return nil, corrupt("gzip: %v", err)
		}
	}
}
