package txn

// State is Kafka's state of a transactional id, with its number in records.
type State int8

// PrepareEpochFence lasts for one decision only and Dead is an id that is not
// there any more: neither is ever stored.
const (
	Empty State = iota
	Ongoing
	PrepareCommit
	PrepareAbort
	CompleteCommit
	CompleteAbort
	Dead
	PrepareEpochFence
)

var stateNames = [...]string{"Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"}

func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "Unknown"
	}
	return stateNames[s]
}

// StateForName finds a state by the name clients use, false if there is none.
func StateForName(name string) (State, bool) {
	for i, each := range stateNames {
		if each == name {
			return State(i), true
		}
	}
	return 0, false
}

func (s State) preparing() bool { return s == PrepareCommit || s == PrepareAbort }

func (s State) complete() bool { return s == CompleteCommit || s == CompleteAbort }
