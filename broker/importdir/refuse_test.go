package importdir

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/protocol/batch"
)

// kafkaDir is a small log directory as Kafka would leave it: topic "t" with one partition of one batch.
func kafkaDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "meta.properties"), "version=1\ncluster.id=c\nnode.id=1\n")
	write(t, filepath.Join(dir, cleanMark), "")
	write(t, filepath.Join(dir, metadataDir, "00000000000000000000.log"), metadataBatch(t, 0,
		"\x01\x00\x00"+be32(1), // RegisterBroker
		"\x01\x02\x00\x02t"+id+"\x00",
		"\x01\x03\x00"+be32(0)+id+"\x02"+be32(1)+"\x02"+be32(1)+"\x01\x01"+be32(1)+be32(0)+be32(0)+"\x00",
	))
	write(t, filepath.Join(dir, "t-0", "partition.metadata"), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZA\n")
	write(t, filepath.Join(dir, "t-0", "00000000000000000000.log"), metadataBatch(t, 0, "value"))
	return dir
}

var id = strings.Repeat("\x00", 15) + "d"

func be32(v uint32) string { return string(binary.BigEndian.AppendUint32(nil, v)) }

func metadataBatch(t *testing.T, base int64, values ...string) string {
	t.Helper()
	var b batch.Builder
	b.Reset(batch.Options{})
	for _, v := range values {
		b.Add(1, nil, []byte(v), nil)
	}
	built, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	batch.Batch(built).SetBaseOffset(base)
	return string(built)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func options(t *testing.T, source, dest string) Options {
	t.Helper()
	values, _, err := config.New(config.Options{DataDir: dest})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Sources: []string{source}, Dest: dest, Config: values, Clock: func() int64 { return 1_700_000_000_000 }}
}

func TestWhatCannotComeAlongWholeIsRefusedAndLeavesNothing(t *testing.T) {
	segment := filepath.Join("t-0", "00000000000000000000.log")
	next := filepath.Join("t-0", "00000000000000000001.log")
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   string // "": it is imported
	}{
		"as it is": {func(*testing.T, string) {}, ""},
		"torn tail of a killed broker": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, segment), metadataBatch(t, 0, "value")+metadataBatch(t, 1, "torn")[:70])
		}, ""},
		"zeros at the tail": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, segment), metadataBatch(t, 0, "value")+strings.Repeat("\x00", 200))
		}, ""},
		"torn closed segment": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, segment), metadataBatch(t, 0, "value")[:65])
			write(t, filepath.Join(dir, next), metadataBatch(t, 1, "value"))
		}, segment + ", position 0: the segment ends within a batch"},
		"offsets go back": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, segment), metadataBatch(t, 5, "value")+metadataBatch(t, 5, "value"))
		}, "offset 5 comes after offset 5"},
		"a flipped bit": {func(t *testing.T, dir string) {
			raw := []byte(metadataBatch(t, 0, "value") + metadataBatch(t, 1, "value"))
			raw[len(raw)-3] ^= 1
			write(t, filepath.Join(dir, segment), string(raw))
		}, "its records end at offset 2, but only those below 1 could be read"},
		"message format 1": {func(t *testing.T, dir string) {
			raw := []byte(metadataBatch(t, 0, "value"))[:40]
			raw[magicAt] = 1
			write(t, filepath.Join(dir, segment), string(raw))
		}, "message format 1"},
		"another topic's directory": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "t-0", "partition.metadata"), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAZQ\n")
		}, "another topic id"},
		"a partition in no directory": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "t-0")); err != nil {
				t.Fatal(err)
			}
		}, "give all directories of log.dirs"},
		"a swap under way": {func(t *testing.T, dir string) { write(t, filepath.Join(dir, segment+".swap"), "") }, "start it once and stop it in order"},
		"no metadata": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, metadataDir)); err != nil {
				t.Fatal(err)
			}
		}, "metadata.log.dir"},
		"a damaged metadata log": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, metadataDir, "00000000000000000000.log"), strings.Repeat("x", 100))
		}, "read the metadata of Kafka"},
		"two brokers": {func(t *testing.T, dir string) {
			log := filepath.Join(dir, metadataDir, "00000000000000000000.log")
			old, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			write(t, log, string(old)+metadataBatch(t, 3, "\x01\x00\x00"+be32(2)))
		}, "one of 2 brokers"},
		"not formatted": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "meta.properties")); err != nil {
				t.Fatal(err)
			}
		}, "has no meta.properties"},
	} {
		t.Run(name, func(t *testing.T) {
			source, dest := kafkaDir(t), filepath.Join(t.TempDir(), "data")
			c.change(t, source)
			report, err := Run(t.Context(), options(t, source, dest))
			if c.want == "" {
				if err != nil || len(report.Topics) != 1 || report.Topics[0].Offsets != 1 {
					t.Errorf("got %+v, %v", report, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(dest); err == nil {
				t.Error("the destination exists after an error")
			}
		})
	}
}

func TestAnImportTakesNoDirectoryThatIsInUse(t *testing.T) {
	source, dest := kafkaDir(t), t.TempDir()
	write(t, filepath.Join(dest, "mine"), "")
	if _, err := Run(t.Context(), options(t, source, dest)); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into a directory that is not empty: %v", err)
	}
	dest = filepath.Join(t.TempDir(), "data")
	write(t, filepath.Join(dest+stagingSuffix, "old"), "")
	if _, err := Run(t.Context(), options(t, source, dest)); err == nil || !strings.Contains(err.Error(), "delete it and try again") {
		t.Errorf("beside an import that did not finish: %v", err)
	}
}

func FuzzMetadataRecord(f *testing.F) {
	for _, seed := range []string{"\x01\x00\x00\x00\x00\x00\x01", "\x01\x02\x00\x02t" + id + "\x00", "\x01\x03\x00" + be32(0) + id + "\x02" + be32(1) + "\x02" + be32(1) + "\x01\x01" + be32(1) + be32(0) + be32(0) + "\x00",
		"\x01\x05\x00" + be32(0) + id + "\x01\x01\x04" + be32(7), "\x01\x04\x00\x02\x02t\x02k\x02v\x00", "\x01\x0f\x00" + be32(1) + be32(0) + be32(0) + be32(0) + be32(9)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decodeRecord(value)
		if err == nil && len(r.replicas) > len(value) {
			t.Errorf("%d replicas out of %d bytes", len(r.replicas), len(value))
		}
	})
}
