package load

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/sordini/sordini/compat-tests/harness"
)

// NewBroker is a broker that is not started yet, with a folder and a free port of its own. The data directory is below
// the folder, which goes away after the test.
func NewBroker(t testing.TB) (b *Broker, dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("crash tests start brokers; not with -short")
	}
	bin, err := harness.Binary()
	if err != nil {
		t.Fatal(err)
	}
	dir = harness.Folder(t)
	port, err := harness.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	b = &Broker{Bin: bin, Addr: fmt.Sprintf("127.0.0.1:%d", port), Dir: filepath.Join(dir, "data"), LogPath: filepath.Join(dir, "broker.log")}
	t.Cleanup(b.Kill) // before the folder goes
	return b, dir
}
