package decode

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecoders: any key and value give text or an error, and what is JSON is JSON.
func FuzzDecoders(f *testing.F) {
	f.Add([]byte{0, 1, 0, 1, 'g', 0, 1, 't', 0, 0, 0, 0}, []byte{0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte(nil), []byte{1, 2, 0, 2, 'a'})
	f.Add([]byte{0, 0, 0, 1, 't'}, []byte{0, 1})
	f.Add([]byte{0xe0, 0x80, 0xed, 0xa0, 0x80, 0xf4, 0x90}, []byte{0xf0, 0x9f, 0x98})
	if b, err := os.ReadFile("testdata/kafka-4.4.0.tsv"); err == nil {
		for i, line := range strings.Split(string(b), "\n") {
			if cells := strings.Split(line, "\t"); i%20 == 0 && len(cells) == 4 {
				raw, _ := hex.DecodeString(cells[2])
				f.Add(append([]byte{0, byte(i)}, raw...), append([]byte{0, 0}, raw...))
			}
		}
	}
	decoders := []Decoder{Offsets(), Transactions(), ShareState(), Metadata()}
	control := Control()
	f.Fuzz(func(t *testing.T, key, value []byte) {
		for _, d := range decoders {
			k, v := d(7, key, value)
			for _, text := range [][]byte{k, v} {
				if len(text) > 0 && text[0] == '{' && !json.Valid(text) {
					t.Fatalf("not JSON: %q", text)
				}
			}
		}
		for kind := range int16(9) {
			_, _ = control(kind, value)
		}
		if k, _ := Text(0, key, value); !utf8.Valid(k) {
			t.Fatalf("%q is not UTF-8", k)
		}
	})
}
