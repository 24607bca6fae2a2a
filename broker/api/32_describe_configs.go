package api

import (
	"context"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/controller/image"
)

// DescribeConfigs, versions 0-4.
//
// v1 sources and synonyms (KIP-226) · v3 types and documentation (KIP-569) · v4 flexible.
//
// Kafka Streams, Connect, Schema Registry, ksqlDB and every user interface stand on this answer, so it holds every config that Kafka 4.4
// knows, whether it does something here or not.

// DescribeConfigs shows configs of topics, brokers, loggers, groups and client-metrics subscriptions.
func (h *Handlers) DescribeConfigs(ctx context.Context, _ *Request, q *kmsg.DescribeConfigsRequest) *kmsg.DescribeConfigsResponse {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	img := h.Image()
	values := h.dynamicValues(img)
	for i := range q.Resources {
		want := &q.Resources[i]
		r := kmsg.NewDescribeConfigsResponseResource()
		r.ResourceType, r.ResourceName = want.ResourceType, want.ResourceName
		if len(want.ConfigNames) == 0 {
			want.ConfigNames = nil // an empty list asks for all, like none
		}
		ask := config.Describe{Keys: want.ConfigNames, Synonyms: q.IncludeSynonyms && q.Version >= 1, Docs: q.IncludeDocumentation && q.Version >= 3}
		entries, code, message := h.describe(ctx, img, values, want, ask)
		if code != nil {
			r.ErrorCode, r.ErrorMessage = code.Code, &message
		}
		for _, e := range entries {
			r.Configs = append(r.Configs, configEntry(e))
		}
		resp.Resources = append(resp.Resources, r)
	}
	return resp
}

// dynamicValues is the broker's configuration with what was changed while it ran.
func (h *Handlers) dynamicValues(img *image.Image) *config.Values {
	all, own := img.Configs(image.ResourceBroker, ""), img.Configs(image.ResourceBroker, h.nodeName())
	if len(all) == 0 && len(own) == 0 {
		return h.Config
	}
	return h.Config.WithDynamic(all, own)
}

func (h *Handlers) nodeName() string { return nodeText(h.NodeID) }

func nodeText(id int32) string { return strconv.Itoa(int(id)) }

// isMyID reads a node id as Kafka does, which takes 01 for 1.
func (h *Handlers) isMyID(name string) bool {
	id, err := strconv.ParseInt(name, 10, 32)
	return err == nil && int32(id) == h.NodeID
}

func (h *Handlers) describe(ctx context.Context, img *image.Image, values *config.Values, want *kmsg.DescribeConfigsRequestResource, ask config.Describe) ([]config.Entry, *kerr.Error, string) {
	name := want.ResourceName
	switch want.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if problem := topicNameProblem(name); problem != "" {
			return nil, kerr.InvalidTopicException, problem
		}
		if img.Topic(name) == nil {
			return nil, kerr.UnknownTopicOrPartition, ""
		}
		return config.DescribeTopic(values, img.Configs(image.ResourceTopic, name), ask), nil, ""
	case kmsg.ConfigResourceTypeBroker:
		switch {
		case name == "":
			return config.DescribeBrokerDefaults(values, ask), nil, ""
		case h.isMyID(name):
			return config.DescribeBroker(values, ask), nil, ""
		}
		return nil, kerr.InvalidRequest, fmt.Sprintf("Unexpected broker id, expected %d or empty string, but received %s", h.NodeID, name)
	case kmsg.ConfigResourceTypeBrokerLogger:
		if !h.isMyID(name) {
			return nil, kerr.InvalidRequest, fmt.Sprintf("Unexpected broker id, expected %d but received %s", h.NodeID, name)
		}
		return config.DescribeLoggers(map[string]string{rootLogger: h.logLevel(ctx)}, ask), nil, ""
	case kmsg.ConfigResourceTypeGroupConfig:
		if name == "" {
			return nil, kerr.InvalidRequest, "Group name must not be empty"
		}
		return config.DescribeGroup(values, img.Configs(image.ResourceGroup, name), ask), nil, ""
	case kmsg.ConfigResourceTypeClientMetrics:
		if name == "" {
			return nil, kerr.InvalidRequest, "Client metrics subscription name must not be empty"
		}
		return config.DescribeClientMetrics(values, img.Configs(image.ResourceClientMetrics, name), ask), nil, ""
	}
	return nil, kerr.InvalidRequest, fmt.Sprintf("Unsupported resource type: %d", want.ResourceType)
}

// logLevel is the level of the one logger that there is, in Kafka's words.
func (h *Handlers) logLevel(ctx context.Context) string {
	for _, l := range logLevels {
		if h.Logger.Enabled(ctx, l.level) {
			return l.name
		}
	}
	return logLevels[len(logLevels)-1].name
}

func configEntry(e config.Entry) kmsg.DescribeConfigsResponseResourceConfig {
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Value, c.ReadOnly, c.IsDefault, c.IsSensitive = e.Name, e.Value, e.ReadOnly, e.IsDefault, e.Sensitive
	c.Source, c.ConfigType = kmsg.ConfigSource(e.Source), kmsg.ConfigType(e.Type)
	if e.Doc != "" {
		c.Documentation = &e.Doc
	}
	for _, s := range e.Synonyms {
		synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		synonym.Name, synonym.Value, synonym.Source = s.Name, s.Value, kmsg.ConfigSource(s.Source)
		c.ConfigSynonyms = append(c.ConfigSynonyms, synonym)
	}
	return c
}
