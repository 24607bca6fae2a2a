package main

func packageCases() []ruleCase {
	const (
		storage  = "package storage\n\nimport _ \"github.com/sordini/sordini/protocol/batch\"\n"
		upwards  = "package batch\n\nimport _ \"github.com/sordini/sordini/storage\"\n"
		pebble   = "package %\n\nimport _ \"github.com/cockroachdb/pebble/v2/vfs\"\n"
		viper    = "package %\n\nimport _ \"github.com/spf13/viper\"\n"
		raft     = "package %\n\nimport _ \"go.etcd.io/raft/v3/raftpb\"\n"
		kgo      = "package %\n\nimport _ \"github.com/twmb/franz-go/pkg/kgo\"\n"
		kadm     = "package %\n\nimport _ \"github.com/twmb/franz-go/pkg/kadm\"\n"
		kerr     = "package %\n\nimport _ \"github.com/twmb/franz-go/pkg/kerr\"\n"
		memlog   = "package runtime\n\nimport _ \"github.com/sordini/sordini/groupcoord/runtime/memlog\"\n"
		inMemlog = "package memlog\n"
	)
	return []ruleCase{
		{"arrows", "down", map[string]string{"storage/log.go": storage, "protocol/batch/batch.go": "package batch\n"}, nil},
		{"arrows", "up", map[string]string{"protocol/batch/batch.go": upwards, "storage/log.go": "package storage\n"},
			[]string{"protocol/batch/batch.go:3"}},
		{"arrows", "files for other systems count", map[string]string{
			"protocol/batch/batch.go": "package batch\n", "protocol/batch/batch_plan9.go": upwards, "storage/log.go": "package storage\n"},
			[]string{"protocol/batch/batch_plan9.go:3"}},
		{"arrows", "tests may look further", map[string]string{
			"protocol/batch/batch.go": "package batch\n", "protocol/batch/batch_test.go": upwards, "storage/log.go": "package storage\n"}, nil},
		{"arrows", "package without a row", map[string]string{"gateway/gateway.go": "package gateway\n"}, []string{"gateway"}},
		{"arrows", "clients see the broker from outside", map[string]string{
			"compat-tests/kcat/lane.go": "package kcat\n\nimport _ \"github.com/sordini/sordini/broker\"\n", "broker/server.go": "package broker\n"},
			[]string{"compat-tests/kcat/lane.go:3"}},
		{"arrows", "nested modules have their own rules", map[string]string{
			"compat-tests/sarama/go.mod": "module example.org/sarama\n", "compat-tests/sarama/x.go": "package x\n\nimport _ \"github.com/sordini/sordini/broker\"\n",
			"broker/server.go": "package broker\n"}, nil},

		{"only", "at home", map[string]string{
			"storage/index/a.go": named(pebble, "index"), "storage/vfs/a.go": named(pebble, "vfs"), "controller/quorum/quorumtest/a.go": named(pebble, "quorumtest"),
			"cmd/sordini/a.go": named(viper, "main"), "controller/quorum/a.go": named(raft, "quorum"), "compat-tests/harness/a.go": named(kgo, "harness"),
			"broker/a_test.go": named(kgo, "broker"), "broker/a.go": named(kerr, "broker")}, nil},
		{"only", "elsewhere", map[string]string{
			"storage/a.go": named(pebble, "storage"), "storage/a_test.go": named(pebble, "storage"), "broker/config/a.go": named(viper, "config"),
			"controller/a.go": named(raft, "controller"), "controller/quorum/quorumtest/a.go": named(raft, "quorumtest"),
			"broker/a.go": named(kgo, "broker"), "groupcoord/a.go": named(kadm, "groupcoord")},
			[]string{"broker/a.go:3", "broker/config/a.go:3", "controller/a.go:3", "controller/quorum/quorumtest/a.go:3", "groupcoord/a.go:3",
				"storage/a.go:3", "storage/a_test.go:3"}},

		{"test support", "in a test", map[string]string{
			"groupcoord/runtime/a_test.go": memlog, "groupcoord/runtime/a.go": "package runtime\n", "groupcoord/runtime/memlog/a.go": inMemlog}, nil},
		{"test support", "in code", map[string]string{"groupcoord/runtime/a.go": memlog, "groupcoord/runtime/memlog/a.go": inMemlog},
			[]string{"groupcoord/runtime/a.go:3"}},

		{"names", "what it owns", map[string]string{"storage/vfs/a.go": "package vfs\n"}, nil},
		{"names", "what it is", map[string]string{
			"storage/util/a.go": "package util\n", "broker/types/a.go": "package kafka\n", "broker/x/a.go": "package common\n"},
			[]string{"broker/types", "broker/x", "storage/util"}},

		{"package comment", "there", map[string]string{
			"storage/a.go": "// Package storage owns logs.\npackage storage\n", "storage/b.go": "package storage\n",
			"cmd/tidy/a.go": "// Command tidy looks.\npackage main\n", "compat-tests/kcat/a_test.go": "// Package kcat drives kcat.\npackage kcat\n"}, nil},
		{"package comment", "missing or another's", map[string]string{
			"storage/a.go": "package storage\n", "broker/a.go": "// Copyright somebody.\npackage broker\n", "protocol/a.go": "// Package protocol is cut off.\n\npackage protocol\n",
			"groupcoord/a.go": "package groupcoord\n", "groupcoord/a_test.go": "// Package groupcoord has it in a test.\npackage groupcoord\n"},
			[]string{"broker", "groupcoord", "protocol", "storage"}},

		{"dot import", "by name", map[string]string{"storage/a.go": "package storage\n\nimport \"os\"\n\nvar _ = os.Args\n"}, nil},
		{"dot import", "dot", map[string]string{"storage/a.go": "package storage\n\nimport . \"os\"\n\nvar _ = Args\n"}, []string{"storage/a.go:3"}},

		{"cgo", "none", map[string]string{"storage/a.go": "package storage\n"}, nil},
		{"cgo", "import C", map[string]string{"storage/a.go": "package storage\n\nimport \"C\"\n"}, []string{"storage/a.go:3"}},
	}
}
