package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// records are a bot's state and an agent's journal that log each other's heads.
type records struct {
	t      *testing.T
	dir    string
	config string
	store  *store.Store
	agent  *journal.File
}

var recordsBegin = time.Date(2026, 3, 1, 21, 0, 0, 0, time.UTC)

func hideNothing(s string) string { return s }

func newRecords(t *testing.T) *records {
	t.Helper()
	r := &records{t: t, dir: t.TempDir()}
	r.config = filepath.Join(r.dir, "config.yaml")
	text := fmt.Sprintf(`
version: 1
zone: Europe/Berlin
state: {path: %q}
chats: [{name: console, console: {socket: %q}}]
alertmanagers: [{name: main, urls: ["http://127.0.0.1:1"], receivers: [x], bearer_token_file: not-there}]
routes: [{rooms: [console]}]
`, r.state(), filepath.Join(r.dir, "s"))
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.store, err = store.Open(t.Context(), r.state(), store.Options{Unsafe: true, Redact: hideNothing}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.store.Close() })
	if r.agent, err = journal.OpenFile(r.file(), hideNothing); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.agent.Close() })
	r.bots(journal.Entry{Kind: journal.KindRequest, By: "bob", Host: "vulcan", Subject: "pln_AA", Text: "Bob asked for a rollback."})
	r.agents(journal.Entry{Kind: journal.KindPlan, Host: "vulcan", Subject: "pln_AA", Text: "A plan was made.", Fields: map[string]string{"risk": "high"}})
	r.bots(journal.HeadEntry(journal.OfAgent, "vulcan", r.agent.Head()))
	r.agents(journal.HeadEntry(journal.OfBot, "vulcan", r.head()))
	r.bots(journal.Entry{Kind: journal.KindDecision, By: "alice", Host: "vulcan", Subject: "pln_AA", Text: "Alice agreed.\n1  as if it were an entry \x1b[2J"})
	r.agents(journal.Entry{Kind: journal.KindStart, Host: "vulcan", Subject: "pln_AA", Text: "It starts."})
	// The head of another host's agent is not this one's.
	r.bots(journal.HeadEntry(journal.OfAgent, "lugh", journal.Head{Seq: 99, Hash: strings.Repeat("9", 64)}))
	return r
}

func (r *records) state() string { return filepath.Join(r.dir, "state.db") }
func (r *records) file() string  { return filepath.Join(r.dir, "agent.journal") }

