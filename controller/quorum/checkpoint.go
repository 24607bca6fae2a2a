package quorum

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"os"

	"github.com/sordini/sordini/storage/vfs"
)

// The checkpoint file is a snapshot of the state machine: blocks of bytes that only the owner of the Node
// understands, and the entry up to which they go. It is written beside the old one and renamed.
//
//	header  0  4  magic "SRCP"
//	        4  2  format, 0
//	        6  2  number of voters, 1 to 64
//	        8  8  index of the last entry that is included
//	        16 8  its term
//	        24 4*n node ids of the voters, rising
//	        .. 4  CRC-32C of the header before
//	block   0  4  length of the content, 1 to 16 MiB
//	        4  4  CRC-32C of the content
//	        8  .. content
//	end     0  4  0
//	        4  4  number of blocks
//	        8  4  CRC-32C of these 8 bytes
//
// All integers are big endian. Bytes after the end are an error.
const (
	checkpointFile   = "checkpoint"
	checkpointMagic  = "SRCP"
	checkpointFormat = 0
	checkpointFixed  = 24
)

// MaxBlockBytes is the largest block of a checkpoint.
const MaxBlockBytes = 16 << 20

type checkpointHeader struct {
	index, term uint64
	voters      []int32
}

func (h *checkpointHeader) encode() []byte {
	b := append(make([]byte, 0, checkpointFixed+4*len(h.voters)+4), checkpointMagic...)
	b = binary.BigEndian.AppendUint16(b, checkpointFormat)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.voters)))
	b = binary.BigEndian.AppendUint64(b, h.index)
	b = binary.BigEndian.AppendUint64(b, h.term)
	for _, v := range h.voters {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// writeCheckpoint replaces the checkpoint such that a crash leaves the old or the new one. blocks may reuse the
// bytes it yields.
func writeCheckpoint(fs vfs.FS, dir string, h *checkpointHeader, blocks iter.Seq[[]byte]) error {
	path := fs.PathJoin(dir, checkpointFile)
	f, err := fs.Create(path+".tmp", "unspecified")
	if err != nil {
		return fmt.Errorf("create checkpoint: %w", err)
	}
	err = encodeCheckpoint(f, h, blocks)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = fs.Remove(path + ".tmp") // on a full disk its room is needed
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := fs.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("rename checkpoint: %w", err)
	}
	if err := fs.SyncDir(dir); err != nil {
		return fmt.Errorf("sync checkpoint: %w", err)
	}
	return nil
}

func encodeCheckpoint(f io.Writer, h *checkpointHeader, blocks iter.Seq[[]byte]) error {
	w := bufio.NewWriterSize(f, 64<<10)
	w.Write(h.encode()) // a bufio.Writer keeps its first error for Flush
	n := uint32(0)
	var head [12]byte
	for block := range blocks {
		if len(block) == 0 || len(block) > MaxBlockBytes || n == math.MaxUint32 {
			return fmt.Errorf("block %d of %d bytes", n, len(block))
		}
		binary.BigEndian.PutUint32(head[:], uint32(len(block)))
		binary.BigEndian.PutUint32(head[4:], crc32.Checksum(block, castagnoli))
		w.Write(head[:8])
		w.Write(block)
		n++
	}
	binary.BigEndian.PutUint32(head[:], 0)
	binary.BigEndian.PutUint32(head[4:], n)
	binary.BigEndian.PutUint32(head[8:], crc32.Checksum(head[:8], castagnoli))
	w.Write(head[:12])
	return w.Flush()
}

// readCheckpoint gives the blocks of the checkpoint to restore, in order. ok is false if there is no file.
// restore does not keep the bytes.
func readCheckpoint(fs vfs.FS, dir string, restore func(block []byte) error) (h checkpointHeader, ok bool, err error) {
	path := fs.PathJoin(dir, checkpointFile)
	f, err := fs.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return h, false, nil
	}
	if err != nil {
		return h, false, fmt.Errorf("open checkpoint: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return h, false, fmt.Errorf("open checkpoint: %w", err)
	}
	h, err = decodeCheckpoint(bufio.NewReaderSize(f, 64<<10), info.Size(), restore)
	if err != nil {
		return h, false, fmt.Errorf("%s: %w", path, err)
	}
	return h, true, nil
}

