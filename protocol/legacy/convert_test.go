package legacy

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/protocol/codec"
)

// What Kafka 3.9.1 stored for a message set is what we store: sent-up is the set, kafka-up the batch it became.
func TestUpConvertsAsKafka(t *testing.T) {
	for c := codec.None; c <= codec.LZ4; c++ {
		for magic := range 2 {
			name := fmt.Sprintf("%v-magic%d", c, magic)
			ours, kafka := batch.Batch(mustUp(t, vector(t, "sent-up-"+name))), batch.Batch(vector(t, "kafka-up-"+name))
			if !reflect.DeepEqual(stored(t, ours), stored(t, kafka)) {
				t.Errorf("%s: %v\nKafka %v", name, stored(t, ours), stored(t, kafka))
			}
			if !bytes.Equal(ours[21:61], kafka[21:61]) {
				t.Errorf("%s: header % x\nKafka % x", name, ours[21:61], kafka[21:61])
			}
			if c == codec.None && !bytes.Equal(ours[16:], kafka[16:]) {
				t.Errorf("%s: without compression every byte is the same", name)
			}
		}
	}
}

// What Kafka 3.9.1 gave old clients for the batches in kafka-stored is what we give. Kafka cut its answers at the size of
// the stored bytes, so its messages are the first of ours.
func TestDownConvertsAsKafka(t *testing.T) {
	for c := codec.None; c <= codec.LZ4; c++ {
		for magic := range int8(2) {
			for _, suffix := range []string{"", "-appendtime"} {
				name := fmt.Sprintf("%v-magic%d%s", c, magic, suffix)
				kafka := vector(t, "kafka-down-"+name)
				ours := mustDown(t, vector(t, fmt.Sprintf("kafka-stored-%v%s", c, suffix)), magic, 0, limit)
				if c == codec.None {
					if !bytes.HasPrefix(ours, kafka) {
						t.Errorf("%s: without compression every byte is the same", name)
					}
					continue
				}
				ourTop := top(t, ours)
				for i, k := range top(t, kafka) {
					o := ourTop[i]
					if !bytes.Equal(unwrap(t, o), unwrap(t, k)) {
						t.Errorf("%s: wrapper %d: %v\nKafka %v", name, i, top(t, unwrap(t, o)), top(t, unwrap(t, k)))
					}
					if o.Offset != k.Offset || o.Attributes != k.Attributes || o.Timestamp != k.Timestamp || o.Key != nil {
						t.Errorf("%s: wrapper %d: %+v\nKafka %+v", name, i, o, k)
					}
				}
			}
		}
	}
}

// Down and up again, for every codec and format, over many random sets: nothing is lost but what the old format lacks.
func TestRoundTrip(t *testing.T) {
	const seed = 3
	rnd := rand.New(rand.NewPCG(seed, 0))
	for round := range 200 {
		c, magic := codec.Codec(round%4), int8(round/4%2)
		base := rnd.Int64N(1 << 40)
		src := randomBatch(t, rnd, batch.Options{Codec: c, BaseOffset: base}, 1+rnd.IntN(60))
		want := stored(t, src)
		if magic == 0 {
			want = without(want)
		}
		set := mustDown(t, src, magic, base, limit)
		if m, ok := Magic(set); !ok || m != magic {
			t.Fatal(m, ok)
		}
		if got := consume(t, set); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d round %d, %v to magic %d:\n%v\n%v", seed, round, c, magic, got, want)
		}
		up := batch.Batch(mustUp(t, set))
		if up.Codec() != c || up.BaseOffset() != 0 || int(up.Count()) != len(want) || up.HasProducerID() {
			t.Fatalf("seed %d round %d: codec %v", seed, round, up.Codec())
		}
		for i := range want {
			want[i].offset = int64(i)
		}
		if got := stored(t, up); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d round %d, %v from magic %d:\n%v\n%v", seed, round, c, magic, got, want)
		}
		// The result needs no second check: it is one that Validate takes as it is.
		before := bytes.Clone(up)
		if _, err := batch.Validate(up, openRules()); err != nil || !bytes.Equal(up, before) {
			t.Fatalf("seed %d round %d: %v", seed, round, err)
		}
	}
}
