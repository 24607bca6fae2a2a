// Package runtime runs coordinators that live on the partitions of an internal
// topic.
package runtime
