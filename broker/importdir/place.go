package importdir

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// placed counts how segments came to the destination.
type placed struct {
	Shared, Linked, Copied int
	CopiedBytes            int64
}

// place makes to the same file as from: by sharing its blocks where the file system can (FICLONE: each side may write without the other
// seeing it), by a hard link where neither side will write, and by a copy else.
func (p *placed) place(from, to string, willWrite bool) error {
	switch err := share(from, to); {
	case err == nil:
		p.Shared++
		return nil
	case !errors.Is(err, errors.ErrUnsupported):
		return err
	}
	if !willWrite {
		if err := os.Link(from, to); err == nil {
			p.Linked++
			return nil
		}
	}
	n, err := copyFile(from, to)
	p.CopiedBytes += n
	p.Copied++
	return err
}

// share clones a file. Its error is errors.ErrUnsupported where the file system cannot.
func share(from, to string) error {
	src, dst, err := openBoth(from, to)
	if err != nil {
		return err
	}
	defer src.Close()
	err = unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err == nil {
		return nil
	}
	if rmErr := os.Remove(to); rmErr != nil {
		return rmErr
	}
	for _, no := range []error{unix.EOPNOTSUPP, unix.ENOTTY, unix.EXDEV, unix.EINVAL, unix.ENOSYS, unix.EPERM} {
		if errors.Is(err, no) {
			return errors.ErrUnsupported
		}
	}
	return fmt.Errorf("share %s: %w", from, err)
}

func copyFile(from, to string) (int64, error) {
	src, dst, err := openBoth(from, to)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	n, err := io.Copy(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return n, fmt.Errorf("copy %s: %w", from, err)
	}
	return n, nil
}

func openBoth(from, to string) (src, dst *os.File, err error) {
	if src, err = os.Open(from); err != nil {
		return nil, nil, err
	}
	if dst, err = os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
		src.Close()
		return nil, nil, err
	}
	return src, dst, nil
}
