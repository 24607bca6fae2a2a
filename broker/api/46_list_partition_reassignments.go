package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ListPartitionReassignments, version 0 (KIP-455). Flexible. Partitions that are not being moved are left out, also those that do not exist.

// ListPartitionReassignments tells that no partition is being moved, for there is nowhere to move it to.
func (h *Handlers) ListPartitionReassignments(context.Context, *Request, *kmsg.ListPartitionReassignmentsRequest) *kmsg.ListPartitionReassignmentsResponse {
	return kmsg.NewPtrListPartitionReassignmentsResponse()
}
