// Package harness is what every compatibility lane stands on: it starts the real broker binary as a process of its own,
// restarts it in the middle of things, starts foreign client programs and drives them, and holds the scenarios that each
// of them must pass.
//
// A lane is a folder beside this one with a run.sh, which starts one pinned version of one unmodified client, and a Go
// test of a few lines:
//
//	func TestMain(m *testing.M) { harness.Main(m) }
//	func TestClients(t *testing.T) { harness.Lane(t, harness.Agents("./run.sh", "1.2.3", "4.5.6")...) }
//
// The other side is chosen by SORDINI_COMPAT_TARGET: sordini (the default, built from this tree), or kafka-VERSION, a
// released Apache Kafka from ../peer. A lane that fails against Kafka is a wrong lane; that is how lanes are written.
//
// What must hold: a lane never skips because a toolchain is absent, it fails and says what to install; every process
// that is started is ended by its own pid, also when the test panics or is killed; everything listens on the loopback
// address; lanes run one after another, however many of them "go test" starts (see Main).
package harness
