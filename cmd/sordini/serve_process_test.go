package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"
)

// asBinary makes the test binary behave as sordini, so that exit codes and signals are tested on a real process.
const asBinary = "SORDINI_TEST_AS_BINARY"

// fileLimit is how large the files of that process may be, in bytes.
const fileLimit = "SORDINI_TEST_FILE_LIMIT"

func TestMain(m *testing.M) {
	if os.Getenv(asBinary) != "" {
		if limit, err := strconv.ParseUint(os.Getenv(fileLimit), 10, 64); err == nil {
			if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
				panic(err)
			}
		}
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// sordini prepares a process with nothing in its environment but what the test gives it.
func sordini(t *testing.T, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append([]string{asBinary + "=1", "HOME=" + t.TempDir(), "KAFKA_SORDINI_HTTP_ADDRESS="}, environ...)
	return cmd
}

// started is a broker that has said that it is ready.
type startedBroker struct {
	cmd  *exec.Cmd
	text string // what it printed until then
	port string
}

func startServing(t *testing.T, environ []string, args ...string) *startedBroker {
	t.Helper()
	cmd := sordini(t, environ, append([]string{"serve"}, args...)...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &startedBroker{cmd: cmd}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		b.text += lines.Text() + "\n"
		if strings.HasSuffix(lines.Text(), "Kafka Server started") {
			b.port = regexp.MustCompile(`listeners +PLAINTEXT://[^:]*:(\d+)`).FindStringSubmatch(b.text)[1]
			return b
		}
	}
	t.Fatalf("it ended before it was ready: %v\n%s%s", cmd.Wait(), b.text, errOut.String())
	return nil
}

func (b *startedBroker) stop(t *testing.T) {
	t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

const anyPort = "listeners=PLAINTEXT://127.0.0.1:0"

func TestServeStartsStopsAndStartsAgain(t *testing.T) {
	// Given a directory that does not exist yet.
	dir := filepath.Join(t.TempDir(), "data")
	first := startServing(t, nil, "-d", dir, "-o", anyPort)
	// When the broker is ready, then it answers on the port that it shows, and says so in the words that test containers wait for.
	conn, err := net.Dial("tcp", "127.0.0.1:"+first.port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, pattern := range []string{`.*Transitioning from RECOVERY to RUNNING.*`, `.*\[KafkaServer id=\d+\] started.*`, `.*Kafka Server started.*`} {
		if found := regexp.MustCompile(pattern).FindAllString(first.text, -1); len(found) != 1 {
			t.Errorf("%s: found %q", pattern, found)
		}
	}
	// When a second one wants the same directory, then it is told who holds it.
	failed(t, sordini(t, nil, "-d", dir, "-o", anyPort), fmt.Sprintf("process %d", first.cmd.Process.Pid))
	// When a second one wants the same port, then it is told who holds it, and makes no directory.
	other := filepath.Join(t.TempDir(), "other")
	failed(t, sordini(t, nil, "-d", other, "-o", "listeners=PLAINTEXT://127.0.0.1:"+first.port), fmt.Sprintf("the port is in use by process %d (", first.cmd.Process.Pid))
	if _, err := os.Stat(other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
	first.stop(t)
	// When it starts again, then it is the same cluster.
	second := startServing(t, nil, "-d", dir, "-o", anyPort)
	defer second.stop(t)
	id := regexp.MustCompile(`cluster id +(\S+)`)
	if a, b := id.FindStringSubmatch(first.text)[1], id.FindStringSubmatch(second.text)[1]; a != b {
		t.Errorf("cluster %s became %s", a, b)
	}
}

// The variables are those of testcontainers' KafkaContainer for apache/kafka, with free ports.
func TestServeWithTheVariablesOfTestContainers(t *testing.T) {
	b := startServing(t, []string{
		"CLUSTER_ID=4L6g3nShT-eMCtK--X86sw",
		"KAFKA_LISTENERS=PLAINTEXT://127.0.0.1:0,BROKER://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:32768,BROKER://127.0.0.1:9093",
		"KAFKA_INTER_BROKER_LISTENER_NAME=BROKER", "KAFKA_PROCESS_ROLES=broker,controller", "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
		"KAFKA_NODE_ID=1", "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9094",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1", "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS=1", "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1", "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1",
		"KAFKA_LOG_FLUSH_INTERVAL_MESSAGES=9223372036854775807", "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0",
	}, "-d", filepath.Join(t.TempDir(), "data"))
	defer b.stop(t)
	for _, want := range []string{"4L6g3nShT-eMCtK--X86sw", "PLAINTEXT://localhost:32768, BROKER://127.0.0.1:9093"} {
		if !strings.Contains(b.text, want) {
			t.Errorf("%s is missing in\n%s", want, b.text)
		}
	}
	if strings.Contains(b.text, "CONTROLLER") {
		t.Errorf("the controller's listener was opened:\n%s", b.text)
	}
}

// Under ulimit -f the first segment that reached the limit took its directory offline, and with it the broker.
func TestServeGoesOnWhereFilesMayNotGrow(t *testing.T) {
	const limit, records = 8 << 20, 20
	b := startServing(t, []string{fileLimit + "=" + strconv.Itoa(limit)}, "-d", filepath.Join(t.TempDir(), "data"), "-o", anyPort)
	cl, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:"+b.port), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic("large"), kgo.ConsumeTopics("large"),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range records {
		value := bytes.Repeat([]byte{byte(i)}, 900_000)
		if err := cl.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr(); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	for next := 0; next < records; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for r := range fetches.RecordsAll() {
			if r.Offset != int64(next) || r.Value[0] != byte(next) {
				t.Fatalf("record %d at offset %d is %d", next, r.Offset, r.Value[0])
			}
			next++
		}
	}
	b.stop(t)
}

func TestServeRefusesAndChangesNothing(t *testing.T) {
	foreign := t.TempDir()
	write(t, filepath.Join(foreign, "letter.txt"), "dear")
	empty := t.TempDir()
	for _, c := range []struct {
		dir, override, want string
	}{
		{empty, "num.partitions=many", "num.partitions=many: not a number of type INT"},
		{empty, "listeners=SSL://:9093", "not supported yet"},
		{empty, "authorizer.class.name=a.B", "access control is not supported yet"},
		{empty, "advertised.listeners=PLAINTEXT://0.0.0.0:9092", "clients cannot connect to 0.0.0.0"},
		{empty, "controller.quorum.voters=1@a:1,2@b:1", "clusters of several nodes are not supported yet"},
		{foreign, anyPort, "is not empty and has no meta.properties"},
		{filepath.Join(foreign, "letter.txt"), anyPort, "there is a file where a directory should be"},
	} {
		failed(t, sordini(t, nil, "-d", c.dir, "-o", c.override), c.want)
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(foreign); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// failed runs a process that must end with code 1 and one line on stderr.
func failed(t *testing.T, cmd *exec.Cmd, want string) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("%q: %v", cmd.Args, err)
	}
	text := errOut.String()
	if !strings.HasPrefix(text, "sordini: ") || strings.Count(text, "\n") != 1 || !strings.Contains(text, want) || out.Len() > 0 {
		t.Errorf("%q:\ngot  %swant %s\nstdout %q", cmd.Args, text, want, out.String())
	}
}
