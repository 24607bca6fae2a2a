package api

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/machine"
)

// What AlterConfigs and IncrementalAlterConfigs have in common: what only the broker that is asked can tell (its own id, its log), before the
// controller decides about the rest.

const resourceLogger = image.ResourceType(kmsg.ConfigResourceTypeBrokerLogger)

// changeConfigs makes changes and returns one result for each, in their order.
func (h *Handlers) changeConfigs(ctx context.Context, changes []machine.AlterConfigsResource, validateOnly bool) []machine.AlterConfigResult {
	results := make([]machine.AlterConfigResult, len(changes))
	var rest []machine.AlterConfigsResource
	var at []int // where the answers about rest belong
	for i, c := range changes {
		var refused *refusal
		switch {
		case c.Type == image.ResourceBroker && c.Name != "":
			if refused = h.checkOwnID(c.Name, "Unexpected broker id, expected %d, but received %s"); refused == nil {
				c.Name = h.nodeName() // Kafka takes 01 for 1
			}
		case c.Type == resourceLogger && !c.Replace:
			results[i].Err, results[i].Message = h.changeLogger(&c, validateOnly).parts()
			continue
		}
		if refused != nil {
			results[i].Err, results[i].Message = refused.parts()
			continue
		}
		rest, at = append(rest, c), append(at, i)
	}
	if len(rest) == 0 {
		return results
	}
	for i, r := range h.Controller.AlterConfigs(ctx, rest, validateOnly) {
		results[at[i]] = r
		if r.Err == nil && r.Type == image.ResourceBroker && !validateOnly {
			h.noteBrokerConfigs(rest[i].Ops)
		}
	}
	return results
}

// noteBrokerConfigs tells the operator of what was set in vain: whoever asked was told that it was done.
func (h *Handlers) noteBrokerConfigs(ops []machine.ConfigOp) {
	for _, op := range ops {
		if op.Op == machine.OpDelete {
			continue
		}
		reason, protects := config.Idle(op.Name, *op.Value)
		switch {
		case reason == "":
			h.Logger.Info("broker config was changed", "key", op.Name)
		case protects:
			h.Logger.Warn("broker config was changed that has no effect: do not rely on it", "key", op.Name, "reason", reason)
		default:
			h.Logger.Info("broker config was changed that has no effect", "key", op.Name, "reason", reason)
		}
	}
}

// refusal is Kafka's code and words for a change that is not made.
type refusal struct {
	code    *kerr.Error
	message string
}

func refuse(code *kerr.Error, format string, args ...any) *refusal {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// parts is nothing for nil.
func (r *refusal) parts() (*kerr.Error, string) {
	if r == nil {
		return nil, ""
	}
	return r.code, r.message
}

// checkOwnID refuses what is not this broker's id, in words that depend on who asks.
func (h *Handlers) checkOwnID(name, other string) *refusal {
	if _, err := strconv.ParseInt(name, 10, 32); err != nil {
		return refuse(kerr.InvalidRequest, "Node id must be an integer, but it is: %s", name)
	}
	if !h.isMyID(name) {
		return refuse(kerr.InvalidRequest, other, h.NodeID, name)
	}
	return nil
}

// rootLogger is the one logger that there is.
const rootLogger = "root"

// logLevels are Kafka's names of levels, from the most that is logged to the least.
var logLevels = []struct {
	name  string
	level slog.Level
}{
	{"TRACE", slog.LevelDebug - 4}, {"DEBUG", slog.LevelDebug}, {"INFO", slog.LevelInfo}, {"WARN", slog.LevelWarn}, {"ERROR", slog.LevelError}, {"FATAL", slog.LevelError + 4},
}

// changeLogger sets the level of the log.
func (h *Handlers) changeLogger(c *machine.AlterConfigsResource, validateOnly bool) *refusal {
	if refused := h.checkOwnID(c.Name, "Unexpected node id. Expected %d, but received %s"); refused != nil {
		return refused
	}
	var level slog.Level
	for i, op := range c.Ops {
		if slices.ContainsFunc(c.Ops[:i], func(before machine.ConfigOp) bool { return before.Name == op.Name }) {
			return refuse(kerr.InvalidRequest, "Error due to duplicate config keys")
		}
		var refused *refusal
		if level, refused = levelOf(op); refused != nil {
			return refused
		}
	}
	if len(c.Ops) == 0 || validateOnly {
		return nil
	}
	if h.SetLogLevel == nil {
		return refuse(kerr.InvalidRequest, "The level of the log is fixed in this broker.")
	}
	h.SetLogLevel(level)
	return nil
}

// levelOf checks one change of a logger.
func levelOf(op machine.ConfigOp) (slog.Level, *refusal) {
	switch {
	case op.Op == machine.OpAppend:
		return 0, refuse(kerr.InvalidRequest, "APPEND operation is not allowed for the BROKER_LOGGER resource")
	case op.Op == machine.OpSubtract:
		return 0, refuse(kerr.InvalidRequest, "SUBTRACT operation is not allowed for the BROKER_LOGGER resource")
	case op.Op != machine.OpSet && op.Op != machine.OpDelete:
		return 0, refuse(kerr.InvalidRequest, "Unknown operation type %d.", op.Op)
	case op.Value == nil && op.Op == machine.OpSet:
		return 0, refuse(kerr.InvalidRequest, "Null value not supported for : %s", op.Name)
	case op.Name != rootLogger:
		return 0, refuse(kerr.InvalidConfig, "Logger %s does not exist!", op.Name)
	case op.Op == machine.OpDelete:
		return 0, refuse(kerr.InvalidRequest, "Removing the log level of the root logger is not allowed")
	}
	for _, l := range logLevels {
		if l.name == *op.Value {
			return l.level, nil
		}
	}
	return 0, refuse(kerr.InvalidConfig, "Cannot set the log level of %s to %s as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN", op.Name, *op.Value)
}
