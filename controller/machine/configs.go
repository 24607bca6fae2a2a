package machine

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// AlterConfigs changes configurations of resources. The reply is an []AlterConfigResult, one for each resource of the
// request and in their order. Each resource is changed completely or not at all, independent of the others.
type AlterConfigs struct {
	Resources    []AlterConfigsResource
	ValidateOnly bool
}

// AlterConfigsResource is one resource of an AlterConfigs.
type AlterConfigsResource struct {
	Type image.ResourceType
	Name string
	Ops  []ConfigOp

	// Replace is the old AlterConfigs: what Ops does not name is deleted.
	Replace bool
}

// OpType is Kafka's number for what is done to a configuration.
type OpType int8

// What can be done to a configuration.
const (
	OpSet      OpType = 0
	OpDelete   OpType = 1
	OpAppend   OpType = 2
	OpSubtract OpType = 3
)

// ConfigOp is one change of one configuration.
type ConfigOp struct {
	Name  string
	Op    OpType
	Value *string // nil only with OpDelete
}

// AlterConfigResult is the answer for one resource.
type AlterConfigResult struct {
	Type    image.ResourceType
	Name    string
	Err     *kerr.Error
	Message string
}

func (ev AlterConfigs) decide(m *Machine, _ int64) Decision {
	seen := map[image.Resource]int{}
	for _, r := range ev.Resources {
		seen[image.Resource{Type: r.Type, Name: r.Name}]++
	}
	var all []record.Record
	results := make([]AlterConfigResult, 0, len(ev.Resources))
	for i := range ev.Resources {
		r := &ev.Resources[i]
		res := AlterConfigResult{Type: r.Type, Name: r.Name}
		key := image.Resource{Type: r.Type, Name: r.Name}
		var records []record.Record
		var fault *apiError
		if seen[key] > 1 {
			fault = refuse(kerr.InvalidRequest, "Each resource must appear at most once.")
		} else {
			records, fault = m.alterResource(key, r)
		}
		if fault != nil {
			res.Err, res.Message = fault.code, fault.message
		}
		all = append(all, records...)
		results = append(results, res)
	}
	if ev.ValidateOnly {
		all = nil
	}
	return Decision{Records: all, Reply: results}
}

func (m *Machine) alterResource(key image.Resource, r *AlterConfigsResource) ([]record.Record, *apiError) {
	if fault := m.checkResource(key); fault != nil {
		return nil, fault
	}
	if fault := checkOps(r.Ops); fault != nil {
		return nil, fault
	}
	before := m.img.Configs(key.Type, key.Name)
	after := maps.Clone(before)
	if after == nil || r.Replace {
		after = map[string]string{}
	}
	for _, op := range r.Ops {
		if fault := m.alterOne(key, after, op); fault != nil {
			return nil, fault
		}
	}
	if fault := m.validateConfigs(key, after); fault != nil {
		return nil, fault
	}
	return configRecords(key, before, after), nil
}

// checkOps refuses what no resource takes: a name twice, a missing value, an operation that does not exist.
func checkOps(ops []ConfigOp) *apiError {
	names := map[string]bool{}
	for _, op := range ops {
		if names[op.Name] {
			return refuse(kerr.InvalidRequest, "Error due to duplicate config keys")
		}
		names[op.Name] = true
		if op.Op < OpSet || op.Op > OpSubtract {
			return refuse(kerr.InvalidRequest, "Unknown operation type %d.", op.Op)
		}
		if op.Value == nil && op.Op != OpDelete {
			return refuse(kerr.InvalidRequest, "Null value not supported for : %s", op.Name)
		}
		if op.Value != nil && len(*op.Value) > record.MaxStringBytes {
			return refuse(kerr.InvalidConfig, "The configuration value cannot be added because it exceeds the "+
				"maximum value size of %d bytes.", record.MaxStringBytes)
		}
	}
	return nil
}

