package legacy

import (
	"encoding/binary"
	"errors"
	"io"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// maxInnerBytes is how large a message inside a wrapper may be, if max.message.bytes is not larger: it is held in memory, where its
// checksum and its record are made. Kafka has no such limit.
const maxInnerBytes = 16 << 20

// innerSet cuts the messages out of a wrapper that is decompressed in pieces. It holds one piece, or one message and a piece.
type innerSet struct {
	up     *up
	stream *codec.Stream
	set    []byte // what was decompressed and not taken: the piece, or in buf
	buf    []byte
	inBuf  bool // set is the end of buf
	passed int
}

// next is the next message, good until the call after; nil after the last one.
func (in *innerSet) next() (message, *batch.Error) {
	for {
		m, rest, err := in.up.next(in.set)
		if err != nil {
			return nil, err
		}
		if m != nil {
			in.set = rest
			return m, nil
		}
		if err := in.room(); err != nil {
			return nil, err
		}
		in.hold()
		piece, serr := in.stream.Next()
		if errors.Is(serr, io.EOF) {
			if len(in.set) > 0 {
				// Kafka drops it. The checksum around it was right, so the producer means it to be there.
				return nil, in.up.rules.Refuse(kerr.InvalidRecord, "Found a torn message in a compressed record set")
			}
			return nil, nil
		}
		if serr != nil {
			return nil, in.up.rules.Refuse(kerr.InvalidRecord, "The records cannot be decompressed with %v: %v", in.up.codec, serr)
		}
		if in.passed += len(piece); in.passed > in.up.rules.DecompressLimit() {
			return nil, in.up.rules.Refuse(kerr.MessageTooLarge, "The records exceed %d bytes when decompressed", in.up.rules.DecompressLimit())
		}
		in.append(piece)
	}
}

// room checks the size of the message that is to be put together.
func (in *innerSet) room() *batch.Error {
	if len(in.set) < logOverhead {
		return nil
	}
	most := max(maxInnerBytes, in.up.rules.MaxMessageBytes)
	if size := int32(binary.BigEndian.Uint32(in.set[posSize:])); int(size) > most {
		return in.up.rules.Refuse(kerr.MessageTooLarge, "A message of %d bytes in a compressed record set exceeds %d", size, most)
	}
	return nil
}

// hold moves what is left out of the piece, which the stream is about to overwrite, or to the front of the buffer.
func (in *innerSet) hold() {
	if len(in.set) == 0 || in.inBuf && len(in.set) == len(in.buf) {
		return
	}
	in.buf = append(in.buf[:0], in.set...)
	in.set, in.inBuf = in.buf, true
}

// append puts a piece behind what is held. One that follows nothing is taken as it is.
func (in *innerSet) append(piece []byte) {
	if len(in.set) == 0 {
		in.set, in.inBuf = piece, false
		return
	}
	in.buf = append(in.buf, piece...)
	in.set = in.buf
}
