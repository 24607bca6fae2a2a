package broker

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

func TestOldClientsAreFoundAmongTheConnected(t *testing.T) {
	s := startServer(t, t.TempDir())
	produce(t, s, "orders", 0, 3)
	old := s.client(t, kgo.ClientID("report-job"), kgo.MaxVersions(kversion.V0_10_0()), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for seen := 0; seen < 3; {
		fetches := old.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		seen += fetches.NumRecords()
	}
	answer := httptest.NewRecorder()
	s.httpHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/clients", nil))
	var clients []connectedClient
	if err := json.Unmarshal(answer.Body.Bytes(), &clients); err != nil {
		t.Fatal(err)
	}
	var converted, newest int
	for _, c := range clients {
		if c.ClientID != "report-job" {
			continue // the producer's connections are closed by it, and here only when their goroutines come to see it
		}
		if c.Requests == 0 || c.Listener != "PLAINTEXT" {
			t.Errorf("connection %+v", c)
		}
		if c.DownConversions > 0 {
			converted++
			newest = int(c.Versions["Fetch"])
		}
	}
	if converted != 1 || newest != 2 {
		t.Errorf("%d connections with conversions, with Fetch %d; want 1 with version 2", converted, newest)
	}
	if up, down := s.replicas.Topic("orders").UpConversions.Load(), s.replicas.Topic("orders").DownConversions.Load(); up != 0 || down == 0 {
		t.Errorf("the topic counts %d up and %d down", up, down)
	}
}