func (r *records) bots(e journal.Entry) {
	r.t.Helper()
	if err := r.store.Update(r.t.Context(), func(tx *store.Tx) error {
		h, err := tx.JournalHead()
		e.At = recordsBegin.Add(time.Duration(h.Seq) * time.Hour)
		return errors.Join(err, tx.Journal(e))
	}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *records) agents(e journal.Entry) {
	r.t.Helper()
	e.At = recordsBegin.Add(time.Duration(r.agent.Head().Seq) * time.Hour)
	if _, err := r.agent.Append(e); err != nil {
		r.t.Fatal(err)
	}
}

func (r *records) head() (h journal.Head) {
	r.t.Helper()
	if err := r.store.View(r.t.Context(), func(tx *store.Tx) (err error) {
		h, err = tx.JournalHead()
		return err
	}); err != nil {
		r.t.Fatal(err)
	}
	return h
}

// run runs `watchstander journal …` with the configuration, and gives what it
// says and its error.
func (r *records) run(args ...string) (string, error) {
	r.t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetArgs(append([]string{"journal"}, append(args, "-c", r.config)...))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(r.t.Context())
	return out.String(), err
}

func (r *records) want(pattern string, code int, args ...string) {
	r.t.Helper()
	out, err := r.run(args...)
	got, _ := errors.AsType[exitCode](err)
	if err != nil && got == 0 || int(got) != code {
		r.t.Errorf("%q: %v", args, err)
	}
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(out) {
		r.t.Errorf("%q says\n%s", args, out)
	}
}

func TestJournalVerify(t *testing.T) {
	r := newRecords(t)
	botsHead, agentsHead := r.head(), r.agent.Head()
	bots := `whole   the bot's journal in ` + r.state() + `: 4 entries
        first  Sun 1 Mar 2026 22:00:00 CET
        last   Mon 2 Mar 2026 01:00:00 CET
        head   4:` + botsHead.Hash + "\n"
	agents := r.file() + `: 3 entries
        first  Sun 1 Mar 2026 22:00:00 CET
        last   Mon 2 Mar 2026 00:00:00 CET
        head   3:` + agentsHead.Hash + "\n"
	// The bot runs meanwhile: its state is open and locked.
	r.want(bots+"        there is no head of it that you know of: whether its end is cut off is unknown\n", 0, "verify")
	r.want(bots+"        the head of it that you know of is there\n", 0, "verify", "--known", fmt.Sprintf("4:%s", botsHead.Hash))
	r.want("whole   journal "+agents+"        there is no head .*\n", 0, "verify", "--file", r.file())
	r.want("whole   the agent's journal in "+agents+"        the head of it that the bot logged is there\n"+
		bots+"        the head of it that the agent logged is there\n", 0, "verify", "--agent-file", r.file())
	r.want("(?s).*there is no head of it that the bot logged.*", 0, "verify", "--agent-file", r.file(), "--host", "nowhere")

	if _, err := r.run("verify", "--known", "4:abc"); bot.ForPeople(err) != "\"4:abc\" is no head of a journal; write number:hash, as `watchstander journal verify` prints them." {
		t.Error(err)
	}
	if _, err := r.run("verify", "--file", r.file(), "--agent-file", r.file()); err == nil {
		t.Error("two files were taken")
	}
	if _, err := r.run("verify", "--file", r.file()+"2"); bot.ForPeople(err) != "There is no "+r.file()+"2." {
		t.Error(err)
	}
	if _, err := r.run("verify", "--file", r.dir); err == nil {
		t.Error("a folder was taken")
	}
}

func TestJournalVerifyFindsWhatIsWrong(t *testing.T) {
	r := newRecords(t)
	good, err := os.ReadFile(r.file())
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	put := func(parts ...[]byte) {
		t.Helper()
		if err := os.WriteFile(r.file(), bytes.Join(parts, nil), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(lines[0], bytes.Replace(lines[1], []byte("ends with"), []byte("ENDS with"), 1), lines[2])
	r.want(`BROKEN  journal .*
        the journal is broken at entry 2 \(line 2\): changed: .*
        what is before it is whole: 1 entry
        first  .*
        last   .*
        head   1:[0-9a-f]{64}
`, 1, "verify", "--file", r.file())
	put(lines[0], lines[2])
	r.want(`(?s)BROKEN  .*broken at entry 3: missing: entry 2 should be here.*`, 1, "verify", "--file", r.file())
	put(lines[0], lines[1], lines[2][:20])
	r.want(`(?s)BROKEN  .*broken at entry 3 \(line 3\): torn: .*`, 1, "verify", "--file", r.file())
	// Cut off at the end: the bot knows of entry 1 alone, which nothing but its
	// own head could be cut off behind.
	put()
	r.want(`(?s)whole   .*: 0 entries\n.*unknown\n`, 0, "verify", "--file", r.file())
	r.want(`(?s)BROKEN  the agent's journal .*entry 1: cut off: it ends with 0, but entry 1 was logged elsewhere.*whole   the bot's .*`, 1, "verify", "--agent-file", r.file())
	// The bot's own end is cut off: the agent knows better.
	put(good)
	r.agents2(t, journal.HeadEntry(journal.OfBot, "vulcan", journal.Head{Seq: 7, Hash: strings.Repeat("7", 64)}))
	r.want(`(?s)whole   the agent's .*BROKEN  the bot's .*entry 5: cut off: it ends with 4, but entry 7 .*`, 1, "verify", "--agent-file", r.file())
	r.want(`(?s)BROKEN  .*rewritten.*`, 1, "verify", "--known", "2:"+strings.Repeat("2", 64))
}

// agents2 appends with another File, since the first one's file was replaced.
func (r *records) agents2(t *testing.T, e journal.Entry) {
	t.Helper()
	_ = r.agent.Close()
	f, err := journal.OpenFile(r.file(), hideNothing)
	if err != nil {
		t.Fatal(err)
	}
	e.At = recordsBegin
	if _, err := f.Append(e); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalShow(t *testing.T) {
	r := newRecords(t)
	const request = "1  Sun 1 Mar 2026 22:00:00 CET  request by bob on vulcan, pln_AA\n    Bob asked for a rollback.\n"
	const decision = "3  Mon 2 Mar 2026 00:00:00 CET  decision by alice on vulcan, pln_AA\n    Alice agreed.\n      \\| 1  as if it were an entry ␛\\[2J\n"
	r.want(request+`2  .*  head on vulcan
    The journal of the agent ends with entry 1.
    hash: [0-9a-f]{64}
    journal: agent
    seq: 1
`+decision+`4  .*  head on lugh\n(?s:.*)`, 0, "show")
	for _, args := range [][]string{{"--subject", "pln_A"}, {"--kind", "request,decision"}, {"--kind", "request", "--kind", "decision"}} {
		r.want(request+decision, 0, append([]string{"show"}, args...)...)
	}
	r.want(decision, 0, "show", "--by", "alice", "--host", "vulcan", "--words", "AGREED alice")
	r.want(decision, 0, "show", "--subject", "pln_A", "-n", "1")
	r.want(decision, 0, "show", "--since", "2026-03-02", "--until", "2026-03-02 00:00:01")
	r.want(request, 0, "show", "--until", "2026-03-01 22:30")
	r.want("watchstander: no entry fits.\n", 0, "show", "--since", "1h", "--until", "2026-03-02T00:00:00Z")
	r.want("1  .*  plan on vulcan, pln_AA\n    A plan was made.\n    risk: high\n(?s:.*)", 0, "show", "--file", r.file())
	for _, args := range [][]string{{"--kind", "nonsense"}, {"--since", "yesterday"}, {"--until", "2026-13-01"}, {"pln_A"}} {
		if _, err := r.run(append([]string{"show"}, args...)...); err == nil {
			t.Errorf("%q was taken", args)
		} else if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeInvalid {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// A journal that is broken can be read on, and never passes for whole.
func TestJournalShowOfABrokenOne(t *testing.T) {
	r := newRecords(t)
	good, err := os.ReadFile(r.file())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.file(), bytes.Replace(good, []byte("ends with"), []byte("ENDS with"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want(`1  .*\n.*\n.*\n!! the journal is broken at entry 2 \(line 2\): changed: .*\n3  .*\n    It starts.\nwatchstander: the journal is broken at entry 2 .*\n`,
		1, "show", "--file", r.file())
	lines := bytes.SplitAfter(good, []byte("\n"))
	if err := os.WriteFile(r.file(), append(bytes.Clone(lines[0]), lines[2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	r.want(`1  .*\n.*\n.*\n3  .*\n    It starts.\nwatchstander: the journal is broken at entry 3: missing: .*\n`, 1, "show", "--file", r.file())
}

func TestJournalExport(t *testing.T) {
	r := newRecords(t)
	out, err := r.run("export")
	if err != nil || strings.Count(out, "\n") != 4 {
		t.Fatalf("%s, %v", out, err)
	}
	file := filepath.Join(r.dir, "export")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	head, err := journal.VerifyAgainst(journal.Read(file), journal.Head{}, r.head())
	if err != nil || head != r.head() {
		t.Errorf("%v, %v", head, err)
	}
	rest, err := r.run("export", "--after", "3")
	if err != nil || !strings.HasSuffix(out, rest) || strings.Count(rest, "\n") != 1 {
		t.Errorf("%s, %v", rest, err)
	}
	agents, err := r.run("export", "--file", r.file())
	if want, rerr := os.ReadFile(r.file()); err != nil || rerr != nil || agents != string(want) {
		t.Errorf("%s, %v, %v", agents, err, rerr)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(out, "rollback", "ROLLBACK", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := r.run("export", "--file", file)
	lines := strings.SplitAfter(out, "\n")
	changed := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "rollback") })
	for i, l := range lines {
		if strings.Contains(got, l) == (i == changed) {
			t.Errorf("entry %d of a journal in which %d was changed: %s", i+1, changed+1, got)
		}
	}
	if err == nil || !strings.Contains(got, fmt.Sprintf("broken at entry %d", changed+1)) {
		t.Errorf("a changed one: %s, %v", got, err)
	}
	// One that is not there is told, too.
	if err := os.WriteFile(file, []byte(lines[0]+strings.Join(lines[2:], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := r.run("export", "--file", file); err == nil || strings.Count(got, "\n") != 4 || !strings.Contains(got, "broken at entry 3: missing") {
		t.Errorf("one with a gap: %s, %v", got, err)
	}
}

// On an agent's host there need be no configuration of the bot.
func TestJournalWithoutAConfiguration(t *testing.T) {
	r := newRecords(t)
	if out := said(t, "journal", "show", "--file", r.file(), "-n", "1"); !strings.HasPrefix(out, "3  Sun 1 Mar 2026 23:00:00 UTC  start on vulcan") {
		t.Error(out)
	}
	if out := said(t, "journal", "show", "--state", r.state(), "--by", "bob"); !strings.HasPrefix(out, "1  Sun 1 Mar 2026 21:00:00 UTC  request by bob") {
		t.Error(out)
	}
	if _, err := r.run("show", "--state", r.state(), "--file", r.file()); err == nil {
		t.Error("two journals were taken")
	}
	r.config += "2"
	if _, err := r.run("show", "--file", r.file()); err == nil {
		t.Error("a configuration that was named and is not there does not count")
	}
	if _, err := r.run("show"); err == nil {
		t.Error("shown without knowing the state")
	}
}

// A word that is no subcommand is an error, and says what it would have to be.
func TestJournalOfNonsense(t *testing.T) {
	for line, want := range map[string]string{
		"journal frob":        `unknown command "frob" for "watchstander journal"`,
		"slack frob":          `unknown command "frob" for "watchstander slack"`,
		"journal show pln_A":  `watchstander journal show takes flags alone, and not "pln_A". One plan's are shown with --subject pln_A, those that hold a word with --words pln_A. See watchstander journal show --help.`,
		"journal verify frob": `watchstander journal verify takes flags alone, and not "frob". See watchstander journal verify --help.`,
	} {
		root := rootCommand()
		root.SetArgs(strings.Fields(line))
		root.SetOut(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}
