package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
)

// IncrementalAlterConfigs, versions 0-1 (KIP-339).
//
// v1 flexible. Each config of a resource is set, deleted, or, where it is a list, appended to or subtracted from; what is not named stays. A resource
// is changed completely or not at all. Topics' and brokers' configs hold on running logs when the answer leaves. The level of the log is the
// logger "root" of the resource type BROKER_LOGGER (KIP-412), and lasts until the broker ends.

// IncrementalAlterConfigs changes configs of resources.
func (h *Handlers) IncrementalAlterConfigs(ctx context.Context, _ *Request, q *kmsg.IncrementalAlterConfigsRequest) *kmsg.IncrementalAlterConfigsResponse {
	changes := make([]machine.AlterConfigsResource, len(q.Resources))
	for i := range q.Resources {
		r := &q.Resources[i]
		changes[i] = machine.AlterConfigsResource{Type: image.ResourceType(r.ResourceType), Name: r.ResourceName}
		for _, c := range r.Configs {
			changes[i].Ops = append(changes[i].Ops, machine.ConfigOp{Name: c.Name, Op: machine.OpType(c.Op), Value: c.Value})
		}
	}
	resp := kmsg.NewPtrIncrementalAlterConfigsResponse()
	for i, result := range h.changeConfigs(ctx, changes, q.ValidateOnly) {
		r := kmsg.NewIncrementalAlterConfigsResponseResource()
		r.ResourceType, r.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		if result.Err != nil {
			r.ErrorCode, r.ErrorMessage = result.Err.Code, &result.Message
		}
		resp.Resources = append(resp.Resources, r)
	}
	return resp
}
