package broker

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sordini/sordini/storage"
)

// A compaction that failed said so at every pass, on a full disk twice over.
func TestHousekeepingThatFailsIsSaidOnce(t *testing.T) {
	s := startServer(t, t.TempDir())
	var said bytes.Buffer
	logger, compaction, retention := slog.New(slog.NewTextHandler(&said, nil)), troubles{}, troubles{}
	d := s.dirs[0]
	for range 3 {
		compaction.report(logger, "compaction", d, errors.New("the disk creaks"))
		retention.report(logger, "retention", d, fmt.Errorf("retention of a: %w", storage.ErrDiskFull))
	}
	for range 3 {
		compaction.report(logger, "compaction", d, nil)
		retention.report(logger, "retention", d, nil)
	}
	compaction.report(logger, "compaction", d, errors.New("the disk creaks"))
	if text := said.String(); strings.Count(text, "failed") != 2 || strings.Count(text, "works again") != 1 || strings.Contains(text, "retention") {
		t.Errorf("it said:\n%s", text)
	}
}
