package checks

import (
	"fmt"
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
