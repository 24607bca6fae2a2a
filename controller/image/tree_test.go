package image

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTreeAgreesWithAMap(t *testing.T) {
	const seed = 1
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	type version struct {
		tree tree[int, int]
		want map[int]int
	}
	versions := []version{{want: map[int]int{}}}
	for i := range 3000 {
		// Given some earlier version, when one key is put or removed,
		v := versions[rng.IntN(len(versions))]
		want := maps.Clone(v.want)
		key := rng.IntN(200)
		if rng.IntN(3) > 0 {
			v.tree = v.tree.put(cmp.Compare[int], key, i)
			want[key] = i
		} else {
			v.tree = v.tree.remove(cmp.Compare[int], key)
			delete(want, key)
		}
		versions = append(versions, version{v.tree, want})
	}
	// then every version still has what it had, in order and in balance.
	for i, v := range versions {
		got := map[int]int{}
		last := -1
		for k, value := range v.tree.all() {
			if k <= last {
				t.Fatalf("version %d: key %d after %d", i, k, last)
			}
			last = k
			got[k] = value
		}
		if !maps.Equal(got, v.want) || v.tree.size != len(v.want) {
			t.Fatalf("version %d: %v with size %d, want %v", i, got, v.tree.size, v.want)
		}
		checkBalance(t, v.tree.root)
	}
}

func checkBalance[K, V any](t *testing.T, n *node[K, V]) int8 {
	if n == nil {
		return 0
	}
	l, r := checkBalance(t, n.left), checkBalance(t, n.right)
	if d := l - r; d < -1 || d > 1 || n.height != 1+max(l, r) {
		t.Fatalf("node %v: heights %d and %d, says %d", n.key, l, r, n.height)
	}
	return n.height
}

func TestTreeWalkStops(t *testing.T) {
	var tr tree[int, int]
	for i := range 100 {
		tr = tr.put(cmp.Compare[int], i, i)
	}
	var got []int
	for k := range tr.all() {
		if k == 5 {
			break
		}
		got = append(got, k)
	}
	if !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Fatal(got)
	}
}
