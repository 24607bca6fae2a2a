package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

var (
	// ErrTorn says that the bytes end before the batch does. At the end of a fetched range or of a crashed log this is
	// ordinary; it is also the answer to no bytes at all.
	ErrTorn = errors.New("batch is torn")
	// ErrCorrupt says that the bytes cannot be a batch. Errors wrap it with what was found.
	ErrCorrupt = errors.New("batch is corrupt")
)

// Next cuts the first batch from b and returns it with the rest. It looks at the length and the magic only: the CRC is the
// caller's to check. ErrTorn means that more bytes are needed; ErrCorrupt that no bytes could help.
func Next(b []byte) (first Batch, rest []byte, err error) {
	size, err := size(b)
	if err != nil {
		return nil, b, err
	}
	if size > len(b) {
		return nil, b, ErrTorn
	}
	return Batch(b[:size:size]), b[size:], nil
}

// Size is the size of the batch that begins b, of which only LogOverhead bytes need to be there; with 17 bytes the magic is
// checked too. Errors are those of Next.
func Size(b []byte) (int, error) { return size(b) }

func size(b []byte) (int, error) {
	if len(b) < LogOverhead {
		return 0, ErrTorn
	}
	length := int32(binary.BigEndian.Uint32(b[posLength:]))
	if length < HeaderSize-LogOverhead || length > math.MaxInt32-LogOverhead {
		return 0, fmt.Errorf("%w: impossible length %d", ErrCorrupt, length)
	}
	if len(b) > posMagic && b[posMagic] != Magic {
		return 0, fmt.Errorf("%w: magic %d", ErrCorrupt, int8(b[posMagic]))
	}
	return LogOverhead + int(length), nil
}
