package protocol

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// seeded returns a source of randomness and prints its seed when the test fails.
func seeded(t testing.TB, seed uint64) *rand.Rand {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// fill sets everything that v points to, down to unknown tags, to random values. Nullable things are null at times.
func fill(r *rand.Rand, v reflect.Value) {
	if v.Type() == reflect.TypeFor[kmsg.Tags]() {
		fillTags(r, v.Addr().Interface().(*kmsg.Tags))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.SetZero()
		if r.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Version" {
				fill(r, v.Field(i))
			}
		}
	case reflect.Slice:
		fillSlice(r, v)
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.String:
		v.SetString(randomString(r))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()))
	case reflect.Uint8:
		v.SetUint(r.Uint64() & 0xff)
	default:
		panic(fmt.Sprintf("no filler for %v", v.Type()))
	}
}

func fillSlice(r *rand.Rand, v reflect.Value) {
	v.SetZero()
	n := r.IntN(5) - 1
	if n < 0 {
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 && r.IntN(3) == 0 {
		n = r.IntN(300)
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		fill(r, v.Index(i))
	}
}

func fillTags(r *rand.Rand, tags *kmsg.Tags) {
	*tags = kmsg.Tags{}
	if r.IntN(3) > 0 {
		return
	}
	for range r.IntN(4) {
		tags.Set(100+r.Uint32N(1000), []byte(randomString(r)))
	}
}

// randomString may be empty, long enough for a length of two varint bytes, and is not always UTF-8.
func randomString(r *rand.Rand) string {
	n := r.IntN(8)
	if r.IntN(10) == 0 {
		n = r.IntN(300)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// randomRequest returns a filled request of a version, and its encoded body.
func randomRequest(r *rand.Rand, key, version int16) (kmsg.Request, []byte) {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	fill(r, reflect.ValueOf(req).Elem())
	if fetch, ok := req.(*kmsg.FetchRequest); ok {
		onlyTagsOf(version, fetch)
	}
	return req, req.AppendTo(nil)
}

// onlyTagsOf takes out the tagged fields that this version does not have yet: kmsg would write them all the same.
func onlyTagsOf(version int16, fetch *kmsg.FetchRequest) {
	if version < 15 {
		fetch.ReplicaState.Default()
		fetch.ReplicaState.UnknownTags = kmsg.Tags{}
	}
	for t := range fetch.Topics {
		for p := range fetch.Topics[t].Partitions {
			p := &fetch.Topics[t].Partitions[p]
			if version < 17 {
				p.ReplicaDirectoryID = [16]byte{}
			}
			if version < 18 {
				p.HighWatermark = UnknownHighWatermark
			}
		}
	}
}

// decode reads a body the way the broker does after CheckShape.
func decode(key, version int16, body []byte) (kmsg.Request, error) {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	return req, req.ReadFrom(body)
}
