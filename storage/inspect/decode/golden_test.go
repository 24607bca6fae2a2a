package decode

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
)

// testdata/kafka-4.4.0.tsv was written by Kafka's own generated classes: a message of every type and version with every field filled, and one
// with defaults; its name, version, bytes in hex, and the JSON of its JsonConverter.
func TestEveryMessageIsTheJSONOfKafka(t *testing.T) {
	b, err := os.ReadFile("testdata/kafka-4.4.0.tsv")
	if err != nil {
		t.Fatal(err)
	}
	tables := []*table{mustTable(groupSchemas), mustTable(transactionSchemas), mustTable(shareSchemas), mustTable(metadataSchemas), mustTable(clientSchemas)}
	seen := 0
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		version, err := strconv.Atoi(cells[1])
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(cells[2])
		if err != nil {
			t.Fatal(err)
		}
		var s *schema
		for _, table := range tables {
			if found := table.find(cells[0], version); found != nil {
				s = found
			}
		}
		if s == nil {
			t.Errorf("no schema of %s v%d", cells[0], version)
			continue
		}
		rest, got, err := s.decode(nil, raw)
		if err != nil || len(rest) > 0 || string(got) != cells[3] {
			t.Errorf("%s v%d: %v, %d bytes left\n got %s\nwant %s", cells[0], version, err, len(rest), got, cells[3])
		}
		for n := range raw {
			if _, _, err := s.decode(nil, raw[:n]); err == nil {
				t.Errorf("%s v%d: the first %d of %d bytes decode", cells[0], version, n, len(raw))
			}
		}
		seen++
	}
	if seen < 200 {
		t.Errorf("%d messages: the file is not whole", seen)
	}
}
