// Package group is the state machine of the groups on one partition of
// __consumer_offsets: membership by the classic protocol, and the offsets.
//
// The package is pure. Time, fresh ids and requests arrive in events; Decide
// says which records to write and what to answer; it starts nothing, waits for
// nothing and reads no clock. The same events give the same decisions.
//
// State is of two kinds. Hard state is what the log says: per group the value
// of its last metadata record and its offsets, with those of open transactions.
// Only Apply, ApplyTxn and ApplyMarker write it, from what is in the log. Soft
// state is everything else (who is waiting in JoinGroup, sessions, protocols a
// member offered, the generation that is being prepared, verifications under
// way); it is lost with the coordinator, and Loaded builds it anew from the hard
// state. As in Kafka, a generation reaches the log when its leader hands in the
// assignment, so a coordinator that moves during a rebalance goes on from the
// generation before.
//
// The caller must keep this order: Decide an event; Apply its records, in order,
// before the next Decide; append them to the log (records of a transaction are
// appended first, for the log may refuse them); release an answer with
// AfterCommit only when everything applied so far is committed. If the append
// fails, the machine is thrown away and a new one is loaded.
//
// What always holds: a token is answered exactly once unless the machine is
// thrown away; a partition assigned in a generation is the leader's
// choice alone, and answered only from a committed record; rebuilding a machine
// from its records gives the same hard state.
package group
