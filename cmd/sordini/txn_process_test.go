package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// openTxn leaves a transaction open that has written a record to partition 0 of a topic.
func openTxn(t *testing.T, c *cluster, id, topic string) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:"+c.port), kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(id)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestTransactionsThroughTheCommands(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	c.run(0, "", "topic", "create", "orders")
	if out, _ := c.run(0, "", "txn", "list"); out != "" {
		t.Errorf("before the first: %q", out)
	}
	// Given an ended transaction and an open one,
	ended := openTxn(t, c, "billing", "orders")
	if err := ended.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // the answer to its end comes before the end is written everywhere
		if out, _ := c.run(0, "", "txn", "list", "--state", "CompleteCommit"); strings.HasPrefix(out, "billing\t") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the transaction of billing does not end")
		}
	}
	open := openTxn(t, c, "payments", "orders")
	// then they are listed and described,
	out, _ := c.run(0, "", "txn", "list", "--state", "Ongoing", "-o", "json")
	var listed []txnEntry
	if err := json.Unmarshal([]byte(out), &listed); err != nil || len(listed) != 1 || listed[0].TransactionalID != "payments" || listed[0].State != "Ongoing" {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _ := c.run(0, "", "txn", "list"); strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, "billing\t") {
		t.Errorf("list: %q", out)
	}
	if out, _ := c.run(0, "", "txn", "list", "--producer-id", strconv.FormatInt(listed[0].ProducerID, 10)); strings.Count(out, "\n") != 1 {
		t.Errorf("of one producer: %q", out)
	}
	if out, _ := c.run(0, "", "txn", "list", "--older-than", "1h"); out != "" {
		t.Errorf("older than an hour: %q", out)
	}
	if out, _ := c.run(0, "", "txn", "list", "--older-than", "1ms"); !strings.HasPrefix(out, "payments\t") || strings.Count(out, "\n") != 1 {
		t.Errorf("older than a millisecond: %q", out)
	}
	out, _ = c.run(0, "", "txn", "describe", "payments", "billing", "-o", "json")
	var described []txnDescription
	if err := json.Unmarshal([]byte(out), &described); err != nil || len(described) != 2 || described[0].StartTimestamp == nil || described[1].StartTimestamp == nil && described[1].State != "CompleteCommit" ||
		len(described[0].Partitions) != 1 || described[0].Partitions[0].Topic != "orders" || len(described[1].Partitions) != 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _ := c.run(0, "", "txn", "describe", "payments"); !strings.Contains(out, "Ongoing") || !strings.Contains(out, "orders\t0\n") {
		t.Errorf("describe: %q", out)
	}
	if _, errOut := c.run(exitNotFound, "", "txn", "describe", "payment"); !strings.Contains(errOut, "did you mean payments?") {
		t.Errorf("misspelt: %q", errOut)
	}
	if out, _ := c.run(0, "", "__complete", "txn", "describe", ""); !strings.HasPrefix(out, "billing\npayments\n") {
		t.Errorf("completion: %q", out)
	}
	// and the open one is not taken for one that hangs.
	if out, _ := c.run(0, "", "txn", "find-hanging", "--older-than", "0s"); out != "" {
		t.Errorf("hanging: %q", out)
	}
	// When it is aborted, then its records are nobody's and its producer is fenced.
	c.run(0, "", "txn", "abort", "--id", "payments", "--dry-run")
	c.run(0, "", "txn", "abort", "--id", "payments")
	if err := open.EndTransaction(t.Context(), kgo.TryCommit); err == nil {
		t.Error("the producer could commit what was aborted")
	}
	if out, _ := c.run(0, "", "txn", "list", "--state", "Ongoing"); out != "" {
		t.Errorf("after the abort: %q", out)
	}
	if _, errOut := c.run(exitFailed, "", "txn", "abort", "--id", "billing"); !strings.Contains(errOut, "has no open transaction") {
		t.Errorf("abort of nothing: %q", errOut)
	}
}

// A transaction of which the coordinator does not know: here because its state was deleted.
func TestHangingTransactionThroughTheCommands(t *testing.T) {
	c := startCluster(t)
	defer c.stop()
	c.run(0, "", "topic", "create", "orders")
	c.run(0, "before\n", "produce", "orders")
	openTxn(t, c, "lost", "orders").Close()
	c.run(0, "", "topic", "delete", "__transaction_state")

	out, errOut := c.run(exitUnhealthy, "", "txn", "find-hanging", "orders", "--older-than", "0s", "-o", "json")
	var hanging []openTransaction
	if err := json.Unmarshal([]byte(out), &hanging); err != nil || len(hanging) != 1 || hanging[0].StartOffset != 1 || !strings.Contains(errOut, "sordini txn abort orders -p 0 --start-offset 1") {
		t.Fatalf("%v\n%s%s", err, out, errOut)
	}
	c.run(0, "", "txn", "find-hanging") // it wrote something a moment ago
	c.run(exitNotFound, "", "txn", "abort", "orders", "-p", "0", "--start-offset", "0")
	c.run(0, "", "txn", "abort", "orders", "-p", "0", "--start-offset", "1", "--dry-run")
	c.run(exitUnhealthy, "", "txn", "find-hanging", "--older-than", "0s")
	c.run(0, "", "txn", "abort", "orders", "-p", "0", "--start-offset", "1")
	c.run(0, "", "txn", "find-hanging", "--older-than", "0s")
}
