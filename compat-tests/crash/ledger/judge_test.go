package ledger

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// page is a good crash of one partition: records 0 to 5 were judged before, 6 to 9 acknowledged since, 10 and 11 sent, of which
// 10 arrived.
func page(topic Topic) (*Ledger, *Found) {
	topic.Name, topic.Partitions = "t", 1
	l, f := New(topic), &Found{}
	add := func(n int) {
		f.Records = append(f.Records, Record{Offset: f.End, Key: KeyOf(n), Value: ValueOf(n)})
		f.End++
	}
	for n := range 6 {
		l.Send()
		add(n)
		l.Acked(n, Place{Offset: int64(n), At: time.UnixMilli(0)})
	}
	l.Judge(0, Crash{}, &Found{End: f.End, Records: slices.Clone(f.Records)})
	for n := 6; n < 12; n++ {
		l.Send()
		if n < 10 {
			l.Acked(n, Place{Offset: int64(n), At: time.UnixMilli(int64(n) * 1000)})
		}
		if n < 11 {
			add(n)
		}
	}
	return l, f
}

func cutTo(f *Found, end int64) { f.Records, f.End = f.Records[:end], end }

// A judge that never convicts is no judge: each kind of damage is done to a good log and must be named.
func TestJudgeNamesEachDamage(t *testing.T) {
	power, group, plain := Crash{At: time.UnixMilli(9500), PowerLoss: true}, Topic{Policy: "group"}, Topic{Policy: "os"}
	interval, trimmed := Topic{Policy: "interval", LostFor: 2 * time.Second}, Topic{Policy: "group", Trimmed: true}
	cases := []struct {
		name   string
		topic  Topic
		crash  Crash
		damage func(f *Found)
		want   string // "" for none
	}{
		{"none", group, power, func(*Found) {}, ""},
		{"what was not acknowledged may be gone", group, power, func(f *Found) { cutTo(f, 10) }, ""},
		{"acknowledged end lost", group, power, func(f *Found) { cutTo(f, 9) }, "record 9 is missing"},
		{"acknowledged end lost with the power, policy os", plain, power, func(f *Found) { cutTo(f, 7) }, ""},
		{"acknowledged end lost without, policy os", plain, Crash{}, func(f *Found) { cutTo(f, 7) }, "record 7 is missing"},
		{"young end lost, policy interval", interval, power, func(f *Found) { cutTo(f, 8) }, ""},
		{"old end lost, policy interval", interval, power, func(f *Found) { cutTo(f, 7) }, "was due on disk"},
		{"judged before and lost, policy os", plain, power, func(f *Found) { cutTo(f, 5) }, "ended at 6 when it was judged last"},
		{"hole, policy os", plain, power, func(f *Found) { f.Records = slices.Delete(f.Records, 7, 8) }, "a hole"},
		{"lost in the middle, the rest moved up", plain, power, func(f *Found) {
			f.Records = slices.Delete(f.Records, 7, 8)
			for i := 7; i < len(f.Records); i++ {
				f.Records[i].Offset--
			}
			f.End--
		}, "record 8 was acknowledged at 8 and is at 7"},
		{"another value at an acknowledged offset", plain, power, func(f *Found) {
			cutTo(f, 9)
			f.Records[8].Key, f.Records[8].Value = KeyOf(10), ValueOf(10)
		}, "record 8 is missing at 8"},
		{"a gap before what was not acknowledged", group, power, func(f *Found) {
			f.Records[10].Key, f.Records[10].Value = KeyOf(11), ValueOf(11)
		}, "record 10, sent before it, is not there"},
		{"changed byte", group, power, func(f *Found) { f.Records[3].Value = bytes.Clone(f.Records[3].Value); f.Records[3].Value[10] ^= 1 }, "record 3 at 3 is changed"},
		{"doubled", group, power, func(f *Found) {
			f.Records = append(f.Records, Record{11, KeyOf(10), ValueOf(10)})
			f.End++
		}, "record 10 is doubled"},
		{"never sent", group, power, func(f *Found) {
			f.Records = append(f.Records, Record{11, KeyOf(99), ValueOf(99)})
			f.End++
		}, "was never sent"},
		{"the end is shorter than what it holds", group, power, func(f *Found) { f.End = 12 }, "hold 11 records"},
		{"beginning lost", group, power, func(f *Found) { f.Start, f.Records = 2, f.Records[2:] }, "nothing deletes its beginning"},
		{"beginning trimmed", trimmed, power, func(f *Found) { f.Start, f.Records = 8, f.Records[8:] }, ""},
		{"end lost of a trimmed log", trimmed, power, func(f *Found) { f.Start, f.End, f.Records = 8, 9, f.Records[8:9] }, "record 9 is missing"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, f := page(c.topic)
			c.damage(f)
			got := strings.Join(l.Judge(0, c.crash, f).Faults, "\n")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("verdict %q, want %q", got, c.want)
			}
		})
	}
}

func TestJudgeOfCompactedLogs(t *testing.T) {
	const again = 97 // records n and n+97 have one key
	compacted := Topic{Name: "t", Partitions: 1, Policy: "group", Compacted: true}
	judge := func(keep ...int) string {
		l := New(compacted)
		for n := range again + 3 {
			l.Send()
			l.Acked(n, Place{Offset: int64(n)})
		}
		f := &Found{End: again + 3}
		for _, n := range keep {
			f.Records = append(f.Records, Record{int64(n), KeyOf(n), ValueOf(n)})
		}
		return strings.Join(l.Judge(0, Crash{}, f).Faults, "\n")
	}
	var last []int
	for n := 3; n < again+3; n++ {
		last = append(last, n)
	}
	if got := judge(last...); got != "" {
		t.Errorf("each key's last value is there, and the verdict is %q", got)
	}
	if got := judge(append([]int{1}, last...)...); got != "" {
		t.Errorf("an older value may stay, and the verdict is %q", got)
	}
	if got := judge(last[:len(last)-1]...); !strings.Contains(got, "has lost its last value") {
		t.Errorf("a key has gone, and the verdict is %q", got)
	}
	if got := judge(append([]int{2}, last[:len(last)-1]...)...); !strings.Contains(got, "has lost its last value") {
		t.Errorf("a key has gone back, and the verdict is %q", got)
	}
}

// A log that gives its deleted beginning back, and a record that comes back from the dead.
func TestJudgeRemembersTheLastCrash(t *testing.T) {
	l, f := page(Topic{Policy: "os", Trimmed: true})
	whole := slices.Clone(f.Records)
	power := Crash{At: time.UnixMilli(9500), PowerLoss: true}
	if v := l.Judge(0, power, &Found{Start: 2, End: 7, Records: whole[2:7]}); len(v.Faults) > 0 || v.Lost != 3 {
		t.Fatalf("first crash: %+v, want 3 records lost and no fault", v)
	}
	got := strings.Join(l.Judge(0, power, &Found{Start: 0, End: 8, Records: whole[:8]}).Faults, "\n")
	for _, want := range []string{"what was deleted is back", "record 7 at 7 is back"} {
		if !strings.Contains(got, want) {
			t.Errorf("verdict %q, want %q in it", got, want)
		}
	}
}
