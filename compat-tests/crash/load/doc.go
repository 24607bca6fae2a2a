// Package load is what a broker has to bear while it is being killed: producers, a committing group, topics that come and go,
// a producer of which every sequence is known; and the questions that are asked after each restart. The tests of kill -9,
// power loss and full disks call it. Package ledger judges.
//
// A World lives through many crashes. Between two of them there is a Life: everything that writes. A Life ends after the
// kill, so that every acknowledgement that the broker ever sent has come, and the log found after the restart is whole.
package load
