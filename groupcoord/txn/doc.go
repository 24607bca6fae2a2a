// Package txn is the state machine of the transactions on one partition of
// __transaction_state: which producer id and epoch a transactional id has,
// which partitions its transaction has touched, and how the transaction ends.
//
// The package is pure. Time, fresh producer ids and requests arrive in events;
// Decide says which records to write, what to answer, and which effects the
// world has to have; it starts nothing, waits for nothing and reads no clock.
// The same events give the same decisions.
//
// Hard state is what the log says: per transactional id the value of its last
// record. Only Apply writes it. Soft state is what can be found out again: the
// timer of a transaction, and the partitions whose marker is not confirmed yet.
// Loaded builds it anew.
//
// A transaction ends in two steps. A PrepareCommit or PrepareAbort record is
// the decision; once it is committed nothing changes the outcome. Then the
// effect WriteMarkers asks for a marker in every partition, and when
// MarkersWritten has confirmed the last one a CompleteCommit or CompleteAbort
// record closes the transaction. The effect is repeated until then, after a
// load too, so markers are written at least once.
//
// The caller must keep this order: Decide an event; Apply its records, in order,
// before the next Decide; append them to the log; release an answer with
// AfterCommit, and every effect, only when everything applied so far is
// committed. If the append fails, the machine is thrown away and a new one is
// loaded. Effects may be lost or doubled; that costs time, never an outcome.
//
// What always holds: one transaction at a time per transactional id; producer
// ids and epochs never go back; a decided outcome never changes; a marker says
// what a committed record has decided; a confirmation counts only for the
// transaction it was asked for; an open transaction is aborted when its
// timeout is over; rebuilding a machine from its records gives the same hard
// state.
package txn
