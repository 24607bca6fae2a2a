package api

import (
	"log/slog"
	"sync"
	"time"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/controller"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/protocol"
)

// Handlers is what the APIs are answered from. One value serves all connections.
type Handlers struct {
	Config       *config.Values
	Controller   *controller.Service
	Groups       *groupcoord.Service
	Transactions *groupcoord.TxnService
	Markers      *Markers
	Replicas     *replica.Manager
	Sessions     *FetchSessions
	Metrics      *Metrics
	Logger       *slog.Logger
	NodeID       int32

	// Image is the metadata as clients may see it: it follows the controller's image only after the partitions of it are open.
	Image func() *image.Image
	// SetLogLevel changes what is logged; nil where that is fixed.
	SetLogLevel func(slog.Level)
	// Versions is the API table as ApiVersions shows it.
	Versions []APIVersion
	// Advertised returns the address under which a client of this connection reaches this broker.
	Advertised func(*Conn) (host string, port int32)

	conversions sync.Pool // of *conversion
}

// APIVersion is one row of the API table.
type APIVersion struct{ Key, Min, Max int16 }

// Conn is what handlers know of a connection. It belongs to the connection's goroutine.
type Conn struct {
	ID         int64
	Listener   string
	RemoteHost string // as in "/127.0.0.1", Kafka's notation for client hosts
	LocalHost  string // the address that the client reached
	LocalPort  int32

	Seen Seen

	// Stop closes when long waits must end, because the broker drains or the connection ends; Gone only with the connection.
	Stop, Gone <-chan struct{}
	// Waiter and Timer are what this connection's long polls and acks sleep on; only one request waits at a time.
	Waiter *replica.Waiter
	// Rest sends what earlier requests of the turn have to say. A request calls it before it waits for other clients.
	Rest  func() error
	timer *time.Timer

	fetch fetchState
}

// Request is one request's header and its connection.
type Request struct {
	protocol.RequestHeader
	Conn *Conn
}

// deadline arms the connection's timer. The channel is valid until the next call.
func (c *Conn) deadline(d time.Duration) <-chan time.Time {
	if c.timer == nil {
		c.timer = time.NewTimer(d)
		return c.timer.C
	}
	c.timer.Reset(d) // since Go 1.23 no stale tick can be left in the channel
	return c.timer.C
}

func (c *Conn) disarm() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

func nowMs() int64 { return time.Now().UnixMilli() }
