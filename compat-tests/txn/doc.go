// Package txn runs transactional programs of several clients while the broker is killed and started again, and has their history
// judged by package check: transfers between accounts, a feeder of originals, copiers that consume, transform and produce in one
// transaction, and readers that look at everything meanwhile.
//
// The programs are the same for every client: here for franz-go, under java/ for Apache Kafka's.
package txn
