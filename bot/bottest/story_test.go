package bottest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// plainly is what came of stories that were played without a crash, by their names.
var plainly sync.Map // of Played

// TestStories plays every story. Names say what it is about; see its comment.
//
// With the race detector each takes ten times as long, and what runs beside what is the
// same in most: a short run with it plays every third, and all of them without.
func TestStories(t *testing.T) {
	for i, s := range stories(t) {
		if raced && testing.Short() && i%3 > 0 {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			beside(t, s)
			n := Play(t, s, Crash{Never: s.NoCrash != "" || s.Long != "" && points() == fewPoints})
			if !t.Failed() {
				plainly.Store(s.Name, n)
			}
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

// fewPoints are tried where nobody asks for more.
const fewPoints = 1

// points is how many points of each kind are tried: WATCHSTANDER_CRASHES, which is a
// number or "all".
func points() int {
	many := os.Getenv("WATCHSTANDER_CRASHES")
	if n, err := strconv.Atoi(many); err == nil {
		return n
	}
	if many == "all" {
		return 1 << 20
	}
	return fewPoints
}

// TestStoriesWithCrashes plays every story again and again, with the bot killed
// after a commit, or after a message that the chat accepted and whose receipt
// never arrives. The story's expectations and the model stay the same: a crash
// must not be seen. Every point is tried with WATCHSTANDER_CRASHES=all,
// so many of each kind with a number; otherwise one in each story, by turns of the one
// and of the other kind.
func TestStoriesWithCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("the stories are played plainly in short runs")
	}
	for i, s := range stories(t) {
		t.Run(s.Name, func(t *testing.T) {
			beside(t, s)
			switch {
			case s.NoCrash != "":
				t.Skip(s.NoCrash)
			case s.Long != "" && points() == fewPoints:
				t.Skip(s.Long)
			}
			// Where crashes can be, the play without any has found out.
			var n Played
			if known, ok := plainly.Load(s.Name); ok {
				n = known.(Played)
			} else {
				n = Play(t, s, Crash{})
			}
			commits, sends := spread(n.Commits, points()), spread(count(n.Sends), points())
			if points() == fewPoints && i%2 == 0 && len(sends) > 0 {
				commits = nil
			} else if points() == fewPoints && len(commits) > 0 {
				sends = nil
			}
			for _, c := range commits {
				t.Run(fmt.Sprintf("commit%d", c), func(t *testing.T) { Play(t, s, Crash{AfterCommits: c}) })
			}
			for _, c := range sends {
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

// spread picks at most most of them, evenly, each from the middle of its share: the
// first moments of all stories are much the same.
func spread(all []int, most int) []int {
	if len(all) <= most {
		return all
	}
	var out []int
	for i := range most {
		out = append(out, all[(2*i+1)*len(all)/(2*most)])
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

// TestStoriesInSlack plays the stories once more with Slack in Matrix' place: the real
// adapter, against the strict fake; and, where WATCHSTANDER_CRASHES asks for crashes, again
// with one each, by turns after a commit and after a message whose receipt never arrives.
// Some cannot be played there; each says why, and most can.
func TestStoriesInSlack(t *testing.T) {
	crashes := os.Getenv("WATCHSTANDER_CRASHES") != ""
	var played, left atomic.Int64
	t.Run("each", func(t *testing.T) {
		for i, s := range stories(t) {
			if testing.Short() && i%4 > 0 {
				continue // a short run plays each of them once already
			}
			t.Run(s.Name, func(t *testing.T) {
				beside(t, s)
				n, why := PlayInSlack(t, s, Crash{Never: s.NoCrash != "" || !crashes})
				if why != "" {
					left.Add(1)
					t.Skip(why)
				}
				played.Add(1)
				if s.NoCrash != "" || s.Long != "" || !crashes || t.Failed() {
					return
				}
				c := Crash{AfterSends: spread(count(max(n.Sends, 1)), 1)[0]}
				if i%2 == 0 && len(n.Commits) > 0 {
					c = Crash{AfterCommits: spread(n.Commits, 1)[0]}
				}
				t.Run(fmt.Sprintf("commit%d,send%d", c.AfterCommits, c.AfterSends), func(t *testing.T) { PlayInSlack(t, s, c) })
			})
		}
	})
	t.Logf("%d stories were played in Slack, %d could not be", played.Load(), left.Load())
	if played.Load() < 3*left.Load() {
		t.Errorf("only %d stories were played, and %d left out", played.Load(), left.Load())
	}
}
