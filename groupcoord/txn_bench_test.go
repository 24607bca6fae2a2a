package groupcoord

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
	"github.com/sordini/sordini/groupcoord/txn"
)

// instant writes every marker at once.
type instant struct{}

func (instant) WriteMarkers(_ context.Context, markers []Marker) []MarkerResult {
	results := make([]MarkerResult, len(markers))
	for i := range results {
		results[i] = MarkerWritten
	}
	return results
}

// BenchmarkTransaction is one transaction with two partitions, of 20 producers on
// one coordinator partition, without the partitions' own work.
func BenchmarkTransaction(b *testing.B) {
	next := int64(0)
	var mu sync.Mutex
	s := NewTxn(TxnConfig{
		Clock: func() int64 { return time.Now().UnixMilli() }, Logger: slog.New(slog.DiscardHandler), Txn: txn.DefaultConfig(),
		StatePartitions: func() int32 { return 1 }, PartitionExists: func(string, int32) bool { return true }, Markers: instant{},
		NextProducerID: func(context.Context) (int64, error) {
			mu.Lock()
			defer mu.Unlock()
			next++
			return next, nil
		},
	})
	defer s.Close()
	s.Lead(0, 0, &memlog.Log{})
	for s.ListTransactions(b.Context(), &kmsg.ListTransactionsRequest{}).ErrorCode != 0 {
		time.Sleep(time.Millisecond)
	}
	const producers = 20
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range producers {
		wg.Go(func() {
			id := fmt.Sprint("producer-", i)
			given := s.InitProducerID(b.Context(), initRequest(5, id))
			producerID, epoch := given.ProducerID, given.ProducerEpoch
			for range b.N / producers {
				for partition := int32(0); partition < 2; {
					switch err := s.VerifyPartition(b.Context(), id, producerID, epoch, "t", partition, txn.V2); err {
					case nil:
						partition++
					case kerr.ConcurrentTransactions:
						runtime.Gosched()
					default:
						b.Error(err)
						return
					}
				}
				ended := s.EndTxn(b.Context(), endRequest(5, id, producerID, epoch, true))
				if ended.ErrorCode != 0 {
					b.Error(kerr.ErrorForCode(ended.ErrorCode))
					return
				}
				producerID, epoch = ended.ProducerID, ended.ProducerEpoch
			}
		})
	}
	wg.Wait()
}
