package flow

import (
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// Somebody with root's rights changes a row of the journal. The digest of the day
// names it, and is no reason to stop the clock: heartbeats are missed and threads
// reminded of as ever. Who reads the journal is told which entry it is.
func TestAChangedRowOfTheJournalStopsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	f, take := newFlowAt(t, path)
	f.o.Agents = map[string]api.Agent{"vulcan": nil}
	hash := strings.Repeat("5a", 32)
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		for seq := range int64(3) {
			e := journal.HeadEntry("agent", "vulcan", journal.Head{Seq: 40 + seq, Hash: hash})
			e.At = time.Now()
			if err := tx.Journal(e); err != nil {
				return err
			}
		}
		return tx.PutMeta(metaDigest, time.Now().Add(-time.Minute).UTC().Format(time.RFC3339Nano))
	}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{`DROP TRIGGER journal_stays`, `UPDATE journal SET body = replace(body, '"42"', '"41"') WHERE seq = 3`} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}

	take(bot.Tick{At: time.Now()})
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		th, ok, err := tx.LatestThread("digest:ops")
		if err != nil || !ok {
			t.Fatalf("no digest: %v", err)
		}
		heads := th.State.Digest.Heads
		if len(heads) != 3 || !strings.HasPrefix(heads[0].Name, "bot, entry ") || heads[1] != (bot.Fact{Name: "bot, entry 3", Value: "is not what was written"}) ||
			heads[2] != (bot.Fact{Name: "agent of vulcan, entry 41", Value: hash}) {
			t.Errorf("the digest names %+v", heads)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	lines, err := f.world.Journal(t.Context(), bot.JournalQuery{Kind: "head", Most: 3})
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(lines, func(l bot.JournalLine) bool { return l.Broken }); len(lines) != 3 || i < 0 || lines[i].Seq != 3 || lines[i].Text != "is not what was written" {
		t.Errorf("the journal tells %+v", lines)
	}
}

// So many rows were changed that the search for an agent's head ends among them: that
// is said, with their number. Who asks for the newest entries gets as many.
func TestManyChangedRowsAreNotPassedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	f, _ := newFlowAt(t, path)
	f.o.Agents = map[string]api.Agent{"vulcan": nil}
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		for seq := range int64(2 * store.BrokenMost) {
			e := journal.HeadEntry("agent", "vulcan", journal.Head{Seq: seq, Hash: strings.Repeat("5a", 32)})
			e.At = time.Now()
			if err := tx.Journal(e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{`DROP TRIGGER journal_stays`, `UPDATE journal SET body = replace(body, 'vulcan', 'hera') WHERE seq > 20`} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		heads, err := (&change{Tx: tx, f: f}).journalHeads()
		if want := (bot.Fact{Name: "agent of vulcan", Value: "was not looked for behind 100 such entries"}); len(heads) != 2+store.BrokenMost || heads[len(heads)-1] != want {
			t.Errorf("%d, the last is %+v", len(heads), heads[len(heads)-1])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	lines, err := f.world.Journal(t.Context(), bot.JournalQuery{Most: 190})
	if err != nil || len(lines) != 190 || lines[189].Seq != 11 || lines[189].Broken {
		t.Errorf("%d lines, %v: the last is %+v", len(lines), err, lines[len(lines)-1])
	}
}

// What is about a host is told without another's, and without the heads of its agent's
// journal, of which there is one an hour; those are told where they are asked for.
func TestTheJournalOfAHost(t *testing.T) {
	f, _ := newFlow(t)
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		entry := func(host string, kind journal.Kind, text string) error {
			return tx.Journal(journal.Entry{At: time.Now(), Kind: kind, Host: host, Text: text})
		}
		err := errors.Join(entry("vulcan", journal.KindRequest, "asked"), entry("mars", journal.KindRequest, "asked of mars"), entry("", journal.KindConfig, "of none"))
		for seq := range int64(30) {
			e := journal.HeadEntry("agent", "vulcan", journal.Head{Seq: seq, Hash: strings.Repeat("5a", 32)})
			e.At = time.Now()
			err = errors.Join(err, tx.Journal(e))
		}
		return errors.Join(err, entry("vulcan", journal.KindEnd, "done"))
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q     bot.JournalQuery
		first string
		n     int
	}{
		{bot.JournalQuery{Host: "vulcan", Most: 15}, "done", 2},
		{bot.JournalQuery{Host: "mars", Most: 15}, "asked of mars", 1},
		{bot.JournalQuery{Host: "vulcan", Kind: "head", Most: 15}, "The journal of the agent ends with entry 29.", 15},
		{bot.JournalQuery{Host: "pluto", Most: 15}, "", 0},
		{bot.JournalQuery{Most: 100}, "done", 34},
	} {
		lines, err := f.world.Journal(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != c.n || c.n > 0 && lines[0].Text != c.first {
			t.Errorf("%+v: %d entries, %+v", c.q, len(lines), lines)
		}
	}
}

// Who cancelled a plan is what its agent says in a field of its own, whatever its words
// are; agents of before there was one are read by their words. It counts where that
// person's cancellation went through us.
func TestWhoCancelled(t *testing.T) {
	f, _ := newFlow(t)
	if err := f.o.Store.Update(t.Context(), func(tx *store.Tx) error {
		c := &change{Tx: tx, f: f, s: f.settings.Load(), now: f.clock.now(), ctx: t.Context()}
		for _, asked := range []store.Effect{{Person: "alice", What: bot.Cancel{Plan: "pln_A"}}, {Person: "alice", What: bot.Confirm{Plan: "pln_A"}}, {Person: "carol", What: bot.Cancel{Plan: "pln_A"}}} {
			c.asked = &asked
			_, cancels := asked.What.(bot.Cancel)
			for _, x := range []struct {
				field bot.PersonID
				why   string
				alice bool
			}{
				{"alice", "[redacted: secret] cancelled it.", true},
				{"bob", "alice cancelled it, said bob.", false},
				{"root", "root cancelled it.", false},
				{"", "alice cancelled it: the wrong host", true},
				{"", "alice2 cancelled it.", false},
				{"", "", false},
			} {
				want := bot.PersonID("")
				if x.alice && cancels && asked.Person == "alice" {
					want = "alice"
				}
				p := bot.Proposal{Plan: bot.Plan{ID: "pln_A"}, State: bot.Cancelled, CancelledBy: x.field, Why: x.why}
				if by, err := c.cancelledBy(p); err != nil || by != want {
					t.Errorf("%q, %q: %q, %v", x.field, x.why, by, err)
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
