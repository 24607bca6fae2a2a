package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ApiVersions, versions 0-5.
//
// v1 throttle time · v3 flexible, client software (KIP-511), features (KIP-584) · v4 features whose minimum is 0 · v5 the cluster and node
// that the client means to talk to (KIP-1242).
//
// The response header is always version 0, and an unknown version is answered in the shape of version 0, with the row of ApiVersions itself,
// so that the client can try again. Of Kafka's features only those are shown of which everything is served.

// ApiVersions tells which APIs and versions are served.
func (h *Handlers) ApiVersions(_ context.Context, req *Request, q *kmsg.ApiVersionsRequest) *kmsg.ApiVersionsResponse {
	resp := kmsg.NewPtrApiVersionsResponse()
	if q.Version >= 3 && (!softwareName(q.ClientSoftwareName) || !softwareName(q.ClientSoftwareVersion)) {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	if q.Version >= 5 && (q.ClusterID == nil) != (q.NodeID == -1) {
		resp.ErrorCode = kerr.InvalidRequest.Code // a client means a node of a cluster, or nobody
		return resp
	}
	if q.Version >= 5 && h.meansAnother(q) {
		resp.ErrorCode = kerr.RebootstrapRequired.Code
		return resp
	}
	if q.Version >= 3 {
		req.Conn.Seen.software.Store(&Software{Name: q.ClientSoftwareName, Version: q.ClientSoftwareVersion})
	}
	for _, v := range h.Versions {
		resp.ApiKeys = append(resp.ApiKeys, apiKey(v))
	}
	if q.Version >= 3 {
		h.addFeatures(q.Version, resp)
	}
	return resp
}

// transactionVersion is the level of the feature transaction.version: 2 is KIP-890, by which a producer gets a new epoch with every transaction.
const transactionVersion = 2

// addFeatures shows what levels of features there are, and which is in force. A feature that may be off is hidden from version 3, whose clients
// take a minimum of 0 for a mistake (KAFKA-17011).
func (h *Handlers) addFeatures(version int16, resp *kmsg.ApiVersionsResponse) {
	const name = "transaction.version"
	if version >= 4 {
		supported := kmsg.NewApiVersionsResponseSupportedFeature()
		supported.Name, supported.MinVersion, supported.MaxVersion = name, 0, transactionVersion
		resp.SupportedFeatures = append(resp.SupportedFeatures, supported)
	}
	finalized := kmsg.NewApiVersionsResponseFinalizedFeature()
	finalized.Name, finalized.MinVersionLevel, finalized.MaxVersionLevel = name, transactionVersion, transactionVersion
	resp.FinalizedFeatures = append(resp.FinalizedFeatures, finalized)
	resp.FinalizedFeaturesEpoch = max(h.Image().Offset, 0)
}

// meansAnother tells whether the client names a cluster or a node that this is not: it holds an address that has changed hands.
func (h *Handlers) meansAnother(q *kmsg.ApiVersionsRequest) bool {
	if q.ClusterID == nil {
		return false
	}
	return *q.ClusterID != h.Image().ClusterID || q.NodeID != h.NodeID
}

func apiKey(v APIVersion) kmsg.ApiVersionsResponseApiKey {
	k := kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = v.Key, v.Min, v.Max
	return k
}

// UnsupportedApiVersions answers a version of ApiVersions that is not known.
func (h *Handlers) UnsupportedApiVersions(req *Request, out *Out) {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.ErrorCode = kerr.UnsupportedVersion.Code
	for _, v := range h.Versions {
		if v.Key == req.Key {
			resp.ApiKeys = append(resp.ApiKeys, apiKey(v))
		}
	}
	m := out.Begin(&req.RequestHeader)
	out.Buf = resp.AppendTo(out.Buf)
	out.End(m)
}

// softwareName is Kafka's pattern for client software names and versions: letters and digits, with dots and dashes inside.
func softwareName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		inside := (c == '.' || c == '-') && i > 0 && i < len(s)-1
		if !alnum && !inside {
			return false
		}
	}
	return s != ""
}