// decodeCheckpoint reads a checkpoint of size bytes. Nothing larger than what is left of size is allocated.
func decodeCheckpoint(r io.Reader, size int64, restore func([]byte) error) (h checkpointHeader, err error) {
	c := checkpointReader{r: r, left: size}
	h, err = c.header()
	if err != nil {
		return h, err
	}
	var block []byte
	for n := uint32(0); ; n++ {
		head, err := c.take(8, nil)
		if err != nil {
			return h, err
		}
		length, sum := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
		if length == 0 {
			return h, c.end(head, n)
		}
		if length > MaxBlockBytes {
			return h, c.corrupt("block of %d bytes", length)
		}
		if block, err = c.take(int(length), block); err != nil {
			return h, err
		}
		if got := crc32.Checksum(block, castagnoli); got != sum {
			return h, c.corrupt("block %d has checksum %08x, its bytes say %08x", n, sum, got)
		}
		if err := restore(block); err != nil {
			return h, fmt.Errorf("block %d before position %d: %w", n, size-c.left, err)
		}
	}
}

// checkpointReader reads and knows where it is.
type checkpointReader struct {
	r         io.Reader
	pos, left int64
}

func (c *checkpointReader) corrupt(format string, args ...any) error {
	return fmt.Errorf("%w at position %d: %s", ErrCorrupt, c.pos, fmt.Sprintf(format, args...))
}

// take reads n bytes, into buf if it is large enough.
func (c *checkpointReader) take(n int, buf []byte) ([]byte, error) {
	if int64(n) > c.left {
		return nil, c.corrupt("file ends %d bytes early", int64(n)-c.left)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(c.r, buf); err != nil {
		return nil, fmt.Errorf("read at position %d: %w", c.pos, err)
	}
	c.pos += int64(n)
	c.left -= int64(n)
	return buf, nil
}

func (c *checkpointReader) header() (h checkpointHeader, err error) {
	fixed, err := c.take(checkpointFixed, nil)
	if err != nil {
		return h, err
	}
	if string(fixed[:4]) != checkpointMagic {
		return h, c.corrupt("not a checkpoint")
	}
	if f := binary.BigEndian.Uint16(fixed[4:]); f != checkpointFormat {
		return h, fmt.Errorf("checkpoint has format %d, written by a newer version", f)
	}
	n := int(binary.BigEndian.Uint16(fixed[6:]))
	if n == 0 || n > maxVoters {
		return h, c.corrupt("%d voters", n)
	}
	rest, err := c.take(4*n+4, nil)
	if err != nil {
		return h, err
	}
	got := crc32.Update(crc32.Checksum(fixed, castagnoli), castagnoli, rest[:4*n])
	if sum := binary.BigEndian.Uint32(rest[4*n:]); sum != got {
		return h, c.corrupt("header has checksum %08x, its bytes say %08x", sum, got)
	}
	h.index, h.term = binary.BigEndian.Uint64(fixed[8:]), binary.BigEndian.Uint64(fixed[16:])
	for i := range n {
		v := int32(binary.BigEndian.Uint32(rest[4*i:]))
		if v < 0 || i > 0 && v <= h.voters[i-1] {
			return h, c.corrupt("voter %d", v)
		}
		h.voters = append(h.voters, v)
	}
	if h.index == 0 || h.index > math.MaxInt64 || h.term == 0 {
		return h, c.corrupt("index %d of term %d", h.index, h.term)
	}
	return h, nil
}

func (c *checkpointReader) end(head []byte, blocks uint32) error {
	sum, err := c.take(4, nil)
	if err != nil {
		return err
	}
	if got := crc32.Checksum(head, castagnoli); got != binary.BigEndian.Uint32(sum) {
		return c.corrupt("end has a wrong checksum")
	}
	if n := binary.BigEndian.Uint32(head[4:]); n != blocks || c.left != 0 {
		return c.corrupt("%d blocks instead of %d, %d bytes behind the end", blocks, n, c.left)
	}
	return nil
}
