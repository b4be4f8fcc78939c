package bottest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestStories plays every story. Names say what it is about; see its comment.
func TestStories(t *testing.T) {
	for _, s := range stories(t) {
		t.Run(s.Name, func(t *testing.T) {
			beside(t, s)
			Play(t, s, Crash{})
		})
	}
}

func stories(t *testing.T) []Story {
	t.Helper()
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no stories: %v", err)
	}
	var out []Story
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Read(f, data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// TestStoriesWithCrashes plays every story again and again, with the bot killed
// after a commit, or after a message that the chat accepted and whose receipt
// never arrives. The story's expectations and the model stay the same: a crash
// must not be seen. Every point is tried with WATCHSTANDER_CRASHES=all (as CI does),
// so many of each kind with a number, and one of each kind otherwise.
func TestStoriesWithCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("the stories are played plainly in short runs")
	}
	points := 1
	if many := os.Getenv("WATCHSTANDER_CRASHES"); many == "all" {
		points = 1 << 20
	} else if n, err := strconv.Atoi(many); err == nil {
		points = n
	}
	for _, s := range stories(t) {
		t.Run(s.Name, func(t *testing.T) {
			beside(t, s)
			if s.NoCrash != "" {
				t.Skip(s.NoCrash)
			}
			n := Play(t, s, Crash{})
			for _, c := range spread(n.Commits, points) {
				t.Run(fmt.Sprintf("commit%d", c), func(t *testing.T) { Play(t, s, Crash{AfterCommits: c}) })
			}
			for _, c := range spread(count(n.Sends), points) {
				t.Run(fmt.Sprintf("send%d", c), func(t *testing.T) { Play(t, s, Crash{AfterSends: c}) })
			}
		})
	}
}

// beside lets a story be played beside others. One that executes programs is not: for
// the moment in which it comes to be, a program has a copy of all that is open in this
// process, and so holds the locks that another story's host has just let go of.
func beside(t *testing.T, s Story) {
	if !s.Backups() {
		t.Parallel()
	}
}

// spread picks at most most of them, evenly.
func spread(all []int, most int) []int {
	if len(all) <= most {
		return all
	}
	var out []int
	for i := range most {
		out = append(out, all[i*len(all)/most])
	}
	return out
}

// count is 1…n.
func count(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}
