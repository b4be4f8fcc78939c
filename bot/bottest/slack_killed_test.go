package bottest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot/store"
	"watchstander/integrations/slack/slackfake"
)

// killer kills the bot at random moments around a post: after Slack has taken it and
// before the receipt is known, or while the request is on its way, to arrive when the bot
// is dead or lives again.
type killer struct {
	mu     sync.Mutex
	random *rand.Rand
	left   int // requests until the next death; negative for none
	kills  map[string]int
}

func (k *killer) next() { k.left = 1 + k.random.IntN(12) }

// hit tells whether this post is the one.
func (k *killer) hit(what string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left < 0 {
		return false
	}
	if k.left--; k.left > 0 {
		return false
	}
	k.next()
	k.kills[what]++
	return true
}

// delay is how much later than its sender a request arrives: less than the time that the
// bot allows one of its life before.
func (k *killer) delay() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Duration(k.random.IntN(1500)) * time.Millisecond
}

func (k *killer) total() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, x := range k.kills {
		n += x
	}
	return n
}

func (k *killer) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = -1
}

// TestSlackKilled kills the bot 200 times between Slack's acceptance of roots, edits,
// replies, plans and pictures and its own receipt. There is never a second root, nothing
// is said twice, and in the end all of the truth is shown.
func TestSlackKilled(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 40
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("WATCHSTANDER_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("WATCHSTANDER_SEED=%d", seed)
	k := &killer{random: rand.New(rand.NewPCG(seed, 1)), left: -1, kills: map[string]int{}}
	accepted := func(w *workspace, c slackfake.Call) {
		if (strings.HasPrefix(c.Method, "chat.") || c.Method == "files.completeUploadExternal") && !w.now().isDead() && k.hit(c.Method+" taken") {
			w.now().kill()
		}
	}
	leaving := func(w *workspace, l *slackLife, q *http.Request) {
		method := path.Base(q.URL.Path)
		if !strings.HasPrefix(method, "chat.") || !k.hit(method+" on its way") {
			return
		}
		w.fake.Trouble(slackfake.Trouble{What: slackfake.Late, Method: method, Delay: k.delay()})
		time.AfterFunc(time.Millisecond, l.kill)
	}
	inWorkspace(t, workspaceOptions{graphs: true, agent: vulcan, accepted: accepted, leaving: leaving}, func(w *workspace) {
		d := &drama{w: w, random: rand.New(rand.NewPCG(seed, 2)), firing: map[string]bool{}}
		w.pass(5 * time.Second)
		k.mu.Lock()
		k.next()
		k.mu.Unlock()
		for k.total() < rounds && !t.Failed() {
			if time.Since(noonOfBubbles) > 3*time.Hour {
				t.Fatalf("%d deaths in three hours: the bot says nothing any more\n%s", k.total(), w.warned())
			}
			d.something()
			w.pass(time.Duration(200+d.random.IntN(4000)) * time.Millisecond)
		}
		k.stop()
		w.pass(5 * time.Minute)
		t.Logf("%d deaths in %s: %v", k.total(), time.Since(noonOfBubbles).Round(time.Second), k.kills)
		d.check()
		w.sound()
		if t.Failed() {
			t.Log(w.fake.Transcript(opsChannel) + w.fake.Transcript(webChannel) + w.warned())
		}
	})
}

// noonOfBubbles is when a bubble's time begins.
var noonOfBubbles = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// drama is what happens meanwhile, and what must be read of it in the end.
type drama struct {
	w      *workspace
	random *rand.Rand
	n      int
	firing map[string]bool // "team/cluster/instance"
	asked  []slackfake.Ref // what people said, that is answered once
}

const dramaGroups = 8

// something happens.
func (d *drama) something() {
	w := d.w
	d.n++
	cluster := fmt.Sprintf("g%d", d.random.IntN(dramaGroups))
	team := "ops"
	if cluster[1]%2 == 0 {
		team = "web"
	}
	channel := map[string]string{"ops": opsChannel, "web": webChannel}[team]
	switch d.random.IntN(10) {
	case 0, 1, 2, 3: // an alert begins
		i := fmt.Sprintf("node%04d", d.n)
		w.fire("Trouble", cluster, "warning", "team", team, "instance", i)
		d.firing[team+"/"+cluster+"/"+i] = true
	case 4, 5, 6: // one ends
		for key := range d.firing {
			p := strings.Split(key, "/")
			w.resolve("Trouble", p[1], "warning", "team", p[0], "instance", p[2])
			delete(d.firing, key)
			break
		}
	case 7: // somebody acks
		if root, ok := w.fake.Find(channel, "cluster="+cluster); ok {
			if m, _ := w.fake.Message(root); m.Thread == "" && strings.Contains(title(m), "FIRING") {
				word := fmt.Sprintf("note%04d", d.n)
				d.asked = append(d.asked, w.fake.Mention(channel, "U0ALICE", "ack "+word, root.TS))
			}
		}
	case 8: // somebody asks
		d.asked = append(d.asked, w.fake.Mention(channel, "U0ALICE", "alerts", ""))
	case 9: // somebody wants a plan
		d.asked = append(d.asked, w.fake.Mention(opsChannel, "U0ALICE", fmt.Sprintf("zfs arc set max %dG", 8+d.random.IntN(20)), ""))
	}
}

// check compares what the channels hold with what has happened.
func (d *drama) check() {
	w, t := d.w, d.w.t
	t.Helper()
	threads, keys := map[string]int{}, map[string]int{}
	for _, channel := range []string{opsChannel, webChannel} {
		roots := map[string]bool{}
		for _, s := range w.fake.Rendered(channel) {
			if !s.Mine || s.OnlyFor != "" {
				continue
			}
			key := fmt.Sprint(s.Metadata["event_payload"].(map[string]any)["key"])
			if keys[key]++; keys[key] > 1 {
				t.Errorf("%s was posted twice: %s", key, title(s))
			}
			if s.Thread == "" {
				roots[s.TS] = true
				lines := strings.Split(strings.TrimSpace(s.Text), "\n")
				id := lines[len(lines)-1]
				if threads[channel+id]++; threads[channel+id] > 1 || !strings.HasPrefix(id, "thr_") && !strings.HasPrefix(id, "pln_") {
					t.Errorf("a second root, or none of ours: %s", s.Text)
				}
			}
		}
		for _, s := range w.fake.Rendered(channel) {
			if s.Thread != "" && !roots[s.Thread] && s.Mine {
				if root, ok := w.fake.Message(slackfake.Ref{Channel: channel, TS: s.Thread}); !ok || root.User != "U0ALICE" {
					t.Errorf("a reply stands below nothing: %s", title(s))
				}
			}
		}
	}
	for _, ref := range d.asked {
		asked, _ := w.fake.Message(ref)
		_, note, acks := strings.Cut(asked.Text, "ack ")
		n, idle := 0, 0
		for _, s := range w.fake.Rendered(ref.Channel) {
			switch {
			case !s.Mine:
			case s.Thread == ref.TS, acks && s.Thread == asked.Thread && strings.Contains(s.Text, note):
				n++
			case acks && s.Thread == asked.Thread && strings.Contains(s.Text, "there is nothing to ack"):
				idle = 1 // which of several such acks is meant, it does not say
			}
		}
		if n == 0 {
			n = idle
		}
		if n != 1 {
			t.Errorf("%q, said at %s, was answered %d times", asked.Text, clockOf(ref.TS), n)
		}
	}
	d.checkLog()
	d.checkTruth()
}

// checkLog reads each thread's log in the channel: what came after the root stands there
// once, in its order. (A root that came late tells what was before it.)
func (d *drama) checkLog() {
	w, t := d.w, d.w.t
	t.Helper()
	said, entries := 0, 0
	err := w.now().store.View(t.Context(), func(tx *store.Tx) error {
		threads, err := tx.ThreadsBySubject("", 1000)
		for _, th := range threads {
			views, err := tx.Views(th.ID)
			if err != nil {
				return err
			}
			all, err := tx.Entries(th.ID, 0, 10000)
			if err != nil {
				return err
			}
			for _, v := range views {
				if !v.OwnRoot || v.Root == "" {
					continue
				}
				if v.ShownVersion < th.Version || v.SaidSeq < th.LastSeq || v.Due {
					t.Errorf("the room lacks something of %s: version %d of %d, entry %d of %d", th.ID, v.ShownVersion, th.Version, v.SaidSeq, th.LastSeq)
				}
				channel, ts, _ := strings.Cut(string(v.Root), "/")
				text := ""
				for _, s := range w.fake.Rendered(channel) {
					if s.Thread == ts && s.Mine {
						text += s.Text + "\n"
					}
				}
				began, at := false, 0
				for _, e := range all {
					line := e.Message.Title.String()
					if !strings.Contains(line, "(node") && !strings.Contains(line, "note") {
						continue // nothing in it is this one's alone
					}
					entries++
					switch n := strings.Count(text, line); {
					case n > 1:
						t.Errorf("%s: %q was said %d times", th.ID, line, n)
					case n == 0 && began:
						t.Errorf("%s: %q was not said", th.ID, line)
					case n == 1:
						if i := strings.Index(text, line); i < at {
							t.Errorf("%s: %q was said out of order", th.ID, line)
						} else {
							at = i
						}
						began = true
						said++
					}
				}
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if said == 0 {
		t.Error("nothing was said of any entry")
	}
	t.Logf("%d entries, of which %d came after their roots", entries, said)
}

// checkTruth compares the roots with what fires.
func (d *drama) checkTruth() {
	w, t := d.w, d.w.t
	t.Helper()
	firing := map[string]int{}
	for key := range d.firing {
		firing[strings.Split(key, "/")[1]]++
	}
	for _, channel := range []string{opsChannel, webChannel} {
		newest := map[string]string{}
		for _, r := range w.roots(channel) {
			if _, after, found := strings.Cut(title(r), "(cluster="); found {
				cluster, _, _ := strings.Cut(after, ")")
				newest[cluster] = title(r)
			}
		}
		for i := range dramaGroups {
			cluster := fmt.Sprintf("g%d", i)
			if (channel == webChannel) != (i%2 == 0) {
				continue
			}
			got := newest[cluster]
			n := firing[cluster]
			state, _, _ := strings.Cut(strings.TrimLeft(got, "🟠✅🔇 "), " Trouble")
			want := []string{fmt.Sprintf("FIRING ×%d", n), fmt.Sprintf("ACKED ×%d", n)}
			switch n {
			case 1:
				want = append(want, "FIRING", "ACKED")
			case 0:
				want = []string{"RESOLVED", ""}
			}
			if !slices.Contains(want, state) {
				t.Errorf("%d alerts of %s fire, and its root says %q", n, cluster, got)
			}
		}
	}
}

// clockOf is when a message was taken.
func clockOf(ts string) string {
	s, _, _ := strings.Cut(ts, ".")
	n, _ := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0).UTC().Format("15:04:05")
}
