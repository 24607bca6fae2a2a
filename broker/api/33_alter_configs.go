package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
)

// AlterConfigs, versions 0-2 (KIP-133).
//
// v2 flexible. It sets what is named and deletes everything else that was set, which IncrementalAlterConfigs was made to avoid. Loggers are not
// its business.

// AlterConfigs replaces the configs of resources.
func (h *Handlers) AlterConfigs(ctx context.Context, _ *Request, q *kmsg.AlterConfigsRequest) *kmsg.AlterConfigsResponse {
	changes := make([]machine.AlterConfigsResource, len(q.Resources))
	for i := range q.Resources {
		r := &q.Resources[i]
		changes[i] = machine.AlterConfigsResource{Type: image.ResourceType(r.ResourceType), Name: r.ResourceName, Replace: true}
		for _, c := range r.Configs {
			changes[i].Ops = append(changes[i].Ops, machine.ConfigOp{Name: c.Name, Op: machine.OpSet, Value: c.Value})
		}
	}
	resp := kmsg.NewPtrAlterConfigsResponse()
	for i, result := range h.changeConfigs(ctx, changes, q.ValidateOnly) {
		r := kmsg.NewAlterConfigsResponseResource()
		r.ResourceType, r.ResourceName = q.Resources[i].ResourceType, q.Resources[i].ResourceName
		if result.Err != nil {
			r.ErrorCode, r.ErrorMessage = result.Err.Code, &result.Message
		}
		resp.Resources = append(resp.Resources, r)
	}
	return resp
}
