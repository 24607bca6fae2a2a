package inspect

import (
	"errors"
	"fmt"
	"io"
)

// window reads a file through one buffer. What it returns is valid until the next call.
type window struct {
	file io.ReaderAt
	size int64 // of the file when it was opened; nothing is read beyond
	step int   // how much is read at a time

	buf  []byte
	at   int64 // where buf[:have] lies in the file
	have int
}

// errShort: the file has become shorter since it was opened.
var errShort = errors.New("the file is shorter than when it was opened; it is being changed")

// bytes returns n bytes at pos, which the caller has compared with the size and with a limit.
func (w *window) bytes(pos int64, n int) ([]byte, error) {
	if pos < 0 || n < 0 || pos > w.size || int64(n) > w.size-pos {
		return nil, fmt.Errorf("read %d bytes at %d of a file of %d: %w", n, pos, w.size, errShort)
	}
	if pos >= w.at && pos+int64(n) <= w.at+int64(w.have) {
		i := int(pos - w.at)
		return w.buf[i : i+n : i+n], nil
	}
	if n > len(w.buf) {
		grown := make([]byte, max(n, int(min(w.size-pos, int64(w.step)))))
		w.keep(grown, pos)
		w.buf = grown
	} else {
		w.keep(w.buf, pos)
	}
	want := int(min(int64(len(w.buf)), w.size-pos))
	got, err := w.file.ReadAt(w.buf[w.have:want], pos+int64(w.have))
	w.have += got
	if w.have >= n {
		return w.buf[:n:n], nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errShort
	}
	return nil, fmt.Errorf("read at %d: %w", pos+int64(w.have), err)
}

// keep moves what is there of pos and after to the beginning of a buffer.
func (w *window) keep(to []byte, pos int64) {
	kept := 0
	if pos >= w.at && pos < w.at+int64(w.have) {
		kept = copy(to, w.buf[pos-w.at:w.have])
	}
	w.at, w.have = pos, kept
}

// peek returns at most n bytes at pos: fewer at the end of the file.
func (w *window) peek(pos int64, n int) ([]byte, error) {
	return w.bytes(pos, int(max(0, min(int64(n), w.size-pos))))
}
