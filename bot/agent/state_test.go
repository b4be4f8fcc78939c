package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"watchstander/bot"
	"watchstander/bot/agent/api"
)

// TestStateOfAnother: a state that somebody else owns, or could exchange, may hold
// decisions that nobody made, and is not taken up.
func TestStateOfAnother(t *testing.T) {
	w := newWorld(t)
	const stranger = 65534
	if os.Getuid() == 0 {
		for _, name := range []string{".", proposalsDir, runsDir} {
			w.ok(os.MkdirAll(filepath.Join(w.state, name), 0o700))
			w.ok(os.Chown(filepath.Join(w.state, name), stranger, -1))
			refuses(t, w.open(), bot.CodeInvalid, "belongs to another user")
			w.ok(os.Chown(filepath.Join(w.state, name), 0, -1))
		}
	}
	for _, name := range []string{".", proposalsDir, runsDir} {
		w.ok(os.MkdirAll(filepath.Join(w.state, name), 0o700))
		w.ok(os.Chmod(filepath.Join(w.state, name), 0o710))
		refuses(t, w.open(), bot.CodeInvalid, "may be entered by others")
		w.ok(os.Chmod(filepath.Join(w.state, name), 0o700))
	}
	w.ok(w.open())
	w.ok(w.journal.Close())

	dir := filepath.Join(t.TempDir(), "state")
	asked := 0
	err := OpenState(dir, func(path string) error {
		if path != dir {
			t.Errorf("asked of %s", path)
		}
		if asked++; asked == 2 { // it was made meanwhile, by whomever
			return errors.New("others may write it")
		}
		return nil
	})
	refuses(t, err, bot.CodeInvalid, "The agent's state cannot be trusted: others may write it.")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// A state has one name for as long as its proposals are there: over restarts, but not where
// they were lost, or where it cannot be read. Whoever follows them begins anew then.
func TestWhichStateItIs(t *testing.T) {
	played(t, plain, func(w *world) {
		name := func() string {
			t.Helper()
			page, err := w.core.Proposals(ctx, Bot(), api.Since{})
			w.ok(err)
			if page.State == "" {
				t.Fatal("it does not tell which state it has")
			}
			return page.State
		}
		again := func(meanwhile func()) string {
			w.stop()
			meanwhile()
			w.run()
			return name()
		}
		first := name()
		p := w.proposed()
		if second := again(func() {}); second != first {
			t.Errorf("%s after a restart, and %s before", second, first)
		}
		file := filepath.Join(w.state, stateFile)
		for what, meanwhile := range map[string]func(){
			"its name is damaged": func() { w.ok(os.WriteFile(file, []byte(`{"id":"`), 0o600)) },
			"its name is gone":    func() { w.ok(os.Remove(file)) },
		} {
			before := name()
			if after := again(meanwhile); after == before {
				t.Errorf("%s: it is still %s", what, after)
			}
			if w.now(p.Plan.ID).State != bot.Waiting {
				t.Errorf("%s: its plans are others", what)
			}
		}
		before := name()
		if after := again(func() { w.ok(os.RemoveAll(filepath.Join(w.state, proposalsDir))) }); after == before {
			t.Errorf("its proposals are gone, and it is still %s", after)
		}
		page, err := w.core.Proposals(ctx, Bot(), api.Since{Stamp: p.Stamp + 1})
		w.ok(err)
		if page.State != name() || len(page.Proposals) > 0 {
			t.Errorf("asked beyond its stamps it tells %+v", page)
		}
	})
}
