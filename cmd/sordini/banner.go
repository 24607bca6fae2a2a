package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sordini/sordini/broker"
)

// announce prints the start block and then the lines by which scripts and test containers know that a Kafka is ready. The latter are
// fixed texts that others search for; see compat-tests before changing one.
func announce(w io.Writer, info broker.Info, l loaded, took time.Duration) {
	node := l.values.Broker.NodeID
	var block strings.Builder
	fmt.Fprintf(&block, "Sordini %s is ready after %d ms\n", buildVersion(), took.Milliseconds())
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&block, "  %-13s %s\n", label, value)
		}
	}
	row("listeners", strings.Join(info.Listeners, ", "))
	row("clients told", strings.Join(info.Advertised, ", "))
	row("data", strings.Join(info.DataDirs, ", "))
	row("cluster id", info.ClusterID)
	row("node id", fmt.Sprint(node))
	if info.HTTPAddress != "" {
		row("http", "http://"+info.HTTPAddress+" (health and metrics)")
	}
	row("config", l.file)
	fmt.Fprintf(&block, "[BrokerServer id=%d] Transitioning from RECOVERY to RUNNING.\n", node)
	fmt.Fprintf(&block, "[KafkaServer id=%d] started\n", node)
	fmt.Fprintf(&block, "[KafkaRaftServer nodeId=%d] Kafka Server started\n", node)
	_, _ = io.WriteString(w, block.String()) // a closed stdout is no reason to stop serving
}
