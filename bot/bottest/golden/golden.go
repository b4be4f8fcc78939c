// Package golden compares what a test got with a file that people read. After a
// change, look at the difference and run the test with -update, which writes the file
// anew.
//
// Neighbours: tests of what is said and drawn, in any package; it imports none.
package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files of testdata anew; read the difference before you believe it")

// Check compares got with the file, and tells of the first line that differs, and of
// the heading ("=== …") that it stands below.
func Check(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := difference(got, string(data)); diff != "" {
		t.Errorf("it is otherwise than in %s (-update writes it anew):\n%s", file, diff)
	}
}

// difference is the first line of two texts that differs, "" where there is none.
func difference(got, want string) string {
	if got == want {
		return ""
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	page := ""
	for i := range min(len(g), len(w)) {
		if strings.HasPrefix(g[i], "=== ") {
			page = g[i] + ", "
		}
		if g[i] != w[i] {
			return fmt.Sprintf("%sline %d:\n got %q\nwant %q", page, i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%s%d lines, want %d", page, len(g), len(w))
}