// alterOne does one operation on the configurations of a resource.
func (m *Machine) alterOne(key image.Resource, configs map[string]string, op ConfigOp) *apiError {
	switch op.Op {
	case OpSet:
		configs[op.Name] = *op.Value
		return nil
	case OpDelete:
		delete(configs, op.Name)
		return nil
	}
	fallback, isList := "", false
	if m.cfg.ListConfig != nil {
		fallback, isList = m.cfg.ListConfig(key.Type, op.Name)
	}
	if !isList {
		if op.Op == OpAppend {
			return refuse(kerr.InvalidConfig, "Can't APPEND to key %s because its type is not LIST.", op.Name)
		}
		return refuse(kerr.InvalidConfig, "Can't SUBTRACT to key %s because its type is not LIST.", op.Name)
	}
	value, ok := configs[op.Name]
	if !ok {
		value = fallback
	}
	items := splitList(value)
	for _, item := range splitList(*op.Value) {
		at := slices.Index(items, item)
		if op.Op == OpAppend && at < 0 {
			items = append(items, item)
		}
		if op.Op == OpSubtract && at >= 0 {
			items = slices.Delete(items, at, at+1)
		}
	}
	value = strings.Join(items, ",")
	if len(value) > record.MaxStringBytes {
		return refuse(kerr.InvalidConfig, "The configuration value cannot be added because it exceeds the "+
			"maximum value size of %d bytes.", record.MaxStringBytes)
	}
	configs[op.Name] = value
	return nil
}

func splitList(s string) (items []string) {
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// checkResource checks that configurations can be kept for a resource.
func (m *Machine) checkResource(r image.Resource) *apiError {
	switch r.Type {
	case image.ResourceTopic:
		if r.Name == "" {
			return refuse(kerr.InvalidRequest, "Default topic resources are not allowed.")
		}
		if problem := ValidateTopicName(r.Name); problem != "" {
			return refuse(kerr.InvalidTopicException, "%s", problem)
		}
		if m.img.Topic(r.Name) == nil {
			return refuse(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", r.Name)
		}
	case image.ResourceBroker:
		if r.Name == "" {
			return nil
		}
		id, err := strconv.ParseInt(r.Name, 10, 32)
		if err != nil {
			return refuse(kerr.InvalidRequest, "Unable to parse broker name as a base 10 number.")
		}
		if id < 0 {
			return refuse(kerr.InvalidRequest, "Invalid negative broker ID.")
		}
		if m.img.Broker(int32(id)) == nil {
			return refuse(kerr.BrokerIDNotRegistered, "No broker with id %d found.", id)
		}
	case image.ResourceGroup, image.ResourceClientMetrics:
		if r.Name == "" && r.Type == image.ResourceGroup {
			return refuse(kerr.InvalidRequest, "Default group resources are not allowed.")
		}
		if r.Name == "" {
			return refuse(kerr.InvalidRequest, "Subscription name can't be empty")
		}
		if len(r.Name) > record.MaxStringBytes {
			return refuse(kerr.InvalidRequest, "The name of the resource is too long.")
		}
	}
	return nil
}

// validateConfigs asks the validator of the kind of resource.
func (m *Machine) validateConfigs(r image.Resource, configs map[string]string) *apiError {
	var validate func(map[string]string) error
	switch r.Type {
	case image.ResourceTopic:
		validate = m.cfg.ValidateTopicConfig
	case image.ResourceBroker:
		if m.cfg.ValidateBrokerConfig != nil {
			validate = func(c map[string]string) error { return m.cfg.ValidateBrokerConfig(r.Name == "", c) }
		}
	case image.ResourceGroup:
		validate = m.cfg.ValidateGroupConfig
	case image.ResourceClientMetrics:
		validate = m.cfg.ValidateClientMetricsConfig
	}
	if validate == nil {
		return refuse(kerr.InvalidRequest, "Unknown resource type %d", r.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		if len(name) > record.MaxStringBytes || len(configs[name]) > record.MaxStringBytes {
			return refuse(kerr.InvalidConfig, "The configuration value cannot be added because it exceeds the "+
				"maximum value size of %d bytes.", record.MaxStringBytes)
		}
	}
	if err := validate(configs); err != nil {
		code := kerr.InvalidConfig
		if other := (*kerr.Error)(nil); errors.As(err, &other) {
			code = other
		}
		return refuse(code, "%s", err.Error())
	}
	return nil
}

// configRecords returns the records that lead from one set of configurations to another, by name.
func configRecords(r image.Resource, before, after map[string]string) (records []record.Record) {
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		old, was := before[name]
		value, is := after[name]
		if was == is && old == value {
			continue
		}
		c := &record.Config{ResourceType: int8(r.Type), ResourceName: r.Name, Name: name}
		if is {
			c.Value = &value
		}
		records = append(records, c)
	}
	return records
}
