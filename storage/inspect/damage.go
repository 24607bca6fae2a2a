package inspect

import (
	"fmt"
	"path/filepath"
)

// Kind says what sort of thing a Finding is.
type Kind string

// The kinds. TornTail and Note are no damage: a crash leaves torn tails, and a broker cuts them when it starts.
const (
	Corrupt  Kind = "corrupt"   // bytes that are no batch, or a batch whose checksum is wrong
	Order    Kind = "order"     // offsets that go back, or lie outside of the segment
	Records  Kind = "records"   // a batch with a right checksum whose records cannot be read
	Metadata Kind = "metadata"  // meta.properties or partition.metadata
	TornTail Kind = "torn-tail" // the end of the last segment
	Note     Kind = "note"      // worth knowing
)

// Damage says whether the kind is one.
func (k Kind) Damage() bool { return k != TornTail && k != Note }

// Finding is what verification has to say about one place.
type Finding struct {
	Kind Kind
	Dir  string
	File string // base name; empty: about the directory
	// Position and Bytes are -1 when it is about the whole file. Offsets are -1 when they are not known; ToOffset is inclusive.
	Position, Bytes      int64
	FromOffset, ToOffset int64
	Reason               string
}

func (f Finding) String() string {
	where := filepath.Join(f.Dir, f.File)
	if f.Position >= 0 {
		where += fmt.Sprintf(" at %d", f.Position)
	}
	return fmt.Sprintf("%s: %s: %s", where, f.Kind, f.Reason)
}

// about is a finding that concerns a file or directory as a whole.
func about(kind Kind, dir, file, format string, args ...any) Finding {
	return Finding{Kind: kind, Dir: dir, File: file, Position: -1, Bytes: -1, FromOffset: -1, ToOffset: -1, Reason: fmt.Sprintf(format, args...)}
}
