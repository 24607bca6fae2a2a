package api

import (
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/protocol"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage"
)

// The first batch of a transaction in a partition is appended only after its coordinator has said that the partition is part of the
// transaction, or has made it one (KIP-890). Else a batch that comes late, behind the end of its transaction, would open one that nobody ends. The
// batches of a turn that need it are gathered, and their coordinators asked once for each transaction, on this connection's
// goroutine; the log looks once more when they are appended.

// producesV2From is the Produce version from which on clients speak transaction version 2: partitions are added by producing to them.
const producesV2From = 12

// unverified is a batch for which the coordinator has to be asked.
type unverified struct{ request, result int }

// transactionalError is what refuses a whole request whose batches are transactional.
func transactionalError(r *protocol.ProduceRequest) error {
	var first batch.Batch
	for i := range r.Partitions {
		b := batch.Batch(r.Partitions[i].Records)
		if len(b) < batch.HeaderSize || b.Magic() != 2 || !b.IsTransactional() {
			continue
		}
		switch {
		case !r.HasTransactionalID:
			return kerr.TransactionalIDAuthorizationFailed
		case !b.HasProducerID():
		case first == nil:
			first = b
		case b.ProducerID() != first.ProducerID() || b.ProducerEpoch() != first.ProducerEpoch():
			return &told{kerr.InvalidProducerIDMapping, "The transactional batches of a request must be of one producer."}
		}
	}
	return nil
}

// guard finds out whether the coordinator has to be asked about a transactional batch.
func (t *ProduceTurn) guard(h *Handlers, r *produceRequest, i int, p *replica.Partition, a *storage.Append) {
	b := a.Batch
	epochBump := r.header.Version >= producesV2From
	guard, needed := p.Log().VerifyTransaction(b.ProducerID(), b.ProducerEpoch(), b.BaseSequence(), epochBump, nowMs())
	switch {
	case !needed:
		a.Guard = guard
	case !epochBump && !h.verifies():
		a.Guard = storage.Unguarded
	default:
		a.Guard = guard
		t.unverified = append(t.unverified, unverified{request: t.n - 1, result: i})
	}
}

// verifies tells whether old clients' partitions are compared with what the coordinator knows: transaction.partition.verification.enable.
func (h *Handlers) verifies() bool {
	return h.dynamicValues(h.Image()).Broker.Transactions.VerifyPartitions
}

// verify asks the coordinators, and takes the batches that they refuse out of the turn.
func (t *ProduceTurn) verify(ctx context.Context, h *Handlers) {
	for _, asked := range t.byTransaction() {
		t.verifyOne(ctx, h, asked)
	}
	t.unverified = t.unverified[:0]
}

// question is what the batches have in common about which a coordinator is asked at one time.
type question struct {
	transactionalID string
	producerID      int64
	epoch           int16
	produceVersion  int16
}

// byTransaction divides what is not verified, in the order of the turn.
func (t *ProduceTurn) byTransaction() (asked [][]unverified) {
	place := map[question]int{}
	for _, u := range t.unverified {
		r, b := t.unverifiedBatch(u)
		q := question{r.parsed.TransactionalID, b.ProducerID(), b.ProducerEpoch(), r.header.Version}
		n, known := place[q]
		if !known {
			n = len(asked)
			place[q], asked = n, append(asked, nil)
		}
		asked[n] = append(asked[n], u)
	}
	return asked
}

func (t *ProduceTurn) unverifiedBatch(u unverified) (*produceRequest, batch.Batch) {
	r := &t.requests[u.request]
	return r, r.queued[u.result].append.Batch
}

// verifyOne asks one coordinator about all partitions of one transaction.
func (t *ProduceTurn) verifyOne(ctx context.Context, h *Handlers, asked []unverified) {
	r, b := t.unverifiedBatch(asked[0])
	version := int16(0)
	if r.header.Version >= producesV2From {
		version = 2
	}
	var partitions []groupcoord.TopicPartition
	place := make(map[int]int, len(asked)) // of a group of the turn, in partitions
	for _, u := range asked {
		group := t.requests[u.request].queued[u.result].group
		if _, known := place[group]; !known {
			place[group] = len(partitions)
			p := t.partitions[group].p
			partitions = append(partitions, groupcoord.TopicPartition{Topic: p.Topic().Name, Partition: p.Index})
		}
	}
	id := strings.Clone(r.parsed.TransactionalID) // that one lies in the read buffer
	errs := h.Transactions.VerifyPartitions(ctx, id, b.ProducerID(), b.ProducerEpoch(), partitions, version)
	for _, u := range asked {
		r := &t.requests[u.request]
		q := &r.queued[u.result]
		if err := groupcoord.ProduceVerification(errs[place[q.group]], r.header.Version); err != nil {
			q.append.Batch, q.append = nil, nil
			t.refuse(h, r, u.result, explained(err))
		}
	}
	for group := range place {
		t.partitions[group].dropWithdrawn()
	}
}

// explained adds what clients show their users, where the code alone says something else than was meant.
func explained(err *kerr.Error) error {
	switch err {
	case kerr.InvalidTxnState:
		return &told{err, "The partition is not part of the transaction."}
	case kerr.NotEnoughReplicas:
		return &told{err, "The transaction coordinator cannot say yet whether the partition is part of the transaction."}
	}
	return err
}

// dropWithdrawn takes the batches that were refused out of what is appended. All of a partition at one time: a request may have a million.
func (g *partitionAppends) dropWithdrawn() {
	g.list = slices.DeleteFunc(g.list, func(a *storage.Append) bool { return a.Batch == nil })
}
