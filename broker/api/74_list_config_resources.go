package api

import (
	"context"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/image"
)

// ListConfigResources, versions 0-1 (KIP-1142; version 0 is ListClientMetricsResources of KIP-714).
//
// v0 lists client-metrics subscriptions alone · v1 lists resources of the types asked for, none for all, with their types.

// listedTypes are the types that can be asked for, in the order in which they are answered.
var listedTypes = []kmsg.ConfigResourceType{
	kmsg.ConfigResourceTypeGroupConfig, kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeBrokerLogger, kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeTopic,
}

// ListConfigResources names what configs can be described of: topics and brokers, and the groups and subscriptions that have some.
func (h *Handlers) ListConfigResources(_ context.Context, _ *Request, q *kmsg.ListConfigResourcesRequest) *kmsg.ListConfigResourcesResponse {
	resp := kmsg.NewPtrListConfigResourcesResponse()
	wanted := []kmsg.ConfigResourceType{kmsg.ConfigResourceTypeClientMetrics}
	if q.Version >= 1 {
		wanted = make([]kmsg.ConfigResourceType, len(q.ResourceTypes))
		for i, t := range q.ResourceTypes {
			if wanted[i] = kmsg.ConfigResourceType(t); !slices.Contains(listedTypes, wanted[i]) {
				resp.ErrorCode = kerr.UnsupportedVersion.Code
				return resp
			}
		}
	}
	img := h.Image()
	for _, t := range listedTypes {
		if len(wanted) > 0 && !slices.Contains(wanted, t) {
			continue
		}
		for _, name := range resourcesOf(img, t) {
			r := kmsg.NewListConfigResourcesResponseConfigResource()
			r.Name, r.Type = name, int8(t)
			resp.ConfigResources = append(resp.ConfigResources, r)
		}
	}
	return resp
}

// resourcesOf names the resources of a type, in order.
func resourcesOf(img *image.Image, t kmsg.ConfigResourceType) (names []string) {
	switch t {
	case kmsg.ConfigResourceTypeTopic:
		for topic := range img.Topics() {
			names = append(names, topic.Name)
		}
	case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger:
		for b := range img.Brokers() {
			names = append(names, nodeText(b.ID))
		}
	default:
		for r := range img.AllConfigs() {
			if r.Type == image.ResourceType(t) {
				names = append(names, r.Name)
			}
		}
	}
	return names
}
