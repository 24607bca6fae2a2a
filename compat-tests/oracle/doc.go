// Package oracle asks the broker what it asks Apache Kafka, and compares the answers field by field.
//
// A script is a short conversation about one API, held in each version of it over a raw connection: good requests, and the ones that Kafka
// refuses. What Kafka 3.9.1 and 4.4.0 said is recorded in testdata, one file for each script and release; go test holds the same
// conversations with the broker of this tree. The newest release that serves a version is the measure for it, and only that is recorded (so
// record 4.4.0 first). Where the broker means to
// answer otherwise, accepted.go has a line with the reason; a line that fits nothing any more is a failure too.
//
// Only a broker that has ended makes a new leader epoch. So the scripts about epochs ask about a log that is there: that of a Kafka which was
// started several times, its directory in testdata, and which Sordini imports.
//
// What differs from run to run (ids, clocks, addresses, the names of topics) is replaced by words before anything is compared, lists
// are compared by the names in them and not by their order, and of a human-readable message only that there is one.
//
//	go test -count=1 ./compat-tests/oracle                                                    # Sordini against the recordings
//	SORDINI_COMPAT_TARGET=kafka-4.4.0 go test -count=1 ./compat-tests/oracle -record          # record again
//	SORDINI_COMPAT_TARGET=kafka-4.4.0 go test -count=1 ./compat-tests/oracle                  # does Kafka still say so?
//	SORDINI_ORACLE=kafka-4.4.0@127.0.0.1:9092 go test -count=1 ./compat-tests/oracle -record  # of a broker that runs (node.id=1, num.partitions=4; a fresh one)
//
// A new script: write it in scripts_*.go, record both releases, read what they said, run it against Sordini.
package oracle
