package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// brokerBinary builds the broker of this tree into the cache folder, once per test process, so that a whole lane runs one
// and the same; SORDINI_BIN names a ready one instead. The lock of the lanes keeps two builds apart.
var brokerBinary = sync.OnceValues(buildBroker)

// Binary is the binary under test.
func Binary() (string, error) { return brokerBinary() }

func buildBroker() (string, error) {
	if bin := os.Getenv("SORDINI_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	return Build(".", "./cmd/sordini", "sordini")
}

// Build builds a program out of a folder of the tree into the cache folder, under a name.
func Build(folder, pkg, name string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, "bin", name)
	cmd := exec.Command("go", "build", "-o", bin, pkg)
	cmd.Dir = filepath.Join(root, folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s in %s: %w\n%s", pkg, folder, err, out)
	}
	return bin, nil
}

// moduleRoot walks up from the folder of the running test ("go test" starts it there) to the module's go.mod.
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
