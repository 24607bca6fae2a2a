package codec

import (
	"slices"
	"sync"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Writer compresses what is written to it piece by piece, for content that is too large to be held in memory. What it makes
// depends on the content and the level only, not on how the content was cut into pieces. For content that is in memory
// Compress is faster. A writer that is given up need not be closed.
type Writer struct {
	c     Codec
	level int
	out   sliceWriter
	block []byte // what does not fill a block yet: LZ4, snappy
	gzip  *gzip.Writer
	zstd  *zstd.Encoder
	lz4   *lz4Compressor
}

// NewWriter begins to append the compressed form of what will be written to dst. Level is that of Compress.
func NewWriter(dst []byte, c Codec, level int) (*Writer, error) {
	w := &Writer{c: c, level: level, out: sliceWriter{b: dst}}
	var err error
	switch c {
	case None:
	case Gzip:
		if w.gzip, err = getGzipWriter(level); err == nil {
			w.gzip.Reset(&w.out)
		}
	case Snappy:
		w.out.b = append(w.out.b, xerialHeader[:]...)
	case LZ4:
		w.out.b = appendLZ4Header(w.out.b, false)
		w.lz4 = getLZ4Compressor(level)
	case Zstd:
		if w.zstd, err = getZstdEncoder(&zstdStreamEncoders, level); err == nil {
			w.zstd.Reset(&w.out)
		}
	default:
		err = ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Len is how many bytes were appended so far, dst included. What is still inside the compressor is not counted.
func (w *Writer) Len() int { return len(w.out.b) }

// Write compresses p, or keeps it until there is enough for a block. It keeps nothing of p.
func (w *Writer) Write(p []byte) (int, error) {
	switch w.c {
	case Gzip:
		return w.gzip.Write(p)
	case Zstd:
		return w.zstd.Write(p)
	case None:
		return w.out.Write(p)
	}
	n := len(p)
	size := w.blockSize()
	for len(p) > 0 {
		if len(w.block) == 0 && len(p) >= size {
			if err := w.flush(p[:size]); err != nil {
				return 0, err
			}
			p = p[size:]
			continue
		}
		w.block = slices.Grow(w.block, size-len(w.block))
		part := p[:min(len(p), size-len(w.block))]
		w.block = append(w.block, part...)
		p = p[len(part):]
		if len(w.block) == size {
			if err := w.flush(w.block); err != nil {
				return 0, err
			}
			w.block = w.block[:0]
		}
	}
	return n, nil
}

func (w *Writer) blockSize() int {
	if w.c == LZ4 {
		return lz4BlockSize
	}
	return xerialBlockSize
}

func (w *Writer) flush(block []byte) (err error) {
	if w.c == LZ4 {
		w.out.b, err = w.lz4.append(w.out.b, block)
		return err
	}
	w.out.b = appendXerialBlock(w.out.b, block)
	return nil
}

// Close writes what was kept and returns dst with everything appended. The writer cannot be used any more.
func (w *Writer) Close() (out []byte, err error) {
	switch w.c {
	case Gzip:
		err = w.gzip.Close()
		putGzipWriter(w.gzip, w.level)
	case Zstd:
		err = w.zstd.Close()
		w.zstd.Reset(nil)
		zstdStreamEncoders[zstdSpeed(w.level)].Put(w.zstd)
	case Snappy, LZ4:
		if len(w.block) > 0 {
			err = w.flush(w.block)
		}
		if w.c == LZ4 {
			w.lz4.put()
			w.out.b = append(w.out.b, 0, 0, 0, 0)
		}
	}
	out = w.out.b
	*w = Writer{}
	return out, err
}

// zstdStreamEncoders are apart from those for content in memory, because they hold a window besides.
var zstdStreamEncoders [int(zstd.SpeedBestCompression) + 1]sync.Pool

// appendXerialBlock appends one block of at most xerialBlockSize bytes behind its length.
func appendXerialBlock(dst, block []byte) []byte {
	dst = slices.Grow(dst, 4+snappy.MaxEncodedLen(len(block)))
	at := len(dst) + 4
	n := len(snappy.Encode(dst[at:cap(dst)], block))
	return append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))[:at+n]
}
