package load

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// NewBroker is a broker that is not started yet, with a folder and a free port of its own. The data directory is below
// the folder, which goes away after the test.
func NewBroker(t testing.TB) (b *Broker, dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("crash tests start brokers; not with -short")
	}
	bin, err := brokerBinary()
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = os.MkdirTemp("", "sordini-crash-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if os.Getenv("SORDINI_COMPAT_KEEP") != "" {
			t.Logf("kept %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	b = &Broker{Bin: bin, Addr: fmt.Sprintf("127.0.0.1:%d", port), Dir: filepath.Join(dir, "data"), LogPath: filepath.Join(dir, "broker.log")}
	t.Cleanup(b.Kill) // before the folder goes
	return b, dir
}

// brokerBinary is SORDINI_BIN, or what this tree builds, once per process.
var brokerBinary = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("SORDINI_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	return Build(".", "./cmd/sordini", "sordini-crash")
})

// Build builds a program of the module in a folder of the tree, and puts it into the cache folder.
func Build(folder, pkg, name string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cache := os.Getenv("SORDINI_COMPAT_CACHE")
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(base, "sordini-compat")
	}
	bin := filepath.Join(cache, "bin", name)
	cmd := exec.Command("go", "build", "-o", bin, pkg)
	cmd.Dir = filepath.Join(root, folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s in %s: %w\n%s", pkg, folder, err, out)
	}
	return bin, nil
}

func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/sordini/sordini\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod of the project above %s", start)
		}
	}
}

// freePort finds a loopback port outside of the kernel's ephemeral range: a reconnecting client must not be given the port of
// a broker that is down as its own.
func freePort() (int, error) {
	first, last := 22000, 22299
	if s := os.Getenv("SORDINI_COMPAT_PORTS"); s != "" {
		if _, err := fmt.Sscanf(s, "%d-%d", &first, &last); err != nil || first >= last {
			return 0, fmt.Errorf("SORDINI_COMPAT_PORTS=%q: want FIRST-LAST", s)
		}
	}
	begin := rand.IntN(last - first)
	for i := range last - first {
		port := first + (begin+i)%(last-first)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port in %d-%d", first, last)
}
