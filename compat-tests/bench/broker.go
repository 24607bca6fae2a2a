package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// broker is one side of the comparison: a process that can be started and stopped again on the same data directory.
type broker struct {
	name         string
	addr         string
	log          string // file that takes the process's output
	command      func() *exec.Cmd
	topicConfigs map[string]string // what makes this side keep records in the page cache, like the other

	cmd *exec.Cmd // nil: not running
	pid int
}

const (
	ours         = "ours"
	startWithin  = 60 * time.Second
	stopWithin   = 60 * time.Second
	topicGrace   = time.Second // after which a deleted topic's files go; set on both sides
	topicGraceMs = "1000"
	brokerCPU    = 0
	generatorCPU = 1
)

// start launches the broker on a CPU (-1: any) and returns the time from there until its port takes connections.
func (b *broker) start(ctx context.Context, cpu int) (time.Duration, error) {
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	cmd := b.command()
	cmd.Stdout, cmd.Stderr = log, log
	began := time.Now()
	if err := pinned(cpu, cmd.Start); err != nil {
		return 0, fmt.Errorf("start %s: %w", b.name, err)
	}
	b.cmd, b.pid = cmd, cmd.Process.Pid
	for !listens(b.addr) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if time.Since(began) > startWithin || !alive(b.pid) {
			return 0, fmt.Errorf("start %s: nothing listens on %s", b.name, b.addr)
		}
		time.Sleep(500 * time.Microsecond)
	}
	return time.Since(began), nil
}

// stop ends the broker in the orderly way and waits; one that does not listen is killed, and that is an error.
func (b *broker) stop() error {
	if b.cmd == nil {
		return nil
	}
	cmd := b.cmd
	b.cmd, b.pid = nil, 0
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", b.name, err)
	}
	kill := time.AfterFunc(stopWithin, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	err := cmd.Wait()
	if b.name != ours && cmd.ProcessState.ExitCode() == 143 {
		return nil // how a JVM reports an orderly end by SIGTERM
	}
	if err != nil {
		return fmt.Errorf("%s did not end in the orderly way: %w", b.name, err)
	}
	return nil
}

// alive tells whether a child still runs: one that ended and was not yet waited for is a zombie.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// newOurs describes our broker with its data under dir.
func newOurs(o *options, dir string, port int) (*broker, error) {
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	return &broker{
		name: ours,
		addr: addr,
		log:  filepath.Join(dir, "sordini.log"),
		command: func() *exec.Cmd {
			return exec.Command(binary, "serve", "--data", filepath.Join(dir, "sordini"),
				"--override", "listeners=PLAINTEXT://"+addr,
				"--override", "sordini.http.address=",
				"--override", "log.segment.delete.delay.ms="+topicGraceMs)
		},
		topicConfigs: map[string]string{"sordini.durability": "os"},
	}, nil
}

// newKafka describes a real Kafka that the launcher runs, with its data under dir. The launcher's "run" becomes the JVM,
// so its pid is the broker's.
func newKafka(o *options, dir string, port int) *broker {
	return &broker{
		name: "Kafka " + o.kafkaVersion,
		addr: "127.0.0.1:" + strconv.Itoa(port),
		log:  filepath.Join(dir, "kafka.log"),
		command: func() *exec.Cmd {
			cmd := exec.Command("bash", o.peer, "run", o.kafkaVersion, strconv.Itoa(port), filepath.Join(dir, "kafka"),
				"log.segment.delete.delay.ms="+topicGraceMs)
			cmd.Env = append(os.Environ(), "HEAP="+o.heap)
			return cmd
		},
	}
}

// createTopic makes a topic with one partition and waits until that partition has a leader.
func (b *broker) createTopic(c *conn, name string) error {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, 1, 1
	for key, value := range b.topicConfigs {
		conf := kmsg.NewCreateTopicsRequestTopicConfig()
		conf.Name, conf.Value = key, &value
		t.Configs = append(t.Configs, conf)
	}
	r := kmsg.NewCreateTopicsRequest()
	r.Version, r.TimeoutMillis = 5, 30_000
	r.Topics = append(r.Topics, t)
	resp, err := c.ask(&r)
	if err != nil {
		return fmt.Errorf("create topic %s on %s: %w", name, b.name, err)
	}
	created := resp.(*kmsg.CreateTopicsResponse)
	if len(created.Topics) != 1 {
		return fmt.Errorf("create topic %s on %s: %d topics in the answer", name, b.name, len(created.Topics))
	}
	if t := created.Topics[0]; t.ErrorCode != 0 {
		return codeError("create topic "+name+" on "+b.name, t.ErrorCode, t.ErrorMessage)
	}
	return b.awaitLeader(c, name)
}

// awaitLeader produces nothing and fetches one byte until the leader says that it leads: Kafka shows a topic's leader
// before that leader takes requests.
func (b *broker) awaitLeader(c *conn, topic string) error {
	f, err := newFetchRequest(fetchVersion, topic, 1)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err := c.deadline(answerWithin); err != nil {
			return err
		}
		if err := c.send(f.at(0)); err != nil {
			return err
		}
		frame, err := c.receive()
		if err != nil {
			return err
		}
		r := kmsg.NewFetchResponse()
		r.Version = fetchVersion
		if err := r.ReadFrom(frame[responseHeader:]); err != nil {
			return err
		}
		code := r.ErrorCode
		if code == 0 && len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1 {
			code = r.Topics[0].Partitions[0].ErrorCode
		}
		cause := kerr.ErrorForCode(code)
		switch {
		case cause == nil:
			return nil
		case !errors.Is(cause, kerr.NotLeaderForPartition) && !errors.Is(cause, kerr.UnknownTopicOrPartition):
			return fmt.Errorf("wait for the leader of %s: %w", topic, cause)
		case time.Now().After(deadline):
			return fmt.Errorf("no leader of %s in 10 s: %w", topic, cause)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (b *broker) deleteTopic(c *conn, name string) error {
	r := kmsg.NewDeleteTopicsRequest()
	r.Version, r.TimeoutMillis, r.TopicNames = 4, 30_000, []string{name}
	resp, err := c.ask(&r)
	if err != nil {
		return fmt.Errorf("delete topic %s on %s: %w", name, b.name, err)
	}
	for _, t := range resp.(*kmsg.DeleteTopicsResponse).Topics {
		if t.ErrorCode != 0 {
			return codeError("delete topic "+name+" on "+b.name, t.ErrorCode, t.ErrorMessage)
		}
	}
	return nil
}
