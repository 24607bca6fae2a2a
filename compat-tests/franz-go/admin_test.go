package franzgo

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// adminCalls are kadm's, by their names in the harness, each with the request that it needs.
var adminCalls = map[string]struct {
	key kmsg.Key
	do  func(context.Context, *kadm.Client, map[string]any) (any, error)
}{
	"create": {kmsg.CreateTopics, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		configs := map[string]*string{}
		for name, value := range a["configs"].(map[string]string) {
			configs[name] = &value
		}
		_, err := adm.CreateTopic(ctx, int32(a["partitions"].(int)), 1, configs, a["topic"].(string))
		return nil, err
	}},
	"topics": {kmsg.Metadata, func(ctx context.Context, adm *kadm.Client, _ map[string]any) (any, error) {
		topics, err := adm.ListTopics(ctx)
		return topics.Names(), err
	}},
	"config": {kmsg.DescribeConfigs, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		configs, err := adm.DescribeTopicConfigs(ctx, a["topic"].(string))
		if err != nil || len(configs) != 1 {
			return nil, fmt.Errorf("%d resources: %w", len(configs), err)
		}
		i := slices.IndexFunc(configs[0].Configs, func(c kadm.Config) bool { return c.Key == a["name"] })
		if i < 0 {
			return nil, fmt.Errorf("no %v: %w", a["name"], configs[0].Err)
		}
		return configs[0].Configs[i].MaybeValue(), configs[0].Err
	}},
	"alter": {kmsg.AlterConfigs, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		value := a["value"].(string)
		answers, err := adm.AlterTopicConfigsState(ctx, []kadm.AlterConfig{{Name: a["name"].(string), Value: &value}}, a["topic"].(string))
		if err == nil {
			err = answers[0].Err
		}
		return nil, err
	}},
	"grow": {kmsg.CreatePartitions, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		answers, err := adm.UpdatePartitions(ctx, a["partitions"].(int), a["topic"].(string))
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	}},
	"truncate": {kmsg.DeleteRecords, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		var o kadm.Offsets
		o.AddOffset(a["topic"].(string), int32(a["partition"].(int)), int64(a["offset"].(int)), -1)
		answers, err := adm.DeleteRecords(ctx, o)
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	}},
	"groups": {kmsg.ListGroups, func(ctx context.Context, adm *kadm.Client, _ map[string]any) (any, error) {
		groups, err := adm.ListGroups(ctx)
		return groups.Groups(), err
	}},
	"group": {kmsg.DescribeGroups, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		groups, err := adm.DescribeGroups(ctx, a["group"].(string))
		return groups[a["group"].(string)].State, err
	}},
	"committed": {kmsg.OffsetFetch, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		offsets, err := adm.FetchOffsetsForTopics(ctx, a["group"].(string), a["topic"].(string))
		o, _ := offsets.Lookup(a["topic"].(string), int32(a["partition"].(int)))
		return o.At, err
	}},
	"dropGroup": {kmsg.DeleteGroups, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		answers, err := adm.DeleteGroups(ctx, a["group"].(string))
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	}},
	"drop": {kmsg.DeleteTopics, func(ctx context.Context, adm *kadm.Client, a map[string]any) (any, error) {
		answers, err := adm.DeleteTopics(ctx, a["topic"].(string))
		if err == nil {
			err = answers.Error()
		}
		return nil, err
	}},
}

func adminOps(atLeast func(kmsg.Key, int16) bool) (ops []string) {
	for op, call := range adminCalls {
		lowest := int16(0)
		if op == "committed" {
			lowest = 2 // kadm asks for all partitions first, which older versions cannot say
		}
		if atLeast(call.key, lowest) {
			ops = append(ops, op)
		}
	}
	return ops
}

func (c *client) AdminCall(t testing.TB, op string, args map[string]any, result any) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	cl := c.connect(t)
	defer cl.Close()
	answer, err := adminCalls[op].do(ctx, kadm.NewClient(cl), args)
	if err != nil {
		return err
	}
	switch r := result.(type) {
	case *string:
		*r = answer.(string)
	case *int64:
		*r = answer.(int64)
	case *[]string:
		*r = answer.([]string)
	}
	return nil
}
