package commands

import (
	"testing"
	"time"

	"watchstander/bot"
)

func TestJournal(t *testing.T) {
	w := newWorld(t)
	out, err := ask(t, w, observer, "", "journal 50 pln_k7qf kind Decision by alice since 2d find nginx reload")
	mustContain(t, said(t, out, err), "2 entries of the journal, the newest last\n", "7 Wed 14 Jan 14:00 CET", "request: alice asked for nixos.rollback",
		"8 Wed 14 Jan 15:00 CET", "end on vulcan: done · pln_K7QF2M", "(entry 8 has the hash 5a5a)")
	want := bot.JournalQuery{Most: 50, Subject: "pln_K7QF", By: "alice", Kind: "decision", Since: noon.Add(-48 * time.Hour), Words: "nginx reload"}
	if w.query != want {
		t.Errorf("asked for %+v, want %+v", w.query, want)
	}
	out, err = ask(t, w, observer, "", "journal find changed")
	mustContain(t, said(t, out, err), "entry 9 is not what was written", "8 Wed 14 Jan 15:00 CET", "end: done", "watchstander journal verify")
	for line, says := range map[string]string{
		"journal 500":        "1 to 100 entries",
		"journal by":         "needs something behind it",
		"journal since long": "needs a span of time",
		"journal 12 13":      "is more than I can read here",
	} {
		_, err := ask(t, w, observer, "", line)
		mustContain(t, bot.ForPeople(err), says)
	}
}
