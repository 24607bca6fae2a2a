// Package group is the state machine of the groups on one coordinator
// partition.
package group
