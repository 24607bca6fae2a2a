package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/sordini/sordini/storage/vfs"
)

// The quorum-state file keeps what Raft must never forget: the term, whom this node voted for in it, and who the
// voters are. It is small and rewritten as a whole, so that a crash leaves the old or the new one.
//
//	offset size
//	0      4    magic "SRQS"
//	4      2    format, 0
//	6      2    number of voters, 1 to 64
//	8      4    node id
//	12     4    node id that got the vote, -1: none
//	16     8    term
//	24     8    commit index when the file was written; a hint that may be old
//	32     4*n  node ids of the voters, rising
//	32+4*n 4    CRC-32C of all bytes before
//
// All integers are big endian.
const (
	stateFile    = "quorum-state"
	stateMagic   = "SRQS"
	stateFormat  = 0
	stateFixed   = 32
	maxVoters    = 64
	maxStateSize = stateFixed + 4*maxVoters + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// hardState is the content of the file.
type hardState struct {
	nodeID int32
	vote   int32
	term   uint64
	commit uint64
	voters []int32
}

func (s *hardState) encode() []byte {
	b := make([]byte, 0, maxStateSize)
	b = append(b, stateMagic...)
	b = binary.BigEndian.AppendUint16(b, stateFormat)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.voters)))
	b = binary.BigEndian.AppendUint32(b, uint32(s.nodeID))
	b = binary.BigEndian.AppendUint32(b, uint32(s.vote))
	b = binary.BigEndian.AppendUint64(b, s.term)
	b = binary.BigEndian.AppendUint64(b, s.commit)
	for _, v := range s.voters {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeHardState(b []byte) (hardState, error) {
	var s hardState
	if len(b) < stateFixed+4 || string(b[:4]) != stateMagic {
		return s, fmt.Errorf("%w: not a quorum-state file (%d bytes)", ErrCorrupt, len(b))
	}
	if f := binary.BigEndian.Uint16(b[4:]); f != stateFormat {
		return s, fmt.Errorf("quorum-state has format %d, written by a newer version", f)
	}
	n := int(binary.BigEndian.Uint16(b[6:]))
	if n == 0 || n > maxVoters || len(b) != stateFixed+4*n+4 {
		return s, fmt.Errorf("%w: quorum-state of %d bytes with %d voters", ErrCorrupt, len(b), n)
	}
	sum := binary.BigEndian.Uint32(b[len(b)-4:])
	if got := crc32.Checksum(b[:len(b)-4], castagnoli); got != sum {
		return s, fmt.Errorf("%w: quorum-state has checksum %08x, its bytes say %08x", ErrCorrupt, sum, got)
	}
	s.nodeID = int32(binary.BigEndian.Uint32(b[8:]))
	s.vote = int32(binary.BigEndian.Uint32(b[12:]))
	s.term = binary.BigEndian.Uint64(b[16:])
	s.commit = binary.BigEndian.Uint64(b[24:])
	for i := range n {
		v := int32(binary.BigEndian.Uint32(b[stateFixed+4*i:]))
		if v < 0 || i > 0 && v <= s.voters[i-1] {
			return hardState{}, fmt.Errorf("%w: quorum-state with voter %d at %d", ErrCorrupt, v, i)
		}
		s.voters = append(s.voters, v)
	}
	if s.nodeID < 0 || s.vote < -1 {
		return hardState{}, fmt.Errorf("%w: quorum-state of node %d, vote %d", ErrCorrupt, s.nodeID, s.vote)
	}
	return s, nil
}

// readHardState returns nil if there is no file.
func readHardState(fs vfs.FS, dir string) (*hardState, error) {
	b, err := vfs.ReadFile(fs, fs.PathJoin(dir, stateFile), maxStateSize)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stateFile, err)
	}
	s, err := decodeHardState(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fs.PathJoin(dir, stateFile), err)
	}
	return &s, nil
}

func writeHardState(fs vfs.FS, dir string, s *hardState) error {
	if err := vfs.WriteFileAtomic(fs, fs.PathJoin(dir, stateFile), s.encode()); err != nil {
		return fmt.Errorf("write %s: %w", stateFile, err)
	}
	return nil
}
