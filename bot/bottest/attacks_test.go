package bottest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// attackHead is how the story of one attack opens: "Attack 3. …".
var attackHead = regexp.MustCompile(`^Attack ([0-9]+)[.,] `)

// TestEachAttackHasItsStory wants a story of its own for each way in which operations
// run from a chat have gone wrong: those on approvals and identity (1–16), and those on
// execution (23–33). What a story expects, its play finds out.
func TestEachAttackHasItsStory(t *testing.T) {
	told := map[int]string{}
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := attackHead.FindSubmatch(data); m != nil {
			n, err := strconv.Atoi(string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			told[n] = f
		}
	}
	for n := 1; n <= 33; n++ {
		if (n <= 16 || n >= 23) && told[n] == "" {
			t.Errorf("no story opens with attack %d", n)
		}
	}
}
