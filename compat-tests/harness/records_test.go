package harness

import (
	"slices"
	"strings"
	"testing"
)

var everything = Features{Headers: true, Timestamps: true, Nulls: true, Binary: true}

// readBack is what a broker without fault returns for the records.
func readBack(sent []Record) []Record {
	got := slices.Clone(sent)
	for i := range got {
		got[i].Offset = int64(i)
	}
	return got
}

func TestDifferenceSeesEveryField(t *testing.T) {
	sent := MakeRecords(everything, 2, 60)
	if d := Difference(sent, readBack(sent), 0, everything); d != "" {
		t.Fatalf("equal records differ: %s", d)
	}
	damages := map[string]func([]Record) []Record{
		"partition": func(r []Record) []Record { r[7].Partition = 1; return r },
		"offset":    func(r []Record) []Record { r[7].Offset++; return r },
		"key":       func(r []Record) []Record { r[1].Key = []byte{}; return r }, // was null
		"value":     func(r []Record) []Record { r[3].Value = []byte{}; return r },
		"timestamp": func(r []Record) []Record { r[9].Timestamp++; return r },
		"headers":   func(r []Record) []Record { r[5].Headers = slices.Clone(r[5].Headers[:2]); return r },
		"59 rec":    func(r []Record) []Record { return r[:59] },
		"61 rec":    func(r []Record) []Record { return append(r, Record{Offset: 60}) },
	}
	for field, damage := range damages {
		d := Difference(sent, damage(readBack(sent)), 0, everything)
		if !strings.Contains(d, field) {
			t.Errorf("damaged %s: told %q", field, d)
		}
	}
}

func TestDifferenceOverlooksWhatTheReaderCannotSee(t *testing.T) {
	sent := MakeRecords(everything, 0, 60)
	got := readBack(sent)
	for i := range got {
		got[i].Headers = nil
		if got[i].Key == nil {
			got[i].Key = []byte{}
		}
		if got[i].Value == nil {
			got[i].Value = []byte{}
		}
	}
	if d := Difference(sent, got, 0, Features{}); d != "" {
		t.Errorf("a reader without headers and nulls: %s", d)
	}
}

func TestTallySeesDoubledAndChangedRecords(t *testing.T) {
	s := newTally("t")
	s.add([]Record{{Offset: 4, Value: []byte("1")}, {Offset: 5, Value: []byte("2")}})
	s.add([]Record{{Offset: 5, Value: []byte("2")}, {Offset: 4, Value: []byte("9")}, {Offset: 6, Value: []byte("x")}})
	if len(s.values) != 2 || len(s.doubled) != 2 || len(s.wrong) != 2 {
		t.Errorf("values %v, doubled %v, wrong %v", s.values, s.doubled, s.wrong)
	}
	if n := missing([]int{1, 2, 3}, s.values); n != 1 {
		t.Errorf("%d missing, want 1", n)
	}
}
