package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/broker"
)

const toolDocsHead = `# Apache Kafka's own tools

<!-- Made by "make docs" from the API table in broker/routes.go and the list in cmd/sordini/docs_tools.go; change those instead of this file. -->

What the command-line tools of Apache Kafka 4.4 can do with Sordini. Each needs certain APIs; a tool that misses one says that the node or the
cluster does not support it, and changes nothing. Tools of older releases need the same ones.

| Tool | Use | |
|---|---|---|
`

// toolUse is a use of a tool of Kafka's, with the APIs that it cannot do without beside the ones that every client needs.
type toolUse struct {
	tool, use string
	needs     []kmsg.Key
}

// toolUses are what people use the tools for, by tool.
func toolUses() []toolUse {
	return []toolUse{
		{"kafka-topics.sh", "`--list`, `--describe`", []kmsg.Key{kmsg.Metadata, kmsg.DescribeConfigs}},
		{"", "`--create`, `--delete`", []kmsg.Key{kmsg.CreateTopics, kmsg.DeleteTopics}},
		{"", "`--alter --partitions`", []kmsg.Key{kmsg.CreatePartitions}},
		{"kafka-configs.sh", "`--describe` of topics and brokers", []kmsg.Key{kmsg.DescribeConfigs}},
		{"", "`--alter` of topics and brokers", []kmsg.Key{kmsg.IncrementalAlterConfigs}},
		{"", "`--describe` of groups and client-metrics", []kmsg.Key{kmsg.ListConfigResources}},
		{"", "quotas of users, clients and ips", []kmsg.Key{kmsg.DescribeClientQuotas, kmsg.AlterClientQuotas}},
		{"", "SCRAM users", []kmsg.Key{kmsg.DescribeUserSCRAMCredentials, kmsg.AlterUserSCRAMCredentials}},
		{"kafka-console-producer.sh, kafka-console-consumer.sh", "records, classic groups", []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.JoinGroup}},
		{"", "`group.protocol=consumer`", []kmsg.Key{kmsg.ConsumerGroupHeartbeat}},
		{"kafka-console-share-consumer.sh, kafka-share-groups.sh", "share groups", []kmsg.Key{kmsg.ShareGroupHeartbeat, kmsg.ShareFetch}},
		{"kafka-producer-perf-test.sh, kafka-consumer-perf-test.sh, kafka-e2e-latency.sh, kafka-verifiable-*.sh", "load", []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.InitProducerID}},
		{"", "`--transactional-id`", []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.EndTxn}},
		{"kafka-consumer-groups.sh, kafka-groups.sh", "`--list`, `--describe`, `--reset-offsets`", []kmsg.Key{kmsg.ListGroups, kmsg.DescribeGroups, kmsg.OffsetFetch, kmsg.OffsetCommit}},
		{"", "`--delete`", []kmsg.Key{kmsg.DeleteGroups}},
		{"", "`--delete-offsets`", []kmsg.Key{kmsg.OffsetDelete}},
		{"kafka-streams-groups.sh", "streams groups", []kmsg.Key{kmsg.StreamsGroupHeartbeat}},
		{"kafka-get-offsets.sh", "offsets by time", []kmsg.Key{kmsg.ListOffsets}},
		{"kafka-delete-records.sh", "records before an offset", []kmsg.Key{kmsg.DeleteRecords}},
		{"kafka-log-dirs.sh", "`--describe`", []kmsg.Key{kmsg.DescribeLogDirs}},
		{"kafka-broker-api-versions.sh", "all", []kmsg.Key{kmsg.ApiVersions}},
		{"kafka-cluster.sh", "`cluster-id`, `list-endpoints`", []kmsg.Key{kmsg.DescribeCluster}},
		{"", "`unregister`", []kmsg.Key{kmsg.UnregisterBroker}},
		{"kafka-features.sh", "`describe`", []kmsg.Key{kmsg.ApiVersions}},
		{"", "`upgrade`, `downgrade`, `disable`", []kmsg.Key{kmsg.UpdateFeatures}},
		{"kafka-metadata-quorum.sh", "`describe`", []kmsg.Key{kmsg.DescribeQuorum}},
		{"kafka-leader-election.sh", "all", []kmsg.Key{kmsg.ElectLeaders}},
		{"kafka-reassign-partitions.sh", "`--list`", []kmsg.Key{kmsg.ListPartitionReassignments}},
		{"", "`--execute`, `--cancel`", []kmsg.Key{kmsg.AlterPartitionAssignments}},
		{"kafka-transactions.sh", "`describe-producers`", []kmsg.Key{kmsg.DescribeProducers}},
		{"", "`list`, `describe`", []kmsg.Key{kmsg.ListTransactions, kmsg.DescribeTransactions}},
		{"", "`abort`", []kmsg.Key{kmsg.WriteTxnMarkers}},
		{"kafka-acls.sh", "all", []kmsg.Key{kmsg.DescribeACLs, kmsg.CreateACLs, kmsg.DeleteACLs}},
		{"kafka-delegation-tokens.sh", "all", []kmsg.Key{kmsg.CreateDelegationToken}},
		{"kafka-client-metrics.sh", "what is subscribed to", []kmsg.Key{kmsg.ListConfigResources, kmsg.IncrementalAlterConfigs}},
		{"", "metrics from clients", []kmsg.Key{kmsg.GetTelemetrySubscriptions, kmsg.PushTelemetry}},
	}
}

const toolDocsFoot = `
Without a broker ` + "`kafka-dump-log.sh`" + ` reads Sordini's segments as its own, and ` + "`sordini log dump`" + ` reads Kafka's.
`

func writeToolDocs(out io.Writer, table []broker.API) error {
	served := map[int16]bool{}
	for _, row := range table {
		served[row.Key] = true
	}
	text := toolDocsHead
	for _, u := range toolUses() {
		text += fmt.Sprintf("| %s | %s | %s |\n", u.tool, u.use, verdict(u.needs, served))
	}
	_, err := io.WriteString(out, text+toolDocsFoot)
	return err
}

// verdict is "yes", or what is missing.
func verdict(needs []kmsg.Key, served map[int16]bool) string {
	var missing []string
	for _, key := range needs {
		if !served[key.Int16()] {
			missing = append(missing, fmt.Sprintf("%s (%d)", broker.KafkaName(key), key.Int16()))
		}
	}
	if len(missing) == 0 {
		return "yes"
	}
	return "not yet: " + strings.Join(missing, ", ")
}
