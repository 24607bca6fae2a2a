package api

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord"
)

// WriteTxnMarkers, versions 0-2. Between brokers, and of the admin who ends a hanging transaction.
//
// v1 flexible · v2 transaction version (KIP-1228): with 2 the epoch has to be above the one of the transaction.

// WriteTxnMarkers answers when the markers are committed.
func (h *Handlers) WriteTxnMarkers(ctx context.Context, _ *Request, q *kmsg.WriteTxnMarkersRequest) *kmsg.WriteTxnMarkersResponse {
	var markers []groupcoord.Marker
	for i := range q.Markers {
		m := &q.Markers[i]
		for _, t := range m.Topics {
			for _, partition := range t.Partitions {
				markers = append(markers, groupcoord.Marker{
					Topic: t.Topic, Partition: partition, ProducerID: m.ProducerID, ProducerEpoch: m.ProducerEpoch, Commit: m.Committed,
					CoordinatorEpoch: m.CoordinatorEpoch, TransactionVersion: int16(m.TransactionVersion),
				})
			}
		}
	}
	errs := h.Markers.write(ctx, markers)
	resp := kmsg.NewPtrWriteTxnMarkersResponse()
	for i := range q.Markers {
		one := kmsg.NewWriteTxnMarkersResponseMarker()
		one.ProducerID = q.Markers[i].ProducerID
		for _, t := range q.Markers[i].Topics {
			topic := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
			topic.Topic = t.Topic
			for _, partition := range t.Partitions {
				p := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
				p.Partition, p.ErrorCode = partition, markerCode(errs[0])
				topic.Partitions, errs = append(topic.Partitions, p), errs[1:]
			}
			one.Topics = append(one.Topics, topic)
		}
		if markedPartitions(one.Topics) > 0 { // of nothing nothing is said
			resp.Markers = append(resp.Markers, one)
		}
	}
	return resp
}

func markedPartitions(topics []kmsg.WriteTxnMarkersResponseMarkerTopic) (n int) {
	for i := range topics {
		n += len(topics[i].Partitions)
	}
	return n
}

func markerCode(err error) int16 {
	var known *kerr.Error
	if err != nil && !errors.As(err, &known) {
		return kerr.KafkaStorageError.Code
	}
	return codeOf(err)
}
