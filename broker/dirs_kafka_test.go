package broker

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/broker/config"
)

// A start on a directory of Apache Kafka was refused only after an index had been made in it, and then that Kafka did not start any more. One
// without __cluster_metadata was taken over, and at the second start its logs were renamed.
func TestADirectoryOfApacheKafkaIsRefusedUntouched(t *testing.T) {
	for _, file := range kafkaFiles {
		dir := t.TempDir()
		for name, content := range map[string]string{"meta.properties": "version=1\ncluster.id=c\nnode.id=1\n", file: ""} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(dir, "orders-0"), 0o755); err != nil {
			t.Fatal(err)
		}
		values, _, err := config.New(config.Options{DataDir: dir}, config.Layer{
			{Key: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Key: "log.dirs", Value: dir}, {Key: "sordini.http.address", Value: ""},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = New(Options{Config: values, Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), "sordini import-dir "+dir) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 3 {
			t.Errorf("%s: the directory was changed: %v", file, entries)
		}
	}
}
