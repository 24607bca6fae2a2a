package groupcoord

import (
	"encoding/json"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/runtime/memlog"
	"github.com/sordini/sordini/groupcoord/txn"
	"github.com/sordini/sordini/protocol/batch"
)

var kafkaTxn = flag.String("kafka-txn", "", "address of a real Kafka with transaction.abort.timed.out.transaction.cleanup.interval.ms=1000, "+
	"transaction.state.log.num.partitions=1")

// TestTransactionsSameAsKafka puts the same questions to a real Kafka and to a
// TxnService, and compares the answers and the records they leave behind, with
// producer ids numbered by their first appearance.
func TestTransactionsSameAsKafka(t *testing.T) {
	if *kafkaTxn == "" {
		t.Skip("needs -kafka-txn host:port")
	}
	*kafka = *kafkaTxn
	kafkaTopic(t)
	find := kmsg.NewPtrFindCoordinatorRequest() // the first makes __transaction_state
	find.Version, find.CoordinatorKey, find.CoordinatorType = 3, "any", 1
	for range 100 {
		resp, err := dial(t)(find)
		if err != nil {
			t.Fatal(err)
		}
		if resp.(*kmsg.FindCoordinatorResponse).ErrorCode == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	start := int64(0)
	for _, sc := range txnScenarios {
		t.Run(sc.name, func(t *testing.T) {
			id := fmt.Sprintf("%s-%d", strings.ReplaceAll(sc.name, " ", "-"), time.Now().UnixNano())
			theirs := &txnSession{t: t, peer: dial(t), id: id}
			_, end := kafkaTxnLog(t, start)
			start = end
			sc.do(theirs)
			written, _ := kafkaTxnLog(t, start)
			theirs.records(written)
			log := &memlog.Log{}
			ours := &txnSession{t: t, peer: localTxn(t, log), id: id}
			sc.do(ours)
			all, _ := log.ReadBatches(0, 1<<30)
			ours.records(all)
			for i := range max(len(theirs.out), len(ours.out)) {
				if i >= len(theirs.out) || i >= len(ours.out) || theirs.out[i] != ours.out[i] {
					t.Errorf("step %d, after %s\nkafka %s\nours  %s", i, at(ours.out, max(i-1, 0)), at(theirs.out, i), at(ours.out, i))
				}
			}
			t.Logf("%d answers and records compared", len(theirs.out))
		})
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// localTxn is a TxnService, asked over the wire format.
func localTxn(t *testing.T, log *memlog.Log) peer {
	s := newTxnService(t, log, &markerLog{}, func(c *TxnConfig) {
		c.Txn.AbortTimedOutIntervalMs = 1_000
		c.OffsetsPartition = func(group string) int32 {
			return (&Service{cfg: Config{OffsetsPartitions: func() int32 { return 50 }}}).PartitionFor(group)
		}
	})
	t.Cleanup(func() { s.Close() })
	for s.ListTransactions(t.Context(), &kmsg.ListTransactionsRequest{}).ErrorCode != 0 {
		time.Sleep(time.Millisecond)
	}
	return func(req kmsg.Request) (kmsg.Response, error) {
		again := kmsg.RequestForKey(req.Key())
		again.SetVersion(req.GetVersion())
		if err := again.ReadFrom(req.AppendTo(nil)); err != nil {
			return nil, err
		}
		var resp kmsg.Response
		switch req := again.(type) {
		case *kmsg.InitProducerIDRequest:
			resp = s.InitProducerID(t.Context(), req)
		case *kmsg.AddPartitionsToTxnRequest:
			resp = s.AddPartitionsToTxn(t.Context(), req)
		case *kmsg.AddOffsetsToTxnRequest:
			resp = s.AddOffsetsToTxn(t.Context(), req)
		case *kmsg.EndTxnRequest:
			resp = s.EndTxn(t.Context(), req)
		case *kmsg.DescribeTransactionsRequest:
			resp = s.DescribeTransactions(t.Context(), req)
		case *kmsg.ListTransactionsRequest:
			resp = s.ListTransactions(t.Context(), req)
		}
		read := again.ResponseKind()
		read.SetVersion(req.GetVersion())
		return read, read.ReadFrom(resp.AppendTo(nil))
	}
}

// kafkaTxnLog reads __transaction_state from the offset on.
func kafkaTxnLog(t *testing.T, from int64) (log []byte, end int64) {
	p := dial(t)
	for {
		req := kmsg.NewPtrFetchRequest()
		req.Version, req.MaxWaitMillis, req.MaxBytes = 11, 100, 8<<20
		topic := kmsg.NewFetchRequestTopic()
		topic.Topic = "__transaction_state"
		one := kmsg.NewFetchRequestTopicPartition()
		one.PartitionMaxBytes, one.FetchOffset = 8<<20, from
		topic.Partitions = append(topic.Partitions, one)
		req.Topics = append(req.Topics, topic)
		resp, err := p(req)
		if err != nil {
			t.Fatal(err)
		}
		got := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		for b := got.RecordBatches; len(b) > 0; {
			first, rest, err := batch.Next(b)
			if err != nil {
				break // the end of what fitted
			}
			log, b, from = append(log, first...), rest, first.NextOffset()
		}
		if got.ErrorCode != 0 || from >= got.HighWatermark {
			return log, got.HighWatermark
		}
	}
}

// txnSession asks one peer and keeps the answers as text.
type txnSession struct {
	t    *testing.T
	peer peer
	id   string
	pids []int64
	out  []string
}

// pid is a producer id by its number.
func (s *txnSession) pid(id int64) string {
	if id < 0 {
		return fmt.Sprint(id)
	}
	if !slices.Contains(s.pids, id) {
		s.pids = append(s.pids, id)
	}
	return fmt.Sprintf("<pid %d>", slices.Index(s.pids, id))
}

var (
	producerIDField = regexp.MustCompile(`"ProducerID":([1-9]\d*)`)
	startField      = regexp.MustCompile(`"StartTimestamp":(\d{6,})`)
	leaveOut        = regexp.MustCompile(`"(ThrottleMillis|UnknownTags)":(\d+|\{\}),?`)
)

// ask repeats the request while a transaction is being closed: how long that
// takes is not what is compared.
func (s *txnSession) ask(req kmsg.Request) kmsg.Response {
	s.t.Helper()
	resp := s.once(req)
	for range 200 {
		if !concurrent(resp) {
			break
		}
		time.Sleep(20 * time.Millisecond)
		resp = s.once(req)
	}
	s.record(req, resp)
	return resp
}

func (s *txnSession) once(req kmsg.Request) kmsg.Response {
	s.t.Helper()
	resp, err := s.peer(req)
	if err != nil {
		s.t.Fatalf("%T v%d: %v", req, req.GetVersion(), err)
	}
	return resp
}

func concurrent(resp kmsg.Response) bool {
	code := kerr.ConcurrentTransactions.Code
	busy := func(code int16) bool {
		return code == kerr.ConcurrentTransactions.Code || code == kerr.NotCoordinator.Code || code == kerr.CoordinatorLoadInProgress.Code || code == kerr.CoordinatorNotAvailable.Code
	}
	switch r := resp.(type) {
	case *kmsg.InitProducerIDResponse:
		return busy(r.ErrorCode)
	case *kmsg.EndTxnResponse:
		return busy(r.ErrorCode)
	case *kmsg.AddOffsetsToTxnResponse:
		return busy(r.ErrorCode)
	case *kmsg.AddPartitionsToTxnResponse:
		for _, topic := range r.Topics {
			return len(topic.Partitions) > 0 && topic.Partitions[0].ErrorCode == code
		}
		for _, one := range r.Transactions {
			for _, topic := range one.Topics {
				return len(topic.Partitions) > 0 && topic.Partitions[0].ErrorCode == code
			}
		}
	case *kmsg.DescribeTransactionsResponse:
		return slices.ContainsFunc(r.TransactionStates, func(d kmsg.DescribeTransactionsResponseTransactionState) bool {
			return strings.HasPrefix(d.State, "Prepare")
		})
	}
	return false
}

func (s *txnSession) record(req kmsg.Request, resp kmsg.Response) {
	switch r := resp.(type) {
	case *kmsg.ListTransactionsResponse:
		r.TransactionStates = slices.DeleteFunc(r.TransactionStates, func(one kmsg.ListTransactionsResponseTransactionState) bool {
			return !strings.HasPrefix(one.TransactionalID, s.id)
		})
		slices.SortFunc(r.TransactionStates, func(a, b kmsg.ListTransactionsResponseTransactionState) int {
			return strings.Compare(a.TransactionalID, b.TransactionalID)
		})
	case *kmsg.DescribeTransactionsResponse:
		for _, d := range r.TransactionStates {
			slices.SortFunc(d.Topics, func(a, b kmsg.DescribeTransactionsResponseTransactionStateTopic) int {
				return strings.Compare(a.Topic, b.Topic)
			})
			for _, topic := range d.Topics {
				slices.Sort(topic.Partitions)
			}
		}
	case *kmsg.AddPartitionsToTxnResponse:
		for _, topic := range r.Topics {
			slices.SortFunc(topic.Partitions, func(a, b kmsg.AddPartitionsToTxnResponseTopicPartition) int { return int(a.Partition - b.Partition) })
		}
		slices.SortFunc(r.Topics, func(a, b kmsg.AddPartitionsToTxnResponseTopic) int { return strings.Compare(a.Topic, b.Topic) })
		for _, one := range r.Transactions {
			for _, topic := range one.Topics {
				slices.SortFunc(topic.Partitions, func(a, b kmsg.AddPartitionsToTxnResponseTransactionTopicPartition) int {
					return int(a.Partition - b.Partition)
				})
			}
			slices.SortFunc(one.Topics, func(a, b kmsg.AddPartitionsToTxnResponseTransactionTopic) int {
				return strings.Compare(a.Topic, b.Topic)
			})
		}
	}
	text, err := json.Marshal(resp)
	if err != nil {
		s.t.Fatal(err)
	}
	line := leaveOut.ReplaceAllString(string(text), "")
	line = startField.ReplaceAllString(line, `"StartTimestamp":now`)
	line = producerIDField.ReplaceAllStringFunc(line, func(field string) string {
		var id int64
		fmt.Sscanf(field, `"ProducerID":%d`, &id)
		return `"ProducerID":` + s.pid(id)
	})
	s.out = append(s.out, fmt.Sprintf("%T v%d -> %s", req, req.GetVersion(), strings.ReplaceAll(line, s.id, "ID")))
}

// records are those of this session's ids, without their times.
func (s *txnSession) records(log []byte) {
	asked := len(s.out)
	defer func() {
		slices.SortStableFunc(s.out[asked:], func(a, b string) int { return strings.Compare(a[:12], b[:12]) })
	}()
	for len(log) > 0 {
		one, rest, err := batch.Next(log)
		if err != nil {
			return // the end of what fitted
		}
		log = rest
		for r, err := range batch.Records(one, 1<<20) {
			if err != nil {
				s.t.Fatal(err)
			}
			var key kmsg.TxnMetadataKey
			if err := key.ReadFrom(r.Key); err != nil || !strings.HasPrefix(key.TransactionalID, s.id) {
				continue
			}
			v := kmsg.NewTxnMetadataValue()
			if err := v.ReadFrom(r.Value); err != nil {
				s.t.Fatal(err)
			}
			if v.ProducerEpoch > 20 && v.ProducerEpoch < 32_765 {
				continue // on the way to the last epoch
			}
			slices.SortFunc(v.Topics, func(a, b kmsg.TxnMetadataValueTopic) int { return strings.Compare(a.Topic, b.Topic) })
			topics := fmt.Sprint(v.Topics == nil)
			for _, topic := range v.Topics {
				slices.Sort(topic.Partitions)
				topics += fmt.Sprint(" ", topic.Topic, topic.Partitions)
			}
			if v.State == 0 {
				v.PreviousProducerID = -1 // kept here over repetitions of InitProducerId, so that the next is known too
			}
			s.out = append(s.out, fmt.Sprintf("record %s v%d %v pid=%s epoch=%d previous=%s next=%s/%d tv=%d timeout=%d started=%v null-topics=%s",
				strings.ReplaceAll(key.TransactionalID, s.id, "ID"), v.Version, v.State, s.pid(v.ProducerID), v.ProducerEpoch, s.pid(v.PreviousProducerID),
				s.pid(v.NextProducerID), v.NextProducerEpoch, v.ClientTransactionVersion, v.TimeoutMillis, v.StartTimestamp > 0, topics))
			// What Kafka wrote can be read here.
			if err := txn.New(txn.DefaultConfig()).Apply(txn.Record{Key: r.Key, Value: r.Value}); err != nil {
				s.t.Errorf("%v", err)
			}
		}
	}
}
