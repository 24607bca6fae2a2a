package vfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// maxIovecs is the kernel's limit (UIO_MAXIOV) for one gathered write.
const maxIovecs = 1024

// WriteVAt writes all buffers with one pwritev for each 1,024 of them. A short write happens on a
// full disk or after a signal: it is continued, and the next call tells what is wrong.
func (f *osFile) WriteVAt(bufs [][]byte, off int64) (int, error) {
	fd := int(f.f.Fd())
	total := 0
	for len(bufs) > 0 {
		n, err := writeSome(fd, bufs[:min(len(bufs), maxIovecs)], off+int64(total))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return total, &os.PathError{Op: "pwritev", Path: f.f.Name(), Err: err}
		}
		total += n
		whole, rest := skip(bufs, n)
		bufs = bufs[whole:]
		if rest == 0 {
			if n == 0 && len(bufs) > 0 {
				return total, &os.PathError{Op: "pwritev", Path: f.f.Name(), Err: io.ErrShortWrite}
			}
			continue
		}
		// Finish the buffer that was cut by itself: the caller's slice of buffers stays untouched.
		m, err := f.f.WriteAt(bufs[0][rest:], off+int64(total))
		total += m
		if err != nil {
			return total, err
		}
		bufs = bufs[1:]
	}
	return total, nil
}

func writeSome(fd int, bufs [][]byte, off int64) (int, error) {
	if len(bufs) == 1 {
		return unix.Pwrite(fd, bufs[0], off)
	}
	return unix.Pwritev(fd, bufs, off)
}

// skip says how many whole buffers n bytes cover, and how many bytes of the next one.
func skip(bufs [][]byte, n int) (whole, rest int) {
	for whole < len(bufs) && n >= len(bufs[whole]) {
		n -= len(bufs[whole])
		whole++
	}
	return whole, n
}

func (f *osFile) Allocate(off, n int64) error {
	return unix.Fallocate(int(f.f.Fd()), unix.FALLOC_FL_KEEP_SIZE, off, n)
}

func (f *osFile) SyncData() error {
	for {
		err := unix.Fdatasync(int(f.f.Fd()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return &os.PathError{Op: "fdatasync", Path: f.f.Name(), Err: err}
		}
		return nil
	}
}

func (s *osSyncer) SyncFS() error {
	if err := unix.Syncfs(int(s.dir.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: s.dir.Name(), Err: err}
	}
	return nil
}
