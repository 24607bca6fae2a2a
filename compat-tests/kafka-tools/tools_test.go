package kafkatools

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	launcher = "../peer/kafka.sh"
	version  = "4.4.0"
)

// The classes behind the scripts that everybody knows.
const (
	topics         = "org.apache.kafka.tools.TopicCommand"
	configs        = "kafka.admin.ConfigCommand"
	consoleProduce = "org.apache.kafka.tools.ConsoleProducer"
	consoleConsume = "org.apache.kafka.tools.consumer.ConsoleConsumer"
	consumerGroups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	groups         = "org.apache.kafka.tools.GroupsCommand"
	getOffsets     = "org.apache.kafka.tools.GetOffsetShell"
	deleteRecords  = "org.apache.kafka.tools.DeleteRecordsCommand"
	logDirs        = "org.apache.kafka.tools.LogDirsCommand"
	cluster        = "org.apache.kafka.tools.ClusterTool"
	apiVersions    = "org.apache.kafka.tools.BrokerApiVersionsCommand"
	features       = "org.apache.kafka.tools.FeatureCommand"
	transactions   = "org.apache.kafka.tools.TransactionsCommand"
	quorum         = "org.apache.kafka.tools.MetadataQuorumCommand"
	electLeaders   = "org.apache.kafka.tools.LeaderElectionCommand"
	reassign       = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
	clientMetrics  = "org.apache.kafka.tools.ClientMetricsCommand"
	producePerf    = "org.apache.kafka.tools.ProducerPerformance"
	consumePerf    = "org.apache.kafka.tools.ConsumerPerformance"
)

// step is one call of a tool. In args FILE is a file that holds content, and BOOTSTRAP where the broker is named, else at the end.
type step struct {
	class, args string
	stdin       string
	content     string
	want        string // an expression that the output must match
	never       string // and one that it must not
}

