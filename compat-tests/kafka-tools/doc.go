// Package kafkatools runs the command-line tools of Apache Kafka against the broker, as an operator does who has them already, and looks whether
// each does what it says. docs/tools.md tells which uses of them are to be expected; what is "yes" there has a step here, when it is about the
// broker and not about load.
//
//	go test -count=1 -v ./compat-tests/kafka-tools
//	SORDINI_COMPAT_TARGET=kafka-4.4.0 go test -count=1 ./compat-tests/kafka-tools    # does Kafka itself pass?
//
// The steps share one broker and are in order: later ones see what earlier ones made.
package kafkatools
