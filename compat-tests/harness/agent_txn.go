package harness

import (
	"testing"
	"time"
)

type agentTransactions struct {
	agent  *Agent
	handle string
}

func (a *Agent) OpenTransactions(t testing.TB, id string) Transactions {
	t.Helper()
	x := &agentTransactions{agent: a, handle: a.newHandle("txn")}
	a.callHandle(t, "txn.open", x.handle, map[string]any{"id": id}, nil)
	return x
}

func (a *Agent) FetchCommitted(t testing.TB, topic string, partition int32, offset int64, count int, patience time.Duration) []Record {
	t.Helper()
	var records []Record
	a.call(t, "fetch", map[string]any{"topic": topic, "partition": partition, "offset": offset, "count": count,
		"timeoutMs": patience.Milliseconds(), "isolation": "read_committed"}, &records)
	return records
}

func (x *agentTransactions) Begin(t testing.TB) error { t.Helper(); return x.try(t, "txn.begin", nil) }

func (x *agentTransactions) Send(t testing.TB, topic string, records []Record) error {
	t.Helper()
	return x.try(t, "txn.send", map[string]any{"topic": topic, "records": records})
}

func (x *agentTransactions) SendOffset(t testing.TB, group, topic string, partition int32, offset int64) error {
	t.Helper()
	return x.try(t, "txn.offsets", map[string]any{"group": group, "topic": topic, "partition": partition, "offset": offset})
}

func (x *agentTransactions) Commit(t testing.TB) error {
	t.Helper()
	return x.try(t, "txn.commit", nil)
}
func (x *agentTransactions) Abort(t testing.TB) error { t.Helper(); return x.try(t, "txn.abort", nil) }

func (x *agentTransactions) Close(t testing.TB) {
	t.Helper()
	x.agent.callHandle(t, "txn.close", x.handle, nil, nil)
}

func (x *agentTransactions) try(t testing.TB, op string, args any) error {
	t.Helper()
	return x.agent.try(t, op, x.handle, args, nil)
}