func steps() []step {
	return []step{
		{class: topics, args: "--create --topic orders --partitions 2 --config retention.ms=86400000", want: `Created topic orders\.`},
		{class: topics, args: "--list", want: `(?m)^orders$`},
		{class: topics, args: "--alter --topic orders --partitions 3"},
		{class: topics, args: "--describe --topic orders", want: `(?s)PartitionCount: 3.*Configs: \S*retention\.ms=86400000.*Partition: 2\s+Leader: 1`},
		{class: topics, args: "--alter --topic orders --partitions 2", want: `currently has 3 partition`},

		{class: configs, args: "--alter --entity-type topics --entity-name orders --add-config cleanup.policy=[compact,delete],segment.bytes=1048576 --delete-config retention.ms", want: `Completed updating config for topic orders`},
		{class: configs, args: "--describe --entity-type topics --entity-name orders", want: `(?s)cleanup\.policy=compact,delete .*segment\.bytes=1048576`, never: `retention\.ms=86400000`},
		{class: configs, args: "--alter --entity-type topics --entity-name orders --add-config retention.ms=soon", want: `Not a number of type LONG`},
		{class: configs, args: "--alter --entity-type topics --entity-name orders --delete-config cleanup.policy,segment.bytes", want: `Completed`},
		{class: configs, args: "--alter --entity-type brokers --entity-name 1 --add-config log.retention.ms=3600000", want: `Completed updating config for broker 1`},
		{class: configs, args: "--alter --entity-type brokers --entity-default --add-config message.max.bytes=2000000", want: `Completed updating default config for brokers`},
		{class: configs, args: "--describe --entity-type brokers --entity-name 1", want: `log\.retention\.ms=3600000`},
		{class: configs, args: "--describe --entity-type brokers --entity-default", want: `message\.max\.bytes=2000000`},
		{class: configs, args: "--alter --entity-type brokers --entity-name 1 --add-config num.partitions=7", want: `Cannot update these configs dynamically`},
		{class: configs, args: "--alter --entity-type broker-loggers --entity-name 1 --add-config root=WARN", want: `Completed updating config for broker-logger 1`},

		{class: consoleProduce, args: "--topic orders --reader-property parse.key=true --reader-property key.separator=:", stdin: "a:first\nb:second\nc:third\n", never: `ERROR`},
		{class: consoleConsume, args: "--topic orders --from-beginning --max-messages 3 --group billing", want: `(?s)(first|second|third).*Processed a total of 3 messages`},
		{class: consumerGroups, args: "--list", want: `(?m)^billing$`},
		{class: groups, args: "--list", want: `billing\s+Classic`},
		{class: consumerGroups, args: "--describe --group billing", want: `billing\s+orders\s+\d+\s+(\d+)\s+`},
		{class: consumerGroups, args: "--group billing --reset-offsets --to-earliest --topic orders --execute", want: `billing\s+orders\s+2\s+0`},

		{class: getOffsets, args: "--topic orders", want: `(?s)orders:0:\d+.*orders:1:\d+.*orders:2:\d+`},
		{class: deleteRecords, args: "--offset-json-file FILE", content: `{"partitions":[{"topic":"orders","partition":0,"offset":-1}],"version":1}`, want: `partition: orders-0\s+low_watermark: \d+`},
		{class: logDirs, args: "--describe --topic-list orders", want: `"partition":"orders-2","size":\d+,"offsetLag":0,"isFuture":false`},
		{class: cluster, args: "cluster-id", want: `Cluster ID: \S{22}`},
		{class: cluster, args: "list-endpoints", want: `1\s+127\.0\.0\.1\s+\d+`},
		{class: apiVersions, args: "", want: `Produce\(0\): \d+ to 13 \[usable: 13\]`},
		{class: features, args: "BOOTSTRAP describe", never: `(?i)error|exception`},
		{class: transactions, args: "BOOTSTRAP describe-producers --topic orders --partition 1", want: `ProducerId\s+ProducerEpoch`},
		{class: quorum, args: "BOOTSTRAP describe --status", want: `(?s)LeaderId:\s+1.*HighWatermark:\s+\d+.*CurrentVoters:\s+\[.*1`},
		{class: quorum, args: "BOOTSTRAP describe --replication", want: `(?m)^1\s.*Leader`},
		{class: electLeaders, args: "--election-type preferred --all-topic-partitions", never: `(?i)exception|unsupported`},
		{class: reassign, args: "--list", want: `No partition reassignments found`},
		{class: clientMetrics, args: "--alter --name all --metrics org.apache.kafka.producer. --interval 60000", want: `Altered client metrics config`},
		{class: clientMetrics, args: "--list", want: `(?m)^all$`},
		{class: configs, args: "--describe --entity-type client-metrics", want: `interval\.ms=60000`},
		{class: configs, args: "--alter --entity-type groups --entity-name billing --add-config consumer.session.timeout.ms=50000", want: `Completed updating config for group billing`},
		{class: configs, args: "--describe --entity-type groups", want: `consumer\.session\.timeout\.ms=50000`},
		{class: producePerf, args: "--topic orders --num-records 500 --record-size 100 --throughput -1", want: `500 records sent`},
		{class: consumePerf, args: "--topic orders --num-records 500", want: `(?s)data\.consumed\.in\.nMsg.*, 50\d,`},

		{class: producePerf, args: "--topic orders --num-records 500 --record-size 100 --throughput -1 --transactional-id mover --transaction-duration-ms 100", want: `500 records sent`},
		{class: transactions, args: "BOOTSTRAP list", want: `mover\s+1\s+\d+\s+CompleteCommit`},
		{class: transactions, args: "BOOTSTRAP describe --transactional-id mover", want: `(?s)TransactionState.*CompleteCommit`},

		{class: consumerGroups, args: "--group billing --delete-offsets --topic orders", want: `orders\s+0\s+Successful`},
		{class: consumerGroups, args: "--group billing --delete", want: `Deletion of requested consumer groups \('billing'\) was successful`},
		{class: topics, args: "--delete --topic orders"},
		{class: topics, args: "--list", never: `(?m)^orders$`},
	}
}

func TestToolsOfKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("starts JVMs; not with -short")
	}
	broker := harness.Start(t, "node.id=1", "offsets.topic.num.partitions=4")
	for _, s := range steps() {
		name := s.class[strings.LastIndexByte(s.class, '.')+1:] + " " + s.args
		t.Run(name, func(t *testing.T) {
			out := s.run(t, broker.Addr)
			if s.want != "" && !regexp.MustCompile(s.want).MatchString(out) {
				t.Errorf("the output does not match %s:\n%s", s.want, out)
			}
			if s.never != "" && regexp.MustCompile(s.never).MatchString(out) {
				t.Errorf("the output matches %s:\n%s", s.never, out)
			}
		})
	}
}

// run returns everything that the tool printed. Its exit code says little: some tools end with 0 after an error, so steps look at what is said.
func (s step) run(t *testing.T, bootstrap string) string {
	t.Helper()
	named := s.args
	if !strings.Contains(named, "BOOTSTRAP") {
		named += " BOOTSTRAP"
	}
	args := []string{launcher, "tool", version, s.class}
	for _, word := range strings.Fields(named) {
		switch word {
		case "BOOTSTRAP":
			args = append(args, "--bootstrap-server", bootstrap)
		case "FILE":
			file := filepath.Join(t.TempDir(), "input.json")
			if err := os.WriteFile(file, []byte(s.content), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, file)
		default:
			args = append(args, word)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", args...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(s.stdin), &out, &out
	if err := cmd.Run(); err != nil && s.want == "" {
		t.Errorf("%v:\n%s", err, out.String())
	}
	return out.String()
}
