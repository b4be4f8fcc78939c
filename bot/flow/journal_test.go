package flow

import (
	"database/sql"
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
