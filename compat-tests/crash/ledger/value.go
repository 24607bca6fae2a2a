package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Every record has a number, unique in the run, and its number says all about it: partition, key and value. So the reader
// needs no list of what was sent to see a changed byte.

func PartitionOf(n int, partitions int32) int32 { return int32(n % int(partitions)) }

func KeyOf(n int) []byte { return fmt.Appendf(nil, "key-%d", n%97) }

// ValueOf is the number, a space, and noise seeded by the number: mostly a few hundred bytes, now and then tens of kilobytes,
// so that batches end at all kinds of places.
func ValueOf(n int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(n), 0xc4a54))
	size := 20 + rnd.IntN(400)
	if n%251 == 0 {
		size = 10_000 + rnd.IntN(50_000)
	}
	value := append(strconv.AppendInt(nil, int64(n), 10), ' ')
	for len(value) < size {
		word := rnd.Uint64()
		for range 8 {
			value = append(value, byte(word))
			word >>= 8
		}
	}
	return value
}

func NumberOf(value []byte) (int, bool) {
	digits, _, ok := bytes.Cut(value, []byte(" "))
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(digits))
	return n, err == nil && n >= 0
}
