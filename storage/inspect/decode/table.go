package decode

import (
	"fmt"
	"strconv"
	"strings"
)

// table is the messages of one topic, by name and version.
type table struct {
	messages map[string][]versions
	byType   map[int]string // "OffsetCommit" of OffsetCommitKey and OffsetCommitValue
}

type versions struct {
	from, to int
	schema   *schema
}

// mustTable compiles one of the constants of schemas.go.
func mustTable(text string) *table {
	t := &table{messages: map[string][]versions{}, byType: map[int]string{}}
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(parts) < 3 {
			continue
		}
		id, name, span := parts[0], parts[1], parts[2]
		from, to, ranged := strings.Cut(span, "-")
		if !ranged {
			to = from
		}
		v := versions{from: mustNumber(from), to: mustNumber(to)}
		v.schema = mustSchema(strings.Join(parts[3:], ""))
		t.messages[name] = append(t.messages[name], v)
		if id != "-" {
			t.byType[mustNumber(id)] = strings.TrimSuffix(strings.TrimSuffix(name, "Key"), "Value")
		}
	}
	return t
}

func mustNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(fmt.Sprintf("schema: %q is not a number", text))
	}
	return n
}

// find returns a version's schema; nil for one that is not known.
func (t *table) find(name string, version int) *schema {
	for _, v := range t.messages[name] {
		if version >= v.from && version <= v.to {
			return v.schema
		}
	}
	return nil
}
