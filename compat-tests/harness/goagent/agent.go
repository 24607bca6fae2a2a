// Package goagent is the harness's agent protocol for clients that are written in Go and must stay out of the root go.mod:
// Serve reads a JSON request per line and answers each with one line, as ../../README.md says, and a lane's agent fills in
// Client with the client under test.
//
// It is a module of its own without any dependency, so that a lane's agent has the client's dependencies and no others.
package goagent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Header is one header of a record.
type Header struct {
	Name  string `json:"n"`
	Value []byte `json:"v"`
}

// Record is one record as it is sent or was read; nil keys and values are null, a timestamp below 0 is the client's to set.
type Record struct {
	Partition int32    `json:"p"`
	Offset    int64    `json:"o"`
	Timestamp int64    `json:"t"`
	Key       []byte   `json:"k"`
	Value     []byte   `json:"v"`
	Headers   []Header `json:"h"`
}

// Time is a record's timestamp for a client that takes a time.Time, whose zero means that the client sets its own.
func (r Record) Time() time.Time {
	if r.Timestamp < 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Timestamp)
}

// Info is what the client can do; see harness.Features.
type Info map[string]any

// Offsets are the answer to the op "offsets".
type Offsets struct {
	First  int64 `json:"first"`
	End    int64 `json:"end"`
	ByTime int64 `json:"byTime"`
}

// Produce is the op "produce".
type Produce struct {
	Topic   string   `json:"topic"`
	Codec   string   `json:"codec"`
	Acks    string   `json:"acks"`
	Records []Record `json:"records"`
}

// Fetch is the op "fetch"; Isolation is "read_committed" or empty.
type Fetch struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Count     int    `json:"count"`
	TimeoutMs int64  `json:"timeoutMs"`
	Isolation string `json:"isolation"`
}

// Join is the op "member.join". The member heartbeats every 300 ms and hands over at most Limit records (0: all).
type Join struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Limit     int    `json:"limit"`
	SessionMs int64  `json:"sessionMs"`
}

// Heartbeat is how often a member heartbeats.
const Heartbeat = 300 * time.Millisecond

// Session is after how long the broker is to miss the member.
func (j Join) Session() time.Duration { return time.Duration(j.SessionMs) * time.Millisecond }

// Client is the client under test.
type Client interface {
	Info() Info
	Produce(p Produce) error
	Fetch(f Fetch) ([]Record, error)
	Offsets(topic string, partition int32, timestamp int64) (Offsets, error)
	// Sender makes a producer with acks=all and endless retries, for a stream.
	Sender() (Sender, error)
	Join(j Join) (Member, error)
}

// Transactor is a Client that has transactions.
type Transactor interface {
	// OpenTransactions makes a producer with a transactional id and fences those before it.
	OpenTransactions(id string) (Transactions, error)
}

// Transactions is a transactional producer.
type Transactions interface {
	Begin() error
	// Send sends the records and returns when they are acknowledged.
	Send(topic string, records []Record) error
	SendOffset(group, topic string, partition int32, offset int64) error
	Commit() error
	Abort() error
	Close() error
}

// Admin are the arguments of all admin ops.
type Admin struct {
	Topic      string            `json:"topic"`
	Partition  int32             `json:"partition"`
	Partitions int32             `json:"partitions"`
	Offset     int64             `json:"offset"`
	Configs    map[string]string `json:"configs"`
	Name       string            `json:"name"`
	Value      string            `json:"value"`
	Group      string            `json:"group"`
}

// Administrator is a Client with admin calls; op is without the "admin." before it.
type Administrator interface {
	Administer(op string, a Admin) (any, error)
}

type args struct {
	Topic      string `json:"topic"`
	Partition  int32  `json:"partition"`
	Timestamp  int64  `json:"timestamp"`
	Partitions int    `json:"partitions"`
	EveryMs    int64  `json:"everyMs"`
}

type request struct {
	Op     string          `json:"op"`
	Handle string          `json:"handle"`
	Args   json.RawMessage `json:"args"`
}

type server struct {
	client  Client
	streams map[string]*stream
	members map[string]Member
	txns    map[string]Transactions
}

