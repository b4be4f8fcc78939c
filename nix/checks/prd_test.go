package checks

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPlanTableNamesWhatIsThere: each row of docs/prd.md has its three cells, the files that
// it names exist, and the rows that are open are counted as such.
func TestPlanTableNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "..", "docs", "prd.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, open := 0, 0
	file := regexp.MustCompile("`((?:nix|docs|schedules|bot|integrations|commands|tools)/[^` ]+)`")
	test := regexp.MustCompile("`(Test[A-Z][A-Za-z0-9]+)`")
	cases := regexp.MustCompile("`(nix/checks/cases/[^`]+)` \\(([^)]*)\\)")
	quoted := regexp.MustCompile(`"([^"]+)"`)
	tests := testsOfTheTree(t)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| the plan |") {
			continue
		}
		rows++
		if len(cells) != 3 {
			t.Errorf("%d cells: %s", len(cells), line)
			continue
		}
		if strings.TrimSpace(cells[1]) == "open" {
			open++
		} else if strings.TrimSpace(cells[1]) == "" || strings.TrimSpace(cells[2]) == "" {
			t.Errorf("neither open nor shown: %s", line)
		}
		for _, m := range test.FindAllStringSubmatch(line, -1) {
			if !tests[m[1]] {
				t.Errorf("there is no test %s: %s", m[1], line)
			}
		}
		for _, m := range cases.FindAllStringSubmatch(line, -1) {
			text, _ := os.ReadFile(filepath.Join(root, "..", m[1])) // that it is there is looked at below
			for _, name := range quoted.FindAllStringSubmatch(m[2], -1) {
				if !strings.Contains(string(text), `"`+name[1]+`"`) {
					t.Errorf("%s has no case %q", m[1], name[1])
				}
			}
		}
		for _, m := range file.FindAllStringSubmatch(line, -1) {
			if found, err := filepath.Glob(filepath.Join(root, "..", m[1])); err != nil || len(found) == 0 {
				t.Errorf("there is no %s: %s", m[1], line)
			}
		}
	}
	if rows < 100 {
		t.Errorf("only %d rows", rows)
	}
	told := fmt.Sprintf("Of %d rows %d are still open.", rows, open)
	if open > 0 && !strings.Contains(string(text), told) {
		t.Errorf("it does not say: %s", told)
	}
	if open == 0 && strings.Contains(string(text), "still open") {
		t.Error("nothing is open any more")
	}
}

// testsOfTheTree are the names of all tests.
func testsOfTheTree(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	name := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir(filepath.Join(root, ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
