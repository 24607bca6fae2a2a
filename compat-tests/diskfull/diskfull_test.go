package diskfull

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
	"github.com/sordini/sordini/compat-tests/crash/load"
	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	disk     = "64m"
	allInAll = 90 * time.Second
)

// TestRetentionMakesRoom: producers and a group are at work while the disk fills, stays full, and
// becomes free again, because retention deletes what filled it. Nobody restarts anything.
func TestRetentionMakesRoom(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), allInAll)
	defer cancel()
	b := start(t, disk)
	w, err := load.NewWorld(ctx, b.Addr, load.Topics([]string{"group"}, "group"))
	if err != nil {
		t.Fatal(err)
	}
	w.Settled = true // what becomes of new topics is another test's
	cl := onceClient(t, b)
	createTopic(t, ctx, cl, "hog", map[string]*string{"segment.bytes": kadm.StringPtr("1048576"), "retention.ms": kadm.StringPtr("6000")})
	life, err := w.Live(false)
	if err != nil {
		t.Fatal(err)
	}

	written := fill(t, ctx, cl, "hog")
	t.Logf("full after %d records of %d bytes", written, hogBytes)
	checkReads(t, ctx, b, "hog", min(written, 100))
	awaitRoom(t, ctx, b, cl, "hog", 20*time.Second)

	// The producers wait in their clients' own back-off, of which nothing tells when it ends.
	before := w.Acked()
	for begin := time.Now(); w.Acked() < before+200; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("there is room, and the producers that waited got %d acknowledgements in 10 s", w.Acked()-before)
		}
	}
	life.Over()
	for _, f := range life.End() {
		t.Errorf("while the disk was full: %s", f)
	}
	judge(t, ctx, w)
}

// TestKilledWhileFull: the broker is killed on a full disk and started on it. It reads, it deletes a topic, and then writes.
func TestKilledWhileFull(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), allInAll)
	defer cancel()
	b := start(t, disk)
	w, err := load.NewWorld(ctx, b.Addr, load.Topics([]string{"group"}, "group"))
	if err != nil {
		t.Fatal(err)
	}
	w.Settled = true // what becomes of new topics is another test's
	cl := onceClient(t, b)
	createTopic(t, ctx, cl, "hog", map[string]*string{"segment.bytes": kadm.StringPtr("1048576")})
	createTopic(t, ctx, cl, "small", nil)
	life, err := w.Live(false)
	if err != nil {
		t.Fatal(err)
	}
	written := fill(t, ctx, cl, "hog")
	t.Logf("full after %d records of %d bytes", written, hogBytes)
	life.Over()
	b.Kill()
	for _, f := range life.End() {
		t.Errorf("while the disk was full: %s", f)
	}
	stuff(t, b)
	for range 2 { // and once more, for what the first start has written
		launch(t, b)
		checkReads(t, ctx, b, "hog", written)
		b.Kill()
	}
	launch(t, b)
	deleteTopic(t, ctx, cl, "hog")
	awaitRoom(t, ctx, b, cl, "small", 10*time.Second)
	judge(t, ctx, w)
	commit(t, ctx, cl)
}

func judge(t *testing.T, ctx context.Context, w *load.World) {
	t.Helper()
	report, err := w.Judge(ctx, ledger.Crash{At: time.Now()})
	if err != nil {
		report.Faults = append(report.Faults, err.Error())
	}
	for _, f := range report.Faults {
		t.Error(f)
	}
	t.Logf("%d records sent, %d acknowledged", report.Sent, report.Acked)
}

func commit(t *testing.T, ctx context.Context, cl *kgo.Client) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset("small", 0, 1, -1)
	resp, err := kadm.NewClient(cl).CommitOffsets(ctx, "after", offsets)
	if err = errors.Join(err, resp.Error()); err != nil {
		t.Errorf("commit when there is room again: %v", err)
	}
}
