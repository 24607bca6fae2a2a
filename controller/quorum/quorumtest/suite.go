package quorumtest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sordini/sordini/controller/quorum"
)

// TestLog checks that a quorum.Log keeps what its interface says. open makes a new log; reopen, unless it is nil,
// closes the log and opens it again from what is durable.
func TestLog(t *testing.T, open func(t *testing.T) quorum.Log, reopen func(t *testing.T, l quorum.Log) quorum.Log) {
	if reopen == nil {
		reopen = func(_ *testing.T, l quorum.Log) quorum.Log { return l }
	}
	t.Run("a new log is empty", func(t *testing.T) {
		l := open(t)
		want(t, l, 1, 0)
		l = reopen(t, l)
		want(t, l, 1, 0)
	})
	t.Run("entries come back with their terms", func(t *testing.T) {
		l := open(t)
		must(t, l.Append(entries(1, 3, 1)))
		must(t, l.Append(append(entries(4, 2, 2), entries(6, 1, 5)...)))
		for range 2 {
			want(t, l, 1, 6)
			check(t, l, 1, 7)
			l = reopen(t, l)
		}
	})
	t.Run("reading keeps to its bounds", func(t *testing.T) {
		l := open(t)
		must(t, l.Append(entries(1, 10, 1)))
		for _, maxBytes := range []int{0, 1, 1 << 20} {
			got, err := l.Entries(3, 6, maxBytes)
			must(t, err)
			if len(got) == 0 || len(got) > 3 || maxBytes == 1<<20 && len(got) != 3 || maxBytes < 2 && len(got) != 1 {
				t.Errorf("%d entries for %d bytes", len(got), maxBytes)
			}
		}
	})
	t.Run("truncation removes the tail", func(t *testing.T) {
		l := open(t)
		must(t, l.Append(entries(1, 6, 1)))
		must(t, l.Truncate(4))
		want(t, l, 1, 3)
		l = reopen(t, l)
		must(t, l.Append(entries(4, 2, 3)))
		l = reopen(t, l)
		want(t, l, 1, 5)
		if term, err := l.Term(4); err != nil || term != 3 {
			t.Errorf("term %d, %v", term, err)
		}
	})
	t.Run("compaction keeps what comes after", func(t *testing.T) {
		l := open(t)
		must(t, l.Append(entries(1, 6, 1)))
		must(t, l.Compact(5))
		for range 2 {
			if l.FirstIndex() > 5 || l.LastIndex() != 6 {
				t.Fatalf("log from %d to %d", l.FirstIndex(), l.LastIndex())
			}
			check(t, l, 5, 7)
			l = reopen(t, l)
		}
		must(t, l.Compact(7))
		must(t, l.Append(entries(7, 1, 9)))
		l = reopen(t, l)
		check(t, l, 7, 8)
	})
}

// entries makes n entries from first on whose data says where they belong.
func entries(first uint64, n int, term uint64) (out []quorum.Entry) {
	for i := range uint64(n) {
		out = append(out, quorum.Entry{Index: first + i, Term: term, Data: data(first + i)})
	}
	return out
}

func data(index uint64) []byte { return fmt.Appendf(nil, "%d is the index", index) }

func check(t *testing.T, l quorum.Log, lo, hi uint64) {
	t.Helper()
	for at := lo; at < hi; {
		got, err := l.Entries(at, hi, 1<<20)
		must(t, err)
		if len(got) == 0 {
			t.Fatalf("no entry at %d", at)
		}
		for _, e := range got {
			term, err := l.Term(at)
			must(t, err)
			if e.Index != at || e.Term != term || !bytes.Equal(e.Data, data(at)) {
				t.Fatalf("entry %d at %d has term %d and %d, data %q", e.Index, at, e.Term, term, e.Data)
			}
			at++
		}
	}
}

func want(t *testing.T, l quorum.Log, first, last uint64) {
	t.Helper()
	if l.FirstIndex() != first || l.LastIndex() != last {
		t.Fatalf("log from %d to %d, want %d to %d", l.FirstIndex(), l.LastIndex(), first, last)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
