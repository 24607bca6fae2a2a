package diskfull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/crash/load"
)

// start starts a broker whose data is on a tmpfs of its own. Only root may mount one, so that nobody else can run these tests; root that may
// not is a failure.
func start(t *testing.T, size string) *load.Broker {
	t.Helper()
	b, dir := load.NewBroker(t)
	if os.Getenv("SORDINI_NO_MOUNT") != "" {
		t.Skip("SORDINI_NO_MOUNT is set: nothing is to be mounted on this machine")
	}
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a small disk needs Linux and root")
	}
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("cannot mount a tmpfs (SORDINI_NO_MOUNT=1 skips this test): %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the broker's log ends:\n%s", b.Tail(40))
			if os.Getenv("SORDINI_COMPAT_KEEP") != "" {
				os.CopyFS(disk+".failed", os.DirFS(disk))
			}
		}
		b.Kill()
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b.Dir, b.Settings = filepath.Join(disk, "data"), load.Settings()
	launch(t, b)
	return b
}

func launch(t *testing.T, b *load.Broker) {
	t.Helper()
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(20 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, b *load.Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addr), kgo.MetadataMinAge(50 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// onceClient shows the first error of a record instead of retrying.
func onceClient(t *testing.T, b *load.Broker) *kgo.Client {
	t.Helper()
	return client(t, b, kgo.RecordRetries(0), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordDeliveryTimeout(10*time.Second))
}

func createTopic(t *testing.T, ctx context.Context, cl *kgo.Client, name string, configs map[string]*string) {
	t.Helper()
	resp, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, configs, name)
	if err = errors.Join(err, resp.Err); err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
}

const hogBytes = 60_000

func hogValue(n int) []byte {
	v := make([]byte, hogBytes)
	copy(v, fmt.Sprintf("hog %d", n))
	return v
}

// fill writes until a record is refused several times in a row, and returns how many went in. Every refusal has to be one
// that producers retry.
func fill(t *testing.T, ctx context.Context, cl *kgo.Client, topic string) (written int) {
	t.Helper()
	const enough = 5 // retention of others may make room in between
	for refused := 0; refused < enough; {
		err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: hogValue(written)}).FirstErr()
		if err == nil {
			written, refused = written+1, 0
			continue
		}
		refused++
		if !retriable(err) {
			t.Fatalf("a full disk is answered with %v, which no producer retries", err)
		}
		if ctx.Err() != nil {
			t.Fatalf("the disk is not full after %d records: %v", written, ctx.Err())
		}
	}
	if written == 0 {
		t.Fatal("the disk was full before anything was written")
	}
	return written
}

func retriable(err error) bool {
	var known *kerr.Error
	return errors.Is(err, kgo.ErrRecordRetries) || (errors.As(err, &known) && known.Retriable) // the first: a connection has ended
}

// checkReads reads what fill has written.
func checkReads(t *testing.T, ctx context.Context, b *load.Broker, topic string, written int) {
	t.Helper()
	cl := client(t, b, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	defer cl.Close()
	for next := 0; next < written; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read record %d of %d of %s: %v", next, written, topic, err)
		}
		for r := range fetches.RecordsAll() {
			if want := hogValue(next); r.Offset != int64(next) || string(r.Value) != string(want) {
				t.Fatalf("%s at %d holds %.20q, want %.20q at %d", topic, r.Offset, r.Value, want, next)
			}
			next++
		}
	}
}

// awaitRoom waits until a record goes in again. Room comes when another process deletes, which nothing announces: so it is tried now and then.
func awaitRoom(t *testing.T, ctx context.Context, b *load.Broker, cl *kgo.Client, topic string, patience time.Duration) {
	t.Helper()
	var last error
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(20 * time.Millisecond) {
		if b.Ended() {
			t.Fatal("the broker has ended")
		}
		if last = cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: hogValue(0)}).FirstErr(); last == nil {
			return
		}
		if !retriable(last) {
			t.Fatalf("while the disk is full: %v", last)
		}
	}
	t.Fatalf("there is room, and still nothing can be written after %v: %v", patience, last)
}
