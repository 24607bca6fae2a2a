package broker

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sordini/sordini/broker/replica"
)

// collector shows the broker's counters under the names that dashboards for Kafka's JMX exporter ask for. It reads them when it is scraped and
// costs nothing in between.
type collector struct{ s *Server }

// partitionsShown is the number of partitions up to which each is shown by itself.
const partitionsShown = 2000

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descRequests   = describe("kafka_network_requestmetrics_requests_total", "Requests, by API.", "request")
	descBytesIn    = describe("kafka_server_brokertopicmetrics_bytesin_total", "Record bytes from producers.")
	descBytesOut   = describe("kafka_server_brokertopicmetrics_bytesout_total", "Record bytes to consumers.")
	descBadProduce = describe("kafka_server_brokertopicmetrics_failedproducerequests_total", "Partitions of Produce requests answered with an error.")
	descBadFetch   = describe("kafka_server_brokertopicmetrics_failedfetchrequests_total", "Partitions of Fetch requests answered with an error.")
	descUp         = describe("kafka_server_brokertopicmetrics_producemessageconversions_total", "Record sets converted up from message formats 0 and 1, or compressed anew.")
	descDown       = describe("kafka_server_brokertopicmetrics_fetchmessageconversions_total", "Record sets converted down to message formats 0 and 1.")
	descTopicUp    = describe("kafka_server_brokertopicmetrics_topic_producemessageconversions_total", "Record sets converted up or compressed anew, by topic.", "topic")
	descTopicDown  = describe("kafka_server_brokertopicmetrics_topic_fetchmessageconversions_total", "Record sets converted down, by topic.", "topic")
	descRecompress = describe("sordini_produce_recompressions_total", "Batches that compression.type demanded in another codec than they came in.")
	descFound      = describe("sordini_log_damage_found_total", "Damaged places that reads and the scrub have found in logs.")
	descDamaged    = describe("sordini_log_damaged_places", "Damaged places that logs are known to have.")
	descMoved      = describe("sordini_network_moved_bytes_total", "Bytes copied in memory between the socket and the log, because a frame came in pieces.")
	descConns      = describe("kafka_server_socket_server_metrics_connection_count", "Open connections.")
	descAccepted   = describe("sordini_network_connections_accepted_total", "Connections accepted.")
	descRefused    = describe("sordini_network_connections_refused_total", "Connections closed at once because a limit was reached.")
	descPartitions = describe("kafka_server_replicamanager_partitioncount", "Partitions on this broker.")
	descOffline    = describe("kafka_server_replicamanager_offlinereplicacount", "Partitions that this broker leads and cannot serve.")
	descDirsOff    = describe("kafka_log_logmanager_offlinelogdirectorycount", "Log directories that have failed.")
	descDirsFull   = describe("sordini_log_full_directories", "Log directories whose disk is full.")
	descTopics     = describe("kafka_controller_kafkacontroller_globaltopiccount", "Topics in the cluster.")
	descActive     = describe("kafka_controller_kafkacontroller_activecontrollercount", "1 where this broker is the active controller.")
	descSessions   = describe("kafka_server_fetchsessioncache_numincrementalfetchsessions", "Incremental fetch sessions.")
	descLogEnd     = describe("kafka_log_log_logendoffset", "Log end offset.", "topic", "partition")
	descLogStart   = describe("kafka_log_log_logstartoffset", "Log start offset.", "topic", "partition")
	descLogSize    = describe("kafka_log_log_size", "Size of the log in bytes.", "topic", "partition")
)

// Describe implements prometheus.Collector: what is shown depends on what there is, so nothing is promised.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	m := c.s.metrics
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for i := range routes {
		counter(descRequests, m.Requests[routes[i].key].Load(), KafkaName(routes[i].key))
	}
	counter(descBytesIn, m.BytesIn.Load())
	counter(descBytesOut, m.BytesOut.Load())
	counter(descBadProduce, m.FailedProduce.Load())
	counter(descBadFetch, m.FailedFetch.Load())
	counter(descUp, m.UpConversions.Load()+m.Recompressions.Load())
	counter(descRecompress, m.Recompressions.Load())
	counter(descFound, m.DamageFound.Load())
	counter(descDown, m.DownConversions.Load())
	counter(descMoved, m.BytesMoved.Load())
	counter(descAccepted, m.ConnectionsAccepted.Load())
	counter(descRefused, m.ConnectionsRefused.Load())
	gauge(descConns, float64(c.s.table.count()))
	gauge(descTopics, float64(c.s.controller.Image().TopicCount()))
	gauge(descActive, 1)
	gauge(descSessions, float64(c.s.handlers.Sessions.Count()))

	c.s.replicas.Topics(func(t *replica.Topic) { // only topics with old clients
		if n := t.UpConversions.Load() + t.Recompressions.Load(); n > 0 {
			counter(descTopicUp, n, t.Name)
		}
		if n := t.DownConversions.Load(); n > 0 {
			counter(descTopicDown, n, t.Name)
		}
	})

	failed, full := 0, 0
	for _, d := range c.s.dirs {
		if d.Failure() != nil {
			failed++
		} else if d.DiskFull() {
			full++
		}
	}
	gauge(descDirsOff, float64(failed))
	gauge(descDirsFull, float64(full))

	count, damaged, offline := 0, 0, c.s.replicas.OfflineCount()
	c.s.replicas.All(func(p *replica.Partition) {
		count++
		if p.Failure() != nil {
			offline++
		}
		damaged += len(p.Log().Damaged())
	})
	gauge(descPartitions, float64(count))
	gauge(descDamaged, float64(damaged))
	gauge(descOffline, float64(offline))
	if count > partitionsShown {
		return
	}
	c.s.replicas.All(func(p *replica.Partition) {
		partition := strconv.Itoa(int(p.Index))
		gauge(descLogEnd, float64(p.Log().LogEndOffset()), p.Topic().Name, partition)
		gauge(descLogStart, float64(p.Log().LogStartOffset()), p.Topic().Name, partition)
		gauge(descLogSize, float64(p.Log().Size()), p.Topic().Name, partition)
	})
}
