package broker

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// connectedClient is one connection in the answer of GET /clients.
type connectedClient struct {
	ID              int64            `json:"id"`
	Remote          string           `json:"remote"`
	Listener        string           `json:"listener"`
	ClientID        string           `json:"client_id"`
	Software        string           `json:"software"`         // from ApiVersions 3+, of Kafka 2.4; empty for older clients
	SoftwareVersion string           `json:"software_version"` // likewise
	ConnectedMs     int64            `json:"connected_ms"`     // for how long
	IdleMs          int64            `json:"idle_ms"`          // since bytes last went in or out
	Requests        int64            `json:"requests"`
	UpConversions   int64            `json:"up_conversions"`   // record sets
	DownConversions int64            `json:"down_conversions"` // record sets
	Versions        map[string]int16 `json:"versions"`         // by API name: the newest version that was asked
}

// listClients answers GET /clients: who is connected, oldest connection first.
func (s *Server) listClients(w http.ResponseWriter, _ *http.Request) {
	clients := []connectedClient{}
	now := time.Now().UnixMilli()
	s.table.each(func(c *conn) { clients = append(clients, c.describe(now)) })
	slices.SortFunc(clients, func(a, b connectedClient) int { return cmp.Compare(a.ID, b.ID) })
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(clients) // an error is the asker's: it went
}

func (c *conn) describe(nowMs int64) connectedClient {
	seen := &c.facts.Seen
	software := seen.Software()
	d := connectedClient{
		ID: c.facts.ID, Remote: c.tcp.RemoteAddr().String(), Listener: c.facts.Listener, ClientID: seen.ClientID(),
		Software: software.Name, SoftwareVersion: software.Version,
		ConnectedMs: max(nowMs-c.sinceMs, 0), IdleMs: max(nowMs-c.tcp.usedMs.Load(), 0),
		Requests: seen.Requests.Load(), UpConversions: seen.UpConversions.Load(), DownConversions: seen.DownConversions.Load(),
		Versions: map[string]int16{},
	}
	seen.Newest(func(key, version int16) { d.Versions[kmsg.NameForKey(key)] = version })
	return d
}
