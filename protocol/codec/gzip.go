package codec

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipLevels is one more than the highest level, so that each level has its own pool: a writer cannot change its level.
const gzipLevels = gzip.BestCompression + 1

var (
	gzipWriters [gzipLevels]sync.Pool
	gzipReaders sync.Pool
)

// gzipReader is pooled together with the reader it reads from, so that a decompression allocates neither.
type gzipReader struct {
	src bytes.Reader
	zr  gzip.Reader
}

// sliceWriter appends what is written to it.
type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// gzipLevel is the level that is used for one that was asked for.
func gzipLevel(level int) int {
	if level < gzip.BestSpeed || level > gzip.BestCompression {
		return 6 // what zlib, and so Java, takes for its default of -1
	}
	return level
}

func getGzipWriter(level int) (*gzip.Writer, error) {
	level = gzipLevel(level)
	if zw, ok := gzipWriters[level].Get().(*gzip.Writer); ok {
		return zw, nil
	}
	return gzip.NewWriterLevel(nil, level)
}

func putGzipWriter(zw *gzip.Writer, level int) {
	zw.Reset(nil)
	gzipWriters[gzipLevel(level)].Put(zw)
}

func compressGzip(dst, src []byte, level int) ([]byte, error) {
	zw, err := getGzipWriter(level)
	if err != nil {
		return dst, err
	}
	out := &sliceWriter{b: dst}
	zw.Reset(out)
	_, err = zw.Write(src)
	if cerr := zw.Close(); err == nil {
		err = cerr
	}
	putGzipWriter(zw, level)
	if err != nil {
		return dst, err
	}
	return out.b, nil
}

func decompressGzip(dst, src []byte, limit int) ([]byte, error) {
	r, ok := gzipReaders.Get().(*gzipReader)
	if !ok {
		r = new(gzipReader)
	}
	r.src.Reset(src)
	out, err := r.readAll(dst, limit, len(src))
	r.src.Reset(nil)
	gzipReaders.Put(r)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// readAll appends everything to dst. Memory grows with what was really decoded, never with what the input claims.
func (r *gzipReader) readAll(dst []byte, limit, srcLen int) ([]byte, error) {
	if err := r.zr.Reset(&r.src); err != nil {
		return dst, corrupt("gzip: %v", err)
	}
	start := len(dst)
	dst = room(dst, min(limit, 2*srcLen)+1)
	for {
		// One byte more than allowed is asked for, so that the end of the data at exactly the limit is seen as an end.
		free := dst[len(dst):cap(dst)]
		if most := limit - (len(dst) - start) + 1; len(free) > most {
			free = free[:most]
		}
		n, err := r.zr.Read(free)
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return dst, ErrTooLarge
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, corrupt("gzip: %v", err)
		}
		if len(dst) == cap(dst) {
			dst = room(dst, max(512, min(len(dst)-start, limit-(len(dst)-start)+1)))
		}
	}
}
