// Package programs runs what people build on top of the Java client: Kafka Streams with at-least-once and Spring Kafka, an old
// and a new release of each. A program reads the topic NAME-lines and writes to NAME-out; it is stopped, killed and started again,
// and so is the broker.
package programs
