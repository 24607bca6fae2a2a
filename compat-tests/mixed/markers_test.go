package mixed

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

const markersTopic = "mixed-markers"

// writeTransactions fills a topic with committed and aborted transactions of three records, by every version that has them.
// Each is followed by a marker. It returns how many records there are, 0 if the broker has no transactions.
func writeTransactions(t *testing.T, b *harness.Broker, versions []harness.Version) (records int) {
	t.Helper()
	if !b.Advertises(t, kmsg.EndTxn) {
		return 0
	}
	create(t, b, markersTopic, nil)
	for _, v := range versions {
		c := v.Start(t, b)
		transactor, ok := c.(harness.Transactor)
		if !ok || !c.Features().Transactions {
			c.Close(t)
			continue
		}
		x := transactor.OpenTransactions(t, v.Name)
		for _, end := range []func(testing.TB) error{x.Commit, x.Abort} {
			must(t, x.Begin(t))
			var three []harness.Record
			for range 3 {
				three = append(three, harness.Record{Timestamp: harness.TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(records))})
				records++
			}
			must(t, x.Send(t, markersTopic, three))
			must(t, end(t))
		}
		x.Close(t)
		c.Close(t)
	}
	return records
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readMarkers: a reader without isolation sees every record, and waits in peace where only a marker is left. Clients before 0.11
// do not know markers; Apache Kafka sends them the fragment of a message that looks too large, and they fail.
func readMarkers(t *testing.T, b *harness.Broker, c harness.Client, records int) string {
	t.Helper()
	if c.Name() == handsOverMarkers {
		return readWithMarkers(t, c, records)
	}
	got := c.Fetch(t, markersTopic, 0, 0, records)
	if len(got) != records {
		t.Errorf("%s reads %d records among markers, want %d", c.Name(), len(got), records)
	}
	for i, r := range got {
		if want := int64(i + i/3); string(r.Value) != strconv.Itoa(i) || r.Offset != want {
			t.Errorf("%s reads %s at offset %d, want %d at %d", c.Name(), r.Value, r.Offset, i, want)
			break
		}
	}
	if b.Target != "sordini" && !c.Features().Headers {
		return "but for the last marker"
	}
	marker := int64(records + records/3 - 1)
	if rest := c.(*harness.Agent).FetchWithin(t, markersTopic, 0, marker, 1, time.Second); len(rest) != 0 {
		t.Errorf("%s reads %d records where only a marker is", c.Name(), len(rest))
	}
	return fmt.Sprintf("of %d transactions", records/3)
}

// handsOverMarkers takes markers for records: see its FINDINGS.md.
const handsOverMarkers = "kafka-python-2.0.2"

func readWithMarkers(t *testing.T, c harness.Client, records int) string {
	t.Helper()
	all := records + records/3
	next := 0
	for _, r := range c.Fetch(t, markersTopic, 0, 0, all) {
		if isMarker := r.Offset%4 == 3; !isMarker {
			if string(r.Value) != strconv.Itoa(next) {
				t.Errorf("%s reads %q at offset %d, want %d", c.Name(), r.Value, r.Offset, next)
			}
			next++
		}
	}
	if next != records {
		t.Errorf("%s reads %d records beside markers, want %d", c.Name(), next, records)
	}
	return fmt.Sprintf("of %d transactions, and hands the markers over as records", records/3)
}