// Serve answers requests until the input ends, and then ends the process: what still runs belongs to a test that is over.
func Serve(c Client) {
	s := &server{client: c, streams: map[string]*stream{}, members: map[string]Member{}, txns: map[string]Transactions{}}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			os.Exit(0)
		}
		result, err := s.handle(line)
		answer := map[string]any{"result": result}
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			Die(err)
		}
	}
}

// Die ends the agent with a message.
func Die(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (s *server) handle(line []byte) (any, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("read a request: %w", err)
	}
	var a args
	if len(r.Args) > 0 {
		if err := json.Unmarshal(r.Args, &a); err != nil {
			return nil, fmt.Errorf("read the args of %s: %w", r.Op, err)
		}
	}
	switch r.Op {
	case "info":
		return s.client.Info(), nil
	case "produce":
		var p Produce
		if err := json.Unmarshal(r.Args, &p); err != nil {
			return nil, fmt.Errorf("read records: %w", err)
		}
		return nil, s.client.Produce(p)
	case "fetch":
		var f Fetch
		if err := json.Unmarshal(r.Args, &f); err != nil {
			return nil, err
		}
		return s.client.Fetch(f)
	case "offsets":
		return s.client.Offsets(a.Topic, a.Partition, a.Timestamp)
	case "stream.start":
		sender, err := s.client.Sender()
		if err != nil {
			return nil, err
		}
		s.streams[r.Handle] = startStream(sender, a.Topic, a.Partitions, time.Duration(a.EveryMs)*time.Millisecond)
		return nil, nil
	case "stream.status", "stream.stop":
		return s.stream(r.Op, s.streams[r.Handle])
	case "member.join":
		j := Join{SessionMs: 6000}
		if err := json.Unmarshal(r.Args, &j); err != nil {
			return nil, err
		}
		m, err := s.client.Join(j)
		s.members[r.Handle] = m
		return nil, err
	case "member.assigned", "member.take", "member.commit", "member.leave":
		return s.member(r.Op, s.members[r.Handle])
	}
	return s.extra(r)
}

// extra does what not every client can.
func (s *server) extra(r request) (any, error) {
	transactor, transacts := s.client.(Transactor)
	administrator, administers := s.client.(Administrator)
	kind, verb, _ := strings.Cut(r.Op, ".")
	switch {
	case kind == "txn" && transacts:
		return nil, s.transact(verb, r, transactor)
	case kind == "admin" && administers:
		var a Admin
		if len(r.Args) > 0 {
			if err := json.Unmarshal(r.Args, &a); err != nil {
				return nil, err
			}
		}
		return administrator.Administer(verb, a)
	}
	return nil, fmt.Errorf("unknown op %q", r.Op)
}

func (s *server) stream(op string, st *stream) (any, error) {
	switch {
	case st == nil:
		return nil, errors.New("no such stream")
	case op == "stream.stop":
		return st.end()
	}
	return st.state(), nil
}

func (s *server) member(op string, m Member) (any, error) {
	if m == nil {
		return nil, errors.New("no such member")
	}
	switch op {
	case "member.assigned":
		return m.Assigned(), nil
	case "member.take":
		return m.Take()
	case "member.commit":
		return nil, m.Commit()
	}
	return nil, m.Leave()
}

func (s *server) transact(verb string, r request, transactor Transactor) error {
	var a struct {
		ID        string
		Topic     string
		Records   []Record
		Group     string
		Partition int32
		Offset    int64
	}
	if len(r.Args) > 0 {
		if err := json.Unmarshal(r.Args, &a); err != nil {
			return err
		}
	}
	if verb == "open" {
		x, err := transactor.OpenTransactions(a.ID)
		s.txns[r.Handle] = x
		return err
	}
	x := s.txns[r.Handle]
	switch {
	case x == nil:
		return errors.New("no such producer")
	case verb == "begin":
		return x.Begin()
	case verb == "send":
		return x.Send(a.Topic, a.Records)
	case verb == "offsets":
		return x.SendOffset(a.Group, a.Topic, a.Partition, a.Offset)
	case verb == "commit":
		return x.Commit()
	case verb == "abort":
		return x.Abort()
	case verb == "close":
		return x.Close()
	}
	return fmt.Errorf("unknown op %q", r.Op)
}
