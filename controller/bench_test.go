package controller

import (
	"context"
	"fmt"
	"testing"

	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/quorum/quorumtest"
)

// BenchmarkOpenEmpty is from nothing to a leader that has named its cluster.
func BenchmarkOpenEmpty(b *testing.B) {
	for b.Loop() {
		open(b, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	}
}

func BenchmarkOpen10000Topics(b *testing.B) {
	for _, checkpoint := range []bool{false, true} {
		b.Run(fmt.Sprint("checkpoint=", checkpoint), func(b *testing.B) {
			fs, log := quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()
			cfg := config(fs, log)
			cfg.CheckpointEntries = 1 << 30
			if checkpoint {
				cfg.CheckpointEntries = 10_000
			}
			s := open(b, cfg)
			stop := run(b, s)
			register(b, s)
			for i := range 10_000 {
				s.CreateTopics(context.Background(), topic(fmt.Sprint("topic-", i)), false)
			}
			must(b, stop())
			for b.Loop() {
				if s := open(b, cfg); s.LoadedImage().TopicCount() != 10_000 {
					b.Fatal(s.LoadedImage().TopicCount())
				}
			}
		})
	}
}

// BenchmarkCreateTopic is one request with 10,000 topics there already.
func BenchmarkCreateTopic(b *testing.B) {
	s := open(b, config(quorumtest.NewCrashFS(dir), quorumtest.NewMemLog()))
	run(b, s)
	register(b, s)
	var topics []machine.CreatableTopic
	for i := range 10_000 {
		topics = append(topics, machine.CreatableTopic{Name: fmt.Sprint("old-", i), NumPartitions: 1, ReplicationFactor: 1})
	}
	s.CreateTopics(context.Background(), topics, false)
	i := 0
	for b.Loop() {
		i++
		if r := s.CreateTopics(context.Background(), topic(fmt.Sprint("new-", i)), false); r[0].Err != nil {
			b.Fatal(r)
		}
	}
}
