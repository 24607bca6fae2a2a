package protocol

import "encoding/binary"

// The primitive encodings of Kafka's protocol. "Flexible" is the compact form of KIP-482: lengths are unsigned varints,
// one higher than the length, so that 0 can stand for null.

// NodeEndpoint is where a broker can be reached: Produce 10+ and Fetch 16+ carry those of the new leaders that their
// partitions name (KIP-951).
type NodeEndpoint struct {
	NodeID int32
	Host   string
	Port   int32
	Rack   string // "" is encoded as null
}

// CurrentLeader is the leader that a partition of a Produce 10+ or Fetch 12+ response names beside
// NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH (KIP-951). It is sent only when Set.
type CurrentLeader struct {
	Set         bool
	LeaderID    int32
	LeaderEpoch int32
}

func appendInt16(dst []byte, v int16) []byte { return binary.BigEndian.AppendUint16(dst, uint16(v)) }
func appendInt32(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }
func appendInt64(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

func appendUvarint(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

func uvarintLen(v uint32) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

func appendString(dst []byte, s string, flexible bool) []byte {
	if flexible {
		dst = appendUvarint(dst, uint32(len(s))+1)
		return append(dst, s...)
	}
	dst = appendInt16(dst, int16(len(s)))
	return append(dst, s...)
}

// appendStringOrNull encodes "" as null.
func appendStringOrNull(dst []byte, s string, flexible bool) []byte {
	if s != "" {
		return appendString(dst, s, flexible)
	}
	if flexible {
		return append(dst, 0)
	}
	return append(dst, 0xff, 0xff)
}

// appendLen encodes the length of an array or of bytes; -1 is null.
func appendLen(dst []byte, n int, flexible bool) []byte {
	if flexible {
		return appendUvarint(dst, uint32(n+1))
	}
	return appendInt32(dst, int32(n))
}

// appendNoTags ends a structure that has no tagged fields to send.
func appendNoTags(dst []byte, flexible bool) []byte {
	if flexible {
		return append(dst, 0)
	}
	return dst
}

// appendCurrentLeader encodes l as the tagged field `tag`. Its size is fixed: two int32 and an empty tag section.
func appendCurrentLeader(dst []byte, tag byte, l CurrentLeader) []byte {
	dst = append(dst, tag, 9)
	dst = appendInt32(dst, l.LeaderID)
	dst = appendInt32(dst, l.LeaderEpoch)
	return append(dst, 0)
}

// appendNodeEndpoints encodes a whole tag section that holds the node endpoints as tag 0, or nothing if there are none.
func appendNodeEndpoints(dst []byte, nodes []NodeEndpoint) []byte {
	if len(nodes) == 0 {
		return append(dst, 0)
	}
	size := uvarintLen(uint32(len(nodes)) + 1)
	for i := range nodes {
		n := &nodes[i]
		size += 4 + uvarintLen(uint32(len(n.Host))+1) + len(n.Host) + 4 + uvarintLen(uint32(len(n.Rack))+1) + len(n.Rack) + 1
	}
	dst = append(dst, 1, 0)
	dst = appendUvarint(dst, uint32(size))
	dst = appendLen(dst, len(nodes), true)
	for i := range nodes {
		n := &nodes[i]
		dst = appendInt32(dst, n.NodeID)
		dst = appendString(dst, n.Host, true)
		dst = appendInt32(dst, n.Port)
		dst = appendStringOrNull(dst, n.Rack, true)
		dst = append(dst, 0)
	}
	return dst
}
