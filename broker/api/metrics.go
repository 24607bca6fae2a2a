package api

import "sync/atomic"

// Metrics are the broker's counters. They are plain atomics that the request path adds to; the HTTP endpoint reads them when it is asked.
type Metrics struct {
	Requests [96]atomic.Int64 // by API key

	BytesIn, BytesOut                atomic.Int64 // record bytes, as in BrokerTopicMetrics
	FailedProduce, FailedFetch       atomic.Int64 // partitions that were answered with an error
	UpConversions, DownConversions   atomic.Int64 // record sets converted from, and to, message formats 0 and 1
	Recompressions                   atomic.Int64 // batches that compression.type demanded in another codec
	DamageFound                      atomic.Int64 // damaged places in logs
	BytesCopiedOut                   atomic.Int64 // record bytes that were copied into an answer: converted ones
	BytesMoved                       atomic.Int64 // bytes that were copied after they were read from a socket: split frames
	Connections, ConnectionsAccepted atomic.Int64
	ConnectionsRefused               atomic.Int64
}

// Request counts a request that was taken in.
func (m *Metrics) Request(key int16) { m.Requests[key].Add(1) }
