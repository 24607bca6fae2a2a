package txn

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The transcripts' words: one line, what is usual left out.

func printRecord(r Record) string {
	var key kmsg.TxnMetadataKey
	if err := key.ReadFrom(r.Key); err != nil {
		return err.Error()
	}
	if r.Value == nil {
		return fmt.Sprintf("%q tombstone", key.TransactionalID)
	}
	md, err := decode(r.Value)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%q v%d %s", key.TransactionalID, r.Value[1], &md)
}

func (md *metadata) String() string {
	s := fmt.Sprintf("%s pid=%d epoch=%d tv=%d timeout=%d start=%d update=%d", md.state, md.producerID, md.epoch, md.clientVersion, md.timeoutMs, md.startMs, md.updateMs)
	if md.previousProducerID != md.producerID {
		s += fmt.Sprintf(" previous-pid=%d", md.previousProducerID)
	}
	if md.nextProducerID != noProducerID {
		s += fmt.Sprintf(" next-pid=%d", md.nextProducerID)
	}
	if md.previousEpoch != noProducerEpoch {
		s += fmt.Sprintf(" previous-epoch=%d", md.previousEpoch)
	}
	return s + printPartitions(md.partitions)
}

func printPartitions(all []TopicPartition) string {
	var b strings.Builder
	for _, tp := range all {
		fmt.Fprintf(&b, " %s/%d", tp.Topic, tp.Partition)
	}
	return b.String()
}

func printErr(err *kerr.Error) string {
	if err == nil {
		return "ok"
	}
	return fmt.Sprintf("%d %s", err.Code, err.Message)
}

func printResponse(response any) string {
	switch r := response.(type) {
	case NeedProducerID:
		return "needs a fresh id"
	case *InitResult:
		if r.Err != nil {
			return "init " + printErr(r.Err)
		}
		return fmt.Sprintf("init ok pid=%d epoch=%d", r.ProducerID, r.ProducerEpoch)
	case Result:
		return printErr(r.Err)
	case *VerifyResult:
		s := "verify"
		for _, err := range r.Errs {
			s += " " + printErr(err)
		}
		return s
	case *EndResult:
		if r.Err != nil {
			return "end " + printErr(r.Err)
		}
		return fmt.Sprintf("end ok pid=%d epoch=%d", r.ProducerID, r.ProducerEpoch)
	case *kmsg.DescribeTransactionsResponseTransactionState:
		s := fmt.Sprintf("describe %s %q %s pid=%d epoch=%d timeout=%d start=%d", printErr(kerr.TypedErrorForCode(r.ErrorCode)),
			r.TransactionalID, r.State, r.ProducerID, r.ProducerEpoch, r.TimeoutMillis, r.StartTimestamp)
		for _, topic := range r.Topics {
			s += fmt.Sprintf(" %s/%d", topic.Topic, topic.Partitions)
		}
		return s
	case []kmsg.ListTransactionsResponseTransactionState:
		s := "list"
		for _, one := range r {
			s += fmt.Sprintf(" {%q %d %s}", one.TransactionalID, one.ProducerID, one.TransactionState)
		}
		return s
	}
	return fmt.Sprintf("%T?", response)
}

func printEffect(e Effect) string {
	switch e := e.(type) {
	case *WriteMarkers:
		outcome := "abort"
		if e.Commit {
			outcome = "commit"
		}
		return fmt.Sprintf("%s %q pid=%d epoch=%d coordinator=%d tv=%d%s", outcome, e.TransactionalID, e.ProducerID, e.ProducerEpoch,
			e.CoordinatorEpoch, e.TransactionVersion, printPartitions(e.Partitions))
	case *NeedFreshID:
		return fmt.Sprintf("needs a fresh id for %q pid=%d epoch=%d", e.TransactionalID, e.ProducerID, e.ProducerEpoch)
	}
	return fmt.Sprintf("%T?", e)
}
