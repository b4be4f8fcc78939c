package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/journal"
)

// rounds is how often processes are killed while a run acts: 50 in CI, fewer in
// everyday work.
func rounds(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("WATCHSTANDER_CRASH_ROUNDS")); err == nil {
		return n
	}
	if os.Getenv("WATCHSTANDER_REQUIRE_REAL") == "1" {
		return 50
	}
	if testing.Short() {
		return 3
	}
	return 8
}

// TestKilledProcesses kills real processes of the agent and of its workers, with
// SIGKILL: in every other round while the run acts, else at random moments. Nothing is ever applied twice, every plan comes to
// an end that is told, and the end that is told is true.
func TestKilledProcesses(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for file, text := range map[string]string{"etc/machine-id": strings.Repeat("a", 32), "proc/sys/kernel/random/boot_id": "boot", "run/lamp": "off", "run/oil": "full"} {
		file = filepath.Join(dir, "host", file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	k := &killed{T: t, dir: dir, client: client.New(filepath.Join(dir, "b"))}
	defer k.client.Close()
	k.start()
	defer func() { _ = k.cmd.Process.Kill(); _ = k.cmd.Wait() }()
	ends := map[bot.ProposalState]int{}
	n, round := rounds(t), 0
	for ; k.during < n; round++ {
		if round >= 6*n {
			t.Fatalf("in %d rounds only %d deaths came while a run acted", round, k.during)
		}
		ends[k.round(round)]++
	}
	t.Logf("%d rounds, %d deaths while a run acted, the agent died %d times: %v", round, k.during, k.deaths, ends)
	if n >= 8 && (ends[bot.Done] == 0 || ends[bot.Interrupted] == 0) {
		t.Errorf("not all kinds of ends came: %v", ends)
	}
	k.must(k.cmd.Process.Signal(syscall.SIGTERM))
	if err := k.cmd.Wait(); err != nil {
		t.Errorf("the agent does not end well: %v", err)
	}
	j, err := journal.OpenFile(filepath.Join(dir, "state", "journal"), strings.Clone)
	k.must(err)
	defer j.Close()
	starts, forgone, told := map[string]int{}, map[string]int{}, map[string]int{}
	for e, err := range j.Entries(0) {
		k.must(err)
		switch e.Kind {
		case journal.KindStart:
			starts[e.Subject]++
			if starts[e.Subject] > 1+forgone[e.Subject] {
				t.Errorf("%s is started again, and nothing said before that nothing was begun", e.Subject)
			}
		case journal.KindNote:
			// The agent died between the journal's entry and the record: a start too many
			// is told, and nothing was done by it.
			if strings.Contains(e.Text, "Nothing was begun") {
				forgone[e.Subject]++
			}
		case journal.KindEnd, journal.KindInterrupted:
			told[e.Subject]++
		}
	}
	for id, n := range starts {
		if told[id] == 0 {
			t.Errorf("%s has %d starts and no end in the journal", id, n)
		}
	}
}

// acting tells whether the run has begun, and not ended.
func (k *killed) acting(id bot.PlanID) bool {
	run := filepath.Join(k.dir, "state", runsDir, string(id))
	_, begun := os.Stat(filepath.Join(run, fileBegun))
	_, ended := os.Stat(filepath.Join(run, fileOutcome))
	return begun == nil && errors.Is(ended, fs.ErrNotExist)
}

// wait waits as long as it is told, and tells whether the round goes on.
func wait(d time.Duration, stop <-chan struct{}) bool {
	select {
	case <-time.After(d):
		return true
	case <-stop:
		return false
	}
}

// reap kills who is to be killed in the round. Of an even one it is while the run acts.
func (k *killed) reap(n int, made <-chan bot.PlanID, stop <-chan struct{}) {
	var id bot.PlanID
	for range 1 + n%2 {
		most := 400 * time.Millisecond
		if n%2 == 0 {
			select {
			case id = <-made:
			case <-stop:
				return
			}
			for !k.acting(id) {
				if !wait(5*time.Millisecond, stop) {
					return
				}
			}
			most = 120 * time.Millisecond
		}
		if !wait(time.Duration(rand.Int64N(int64(most))), stop) {
			return
		}
		if id == "" {
			select {
			case id = <-made:
			default: // it was not even asked for
			}
		}
		acts, died := id != "" && k.acting(id), 0
		if n%3 != 0 {
			died = k.killWorkers()
		}
		if n%3 != 1 {
			k.kill()
			died++
		}
		if acts && died > 0 {
			k.during++
		}
	}
}

// round is one plan, with a death or several.
func (k *killed) round(n int) bot.ProposalState {
	k.Helper()
	read := func() string {
		b, err := os.ReadFile(filepath.Join(k.dir, "host/run/lamp"))
		k.must(err)
		return string(b)
	}
	before := read()
	to := map[string]string{"off": "on", "on": "off"}[before]
	stop, dead := make(chan struct{}), make(chan struct{})
	made := make(chan bot.PlanID, 1)
	go func() {
		defer close(dead)
		k.reap(n, made, stop)
	}()
	q := api.Propose{Key: bot.EffectKey(fmt.Sprintf("eff_%d", n)), Operation: "lamp.set", Arguments: bot.Arguments{"to": {to}}, Requester: "bob"}
	p, err := k.try(func() (bot.Proposal, error) { return k.client.Propose(ctx, q) })
	k.must(err)
	made <- p.Plan.ID
	_, err = k.try(func() (bot.Proposal, error) { return k.client.Shown(ctx, api.Shown{Plan: p.Plan.ID, At: time.Now()}) })
	k.must(err)
	d := yes(p, "carol")
	if _, err = k.try(func() (bot.Proposal, error) { return k.client.Decide(ctx, d) }); err != nil {
		// The answer to a first try may have been lost: then it runs already, or did.
		refuses(k, err, bot.CodeConflict, "")
	}
	for since := int64(0); !p.State.Over(); {
		_, err := k.try(func() (bot.Proposal, error) {
			page, err := k.client.Proposals(ctx, api.Since{Stamp: since, Wait: time.Second})
			if err != nil {
				return bot.Proposal{}, err
			}
			since = page.Top
			for _, x := range page.Proposals {
				if x.Plan.ID == p.Plan.ID {
					p = x
				}
			}
			return p, nil
		})
		k.must(err)
	}
	close(stop)
	<-dead
	b, err := os.ReadFile(filepath.Join(k.dir, "state", runsDir, string(p.Plan.ID), dirWork, "applied"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.Fatal(err)
	}
	applied, now := len(b), read()
	switch {
	case applied > 1:
		k.Errorf("round %d: applied %d times", n, applied)
	case p.State == bot.Done && (applied != 1 || now != to):
		k.Errorf("round %d: done, applied %d times, the lamp is %s", n, applied, now)
	case p.State == bot.Failed && (applied != 0 || now != before || !strings.Contains(p.Why, "Nothing was done")):
		k.Errorf("round %d: applied %d times, the lamp is %s: %s", n, applied, now, p.Why)
	case p.State != bot.Done && p.State != bot.Failed && p.State != bot.Interrupted:
		k.Errorf("round %d: %s: %s", n, p.State, p.Why)
	}
	return p.State
}
