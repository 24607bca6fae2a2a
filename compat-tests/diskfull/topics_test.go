package diskfull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sordini/sordini/compat-tests/crash/load"
)

// TestTopicsCreatedWhileFull: what the broker says about a topic for which there is no room is what is the case afterwards. One whose
// creation was acknowledged takes records when there is room again; one that was refused can be created then.
func TestTopicsCreatedWhileFull(t *testing.T) {
	ctx, b, cl := onFullDisk(t)

	adm := kadm.NewClient(cl)
	const attempts = 12
	said := make([]error, attempts)
	for i := range said {
		resp, err := adm.CreateTopic(ctx, 3, 1, nil, name(i))
		said[i] = errors.Join(err, resp.Err)
		t.Logf("create %s on a full disk: %v", name(i), said[i])
	}
	deleteTopic(t, ctx, cl, "hog")
	for i, refused := range said {
		if refused != nil {
			if err := createSoon(ctx, adm, name(i), 10*time.Second); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				t.Errorf("create %s when there is room again: %v", name(i), err)
			}
		}
		if err := takes(ctx, b.Addr, name(i), 10*time.Second); err != nil {
			t.Errorf("%s, of which was said %v on a full disk, takes no records when there is room: %v", name(i), refused, err)
		}
	}
}

// createSoon creates a topic as soon as the files of a deleted one are gone from the disk, of which nothing tells.
func createSoon(ctx context.Context, adm *kadm.Client, topic string, patience time.Duration) error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, err := adm.CreateTopic(ctx, 3, 1, nil, topic)
		if err = errors.Join(err, resp.Err); err == nil || !retriable(err) || time.Since(begin) > patience {
			return err
		}
	}
}

// TestDeletionAlwaysWorks: deleting is how an operator makes room, so it must not need any.
func TestDeletionAlwaysWorks(t *testing.T) {
	ctx, b, cl := onFullDisk(t)
	stuff(t, b)
	adm := kadm.NewClient(cl)
	for i := range 200 { // until the last block of the metadata log is full
		if resp, err := adm.CreateTopic(ctx, 3, 1, nil, name(i)); errors.Join(err, resp.Err) != nil {
			break
		}
	}
	deleteTopic(t, ctx, cl, "hog")
}

// onFullDisk is a broker on a small disk that a topic, "hog", has filled to the brim.
func onFullDisk(t *testing.T) (context.Context, *load.Broker, *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), allInAll)
	t.Cleanup(cancel)
	b := start(t, "24m")
	cl := onceClient(t, b)
	createTopic(t, ctx, cl, "hog", map[string]*string{"segment.bytes": kadm.StringPtr("1048576")})
	fill(t, ctx, cl, "hog")
	brim(t, ctx, cl, "hog")
	return ctx, b, cl
}

func deleteTopic(t *testing.T, ctx context.Context, cl *kgo.Client, topic string) {
	t.Helper()
	removed, err := kadm.NewClient(cl).DeleteTopic(ctx, topic)
	if err = errors.Join(err, removed.Err); err != nil {
		t.Fatalf("delete a topic on a full disk: %v", err)
	}
}

// stuff fills the disk to the last block, as another program may. The reserve of the broker it cannot take.
func stuff(t *testing.T, b *load.Broker) {
	t.Helper()
	f, err := os.Create(filepath.Join(filepath.Dir(b.Dir), "stuff"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func name(i int) string { return fmt.Sprint("late-", i) }

// brim uses up what large records have left.
func brim(t *testing.T, ctx context.Context, cl *kgo.Client, topic string) {
	t.Helper()
	for refused := 0; refused < 5; {
		err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: make([]byte, 300)}).FirstErr()
		switch {
		case err == nil:
			refused = 0
		case !retriable(err):
			t.Fatalf("a full disk is answered with %v, which no producer retries", err)
		default:
			refused++
		}
	}
}

// takes writes a record to each of three partitions.
func takes(ctx context.Context, addr, topic string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50*time.Millisecond), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return err
	}
	defer cl.Close()
	var errs []error
	for partition := range int32(3) {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte("late")}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			errs = append(errs, fmt.Errorf("partition %d: %w", partition, err))
		}
	}
	return errors.Join(errs...)
}
