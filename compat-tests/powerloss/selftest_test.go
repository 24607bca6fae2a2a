package powerloss

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sordini/sordini/compat-tests/crash/ledger"
	"github.com/sordini/sordini/compat-tests/crash/load"
)

// TestForgottenSyncIsCaught: a program that says that it has written, with a sync, without one, and with one that
// forgets the name.
func TestForgottenSyncIsCaught(t *testing.T) {
	cases := []struct {
		name, script, want string // want is what the file holds after the power was off; "" for no file
		journal            bool
	}{
		{name: "nothing synced", script: `echo old >f`, want: ""},
		{name: "file and name synced", script: `echo new >f; sync f .`, want: "new\n"},
		{name: "name forgotten", script: `echo new >f; sync f`, want: ""},
		{name: "name forgotten, but there is a journal", journal: true, script: `echo new >f; sync f`, want: "new\n"},
		{name: "data forgotten", script: `echo new >f; sync .`, want: "empty"},
		{name: "syncfs", script: `echo new >f; sync -f .`, want: "new\n"},
		{name: "sync of everything", script: `echo new >f; sync`, want: "new\n"},
		{name: "replaced without a sync of the name", script: `echo old >f; sync f .; echo new >g; sync g; mv g f`, want: "old\n"},
		{name: "replaced", script: `echo old >f; sync f .; echo new >g; sync g; mv g f; sync .`, want: "new\n"},
		{name: "removed without a sync", script: `echo old >f; sync f .; rm f`, want: "old\n"},
		{name: "removed", script: `echo old >f; sync f .; rm f; sync .`, want: ""},
		{name: "overwritten without a sync", script: `echo old >f; sync f .; printf new | dd of=f conv=notrunc status=none`, want: "old\n"},
		{name: "cut without a sync", script: `echo old >f; sync f .; truncate -s 1 f`, want: "old\n"},
	}
	fs := startFS(t, t.TempDir())
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fs.medium(t, c.journal)
			home := filepath.Join(fs.mount, string(rune('a'+i)))
			script := "mkdir " + home + " && sync " + fs.mount + " && cd " + home + " && " + c.script
			argv := append(fs.wrap(), "sh", "-ec", script)
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", script, err, out)
			}
			fs.cut(t, uint64(i), 100, c.journal)
			got, err := os.ReadFile(filepath.Join(home, "f"))
			switch {
			case err == nil && len(got) == 0:
				got = []byte("empty")
			case os.IsNotExist(err):
				got = nil
			case err != nil:
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("after the cut the file holds %q, want %q", got, c.want)
			}
		})
	}
}

// TestBrokerThatForgetsToSyncIsCaught: the judge is told that the topic's policy is group, while the broker is told os. This is
// the proof that TestPowerLoss would see a broker that acknowledges too early.
func TestBrokerThatForgetsToSyncIsCaught(t *testing.T) {
	r := newRig(t, 7)
	r.start(t)
	topics := load.Topics([]string{"os"}, "os")[:1]
	w, err := load.NewWorld(context.Background(), r.b.Addr, topics)
	if err != nil {
		t.Fatal(err)
	}
	life, err := w.Live(true)
	if err != nil {
		t.Fatal(err)
	}
	for w.Acked() < 500 {
		if r.b.Ended() {
			t.Fatal("the broker has ended")
		}
	}
	r.b.Kill()
	life.End()
	r.fs.cut(t, 7, 100, false)
	r.start(t)
	w.Promise("group")
	report, err := w.Judge(context.Background(), ledger.Crash{PowerLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Faults) == 0 || !strings.Contains(report.Faults[0], "is missing: it was acknowledged") {
		t.Errorf("nothing was synced, everything was cut, and the judge says %q", report.Faults)
	}
}
