package harness

import (
	"context"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lacks names those of the APIs that the broker does not advertise. A broker that does not answer lacks nothing: the step
// that asks will fail by itself.
func (b *Broker) lacks(keys ...kmsg.Key) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		return ""
	}
	defer client.Close()
	answer, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return ""
	}
	advertised := map[int16]bool{}
	for _, k := range answer.ApiKeys {
		advertised[k.ApiKey] = true
	}
	var missing []string
	for _, k := range keys {
		if !advertised[k.Int16()] {
			missing = append(missing, k.Name())
		}
	}
	return strings.Join(missing, " ")
}
