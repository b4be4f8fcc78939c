package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	linkOfDocs   = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	optionInDocs = regexp.MustCompile("`((?:services\\.)?watchstander\\.[a-z][A-Za-z0-9.]*[A-Za-z0-9])`")
)

// TestDocsOfTheHost: links of docs/host lead to files, options that are named there are
// options, and dashboards are dashboards.
func TestDocsOfTheHost(t *testing.T) {
	var options []string
	for _, o := range evaluate[[]option](t, "documented") {
		options = append(options, o.Name)
	}
	found := filesOf(t, "../docs/host", ".md")
	if len(found) == 0 {
		t.Fatal("there is none")
	}
	for _, path := range append(found, filepath.Join(root, "../docs/options.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linkOfDocs.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "/") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", path, m[1])
			}
		}
		for _, m := range optionInDocs.FindAllStringSubmatch(string(text), -1) {
			named := func(o string) bool {
				return o == m[1] || strings.HasPrefix(o, m[1]+".") || strings.HasPrefix(m[1], o+".")
			}
			if !slices.ContainsFunc(options, named) {
				t.Errorf("%s names %s, which is no option", path, m[1])
			}
		}
	}
}

// TestBackupsGoToB2: nothing tells people of another place than the plan's.
func TestBackupsGoToB2(t *testing.T) {
	for _, folder := range []string{"../docs", "hosts", "modules", "alerts", "dashboards"} {
		for _, path := range filesOf(t, folder, "") {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if strings.Contains(line, "rsync.net") && !strings.Contains(line, "B2") && !strings.Contains(line, "are wrong") {
					t.Errorf("%s: %s", path, line)
				}
			}
		}
	}
}
