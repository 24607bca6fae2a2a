package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeCluster, versions 0-2.
//
// v1 endpoint type: brokers or controllers (KIP-919) · v2 fenced brokers (KIP-1073). Controllers have no listener of their own here; the
// answer for that endpoint type is Kafka's for a broker listener.

const endpointBrokers = 1

// DescribeCluster names the cluster and its brokers.
func (h *Handlers) DescribeCluster(_ context.Context, req *Request, q *kmsg.DescribeClusterRequest) *kmsg.DescribeClusterResponse {
	resp := kmsg.NewPtrDescribeClusterResponse()
	if q.Version >= 1 {
		if q.EndpointType != endpointBrokers {
			resp.ErrorCode = kerr.MismatchedEndpointType.Code
			message := "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
			if q.EndpointType != 2 {
				resp.ErrorCode = kerr.UnsupportedEndpointType.Code
				message = "Unsupported endpoint type"
			}
			resp.ErrorMessage = &message
			return resp
		}
	}
	img := h.Image()
	host, port := h.Advertised(req.Conn)
	resp.ClusterID, resp.ControllerID = img.ClusterID, h.NodeID
	for b := range img.Brokers() {
		if b.Fenced && !q.IncludeFencedBrokers {
			continue
		}
		broker := kmsg.NewDescribeClusterResponseBroker()
		broker.NodeID, broker.Host, broker.Port, broker.IsFenced = b.ID, host, port, b.Fenced
		if b.Rack != "" {
			broker.Rack = &b.Rack
		}
		resp.Brokers = append(resp.Brokers, broker)
	}
	if q.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = clusterOperations
	}
	return resp
}
