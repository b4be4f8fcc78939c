package commands

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/redact"
	"watchstander/docs/runbooks"
)

// readable parses a line with the real table, in a thread or outside; a command alone may lack
// its arguments where it is only spoken of.
func readable(t *testing.T, line string, spoken bool) (bool, error) {
	t.Helper()
	i := New(All())
	c, name, after := i.resolve(reader{line: line})
	if c == nil {
		return spoken, i.unknown(line)
	}
	if spoken && name == line {
		return true, nil
	}
	var err error
	for _, inThread := range []bool{true, false} {
		p := parser{command: c, line: line, r: after, inThread: inThread, at: noon, now: noon, zone: zone(t, "America/Los_Angeles")}
		if _, err = p.parse(); err == nil {
			return true, nil
		}
	}
	return false, err
}

// What the pages on the host say to type can be typed, as what the runbooks say.
func TestHostPagesCanBeFollowed(t *testing.T) {
	pages, err := filepath.Glob("../docs/host/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```bot\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			for line := range strings.Lines(block) {
				found++
				if ok, err := readable(t, strings.TrimSpace(line), false); !ok {
					t.Errorf("%s: nobody can type %q: %v", page, line, err)
				}
			}
		}
	}
	if found == 0 {
		t.Error("they say to type nothing")
	}
}

// What a runbook says to type can be typed: in a thread or outside.
func TestRunbooksCanBeFollowed(t *testing.T) {
	i := New(All())
	for _, r := range runbooks.All() {
		for _, line := range r.Orders {
			if ok, err := readable(t, line, false); !ok {
				t.Errorf("%s: nobody can type %q: %v", r.Name, line, err)
			}
		}
		for _, text := range r.Mentions {
			if ok, err := readable(t, text, true); !ok {
				t.Errorf("%s: nobody can type `%s`: %v", r.Name, text, err)
			}
			if name, ok := strings.CutPrefix(text, "runbook "); ok && strings.Trim(name, "0123456789") != "" {
				if x, found := runbooks.Find(name); !found || x.Name != name {
					t.Errorf("%s: there is no runbook %q", r.Name, name)
				}
			}
		}
		for _, name := range r.Commands {
			if c := i.named[name]; c == nil || c.Name != name {
				t.Errorf("%s: there is no command %q", r.Name, name)
			}
		}
	}
	for _, c := range All() {
		if _, ok := runbooks.ForCommand(c.Name); !ok {
			t.Errorf("the command `%s` has no runbook", c.Name)
		}
	}
}

// A runbook is read through the redactor, which must leave it as it is.
func TestRunbooksHoldNoSecrets(t *testing.T) {
	redactor, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runbooks.All() {
		r.Message().Map(func(s string) string {
			if got, _ := redactor.Redact(s); got != s {
				t.Errorf("%s: %q is shown as %q", r.Name, s, got)
			}
			return s
		})
	}
}

// What must never be done on these hosts, no runbook says to do: secrets stay closed, the
// way of booting and the state version stay as they are, checks are not passed by, and the
// flags that only look right are not used.
func TestRunbooksKeepTheBounds(t *testing.T) {
	for _, r := range runbooks.All() {
		for _, block := range r.Host {
			for _, bad := range []string{"sops -d", "sops decrypt", "sops edit", "--decrypt", "secrets.yaml", "NIXOS_NO_CHECK", "bootctl", "--install-bootloader",
				"--profile /nix", "systemctl reboot", "\nreboot", "sync=disabled", "unlock --remove-all", "zpool upgrade", "nix-collect-garbage -d", "drop_caches"} {
				if strings.Contains("\n"+block, bad) {
					t.Errorf("%s says to run %q", r.Name, bad)
				}
			}
		}
	}
}

// Blocks for the host's shell are read by a shell, which runs nothing of them.
func TestRunbooksBlocksAreShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here: ", err)
	}
	for _, r := range runbooks.All() {
		for _, block := range r.Host {
			cmd := exec.CommandContext(t.Context(), bash, "-n")
			cmd.Stdin = strings.NewReader(block)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s\n%s", r.Name, err, out, block)
			}
		}
	}
}

func TestRunbook(t *testing.T) {
	w := newWorld(t)
	f := disk()
	for i := range f.Episodes {
		f.Episodes[i].Annotations = bot.Labels{"runbook_url": "https://runbooks.example/disk"}
	}
	odd := load()
	odd.Thread.ID, odd.Thread.State.Alert.GroupLabels = "thr_ODDAAAA2", bot.Labels{"alertname": "OddThing"}
	odd.Episodes[0].Labels = bot.Labels{"alertname": "OddThing"}
	odd.Episodes[0].Annotations = bot.Labels{"runbook_url": "https://runbooks.example/odd"}
	mixed := load()
	mixed.Thread.ID, mixed.Thread.State.Alert.GroupLabels = "thr_MIXEDAA2", bot.Labels{"job": "node"}
	mixed.Episodes = []bot.Episode{
		{Number: 1, Severity: bot.SeverityCritical, Resolved: true, Labels: bot.Labels{"alertname": "NginxDown"}},
		{Number: 2, Severity: bot.SeverityWarning, Labels: bot.Labels{"alertname": "HighLoad"}},
		{Number: 3, Severity: bot.SeverityCritical, Labels: bot.Labels{"alertname": "DiskFull"}},
		{Number: 4, Severity: bot.SeverityCritical, Labels: bot.Labels{"alertname": "Watchdog"}},
	}
	bare := load()
	bare.Thread.ID = "thr_BAREAAA2"
	bare.Episodes = []bot.Episode{{Number: 1, Labels: bot.Labels{"alertname": "Nameless"}, Annotations: bot.Labels{"runbook_url": "javascript:alert(1)"}}}
	kind := func(id bot.ThreadID, s bot.ThreadState) bot.ThreadFacts {
		return bot.ThreadFacts{Thread: bot.Thread{ID: id, OpenedAt: noon, State: s}}
	}
	plan := planThread("pln_K7QF2M", bot.Waiting)
	arc := planThread("pln_ARC222", bot.Waiting)
	arc.ID, arc.State.Plan.Proposal.Plan.Operation = "thr_PLANARC2", "zfs.arc.set"
	other := planThread("pln_NEW222", bot.Waiting)
	other.ID, other.State.Plan.Proposal.Plan.Operation = "thr_PLANNEW2", "moon.landing"
	w.threads = []bot.ThreadFacts{{Thread: checklists()[0].Run}, f, load(), odd, mixed, bare,
		kind("thr_BEAT2222", bot.ThreadState{Heartbeat: &bot.HeartbeatState{Name: "Watchdog"}}),
		kind("thr_BOOT2222", bot.ThreadState{Reboot: &bot.RebootState{Host: "vulcan"}}),
		kind("thr_STRM2222", bot.ThreadState{Storm: &bot.StormState{}}),
		kind("thr_NOTE2222", bot.ThreadState{Notice: &bot.NoticeState{Title: "x"}}),
		kind("thr_TALK2222", bot.ThreadState{Conversation: &bot.ConversationState{}}),
		{Thread: plan}, {Thread: arc}, {Thread: other},
	}
	const link = "The alert itself names https://runbooks.example/disk\n"
	for _, c := range []struct {
		thread bot.ThreadID
		line   string
		want   []string
	}{
		{"", "runbook zfs-status", []string{"ZFS pools · zfs-status\nMeaning\n- ONLINE", "\nEscalate\n"}},
		{"", "runbook ZFS  status", []string{"ZFS pools · zfs-status\n"}},
		{"", "runbook zfs arc set", []string{"· zfs-arc\n"}},
		{"", "runbook disk-full act", []string{"A disk fills up · disk-full\n" + link + "Act\n"}},
		{"", "Runbook backup verify undo", []string{"Verifying a backup · backup-verify\nUndo\nNothing to undo"}},
		{"", "runbook DiskFull", []string{"· disk-full\n" + link + "Meaning\n"}},
		{"", "runbook oddthing", []string{"Runbook of OddThing\nI have none of my own; the alert names https://runbooks.example/odd\n"}},
		{"", "runbook", []string{"runbooks\n- Look: bot-trouble, status, alerts, graph, logs, changes", "\n- ZFS: zfs-status, zfs-arc\n", "\n- Others: ", "disaster-recovery-drill"}},
		{"", "runbooks", []string{"runbooks\n- Look: "}},
		{diskID, "runbook all", []string{"runbooks\n- Look: "}},
		{diskID, "runbook", []string{"· disk-full\n" + link + "Meaning\n"}},
		{diskID, "runbook #2", []string{"· disk-full\n" + link}},
		{diskID, "runbook #2 look", []string{"· disk-full\n" + link + "Look\n"}},
		{diskID, "runbook act", []string{"· disk-full\n" + link + "Act\n"}},
		{diskID, "runbook drift", []string{"· drift\nMeaning"}},
		{"thr_MIXEDAA2", "runbook", []string{"· disk-full\nMeaning"}},
		{"thr_MIXEDAA2", "runbook #1", []string{"· service\nMeaning"}},
		{"thr_DAILY222", "runbook", []string{"· checklist\nMeaning"}},
		{"thr_DAILY222", "runbook 1", []string{"· dashboards\nMeaning"}},
		{"thr_DAILY222", "runbook #1 escalate", []string{"· dashboards\nEscalate"}},
		{loadID, "runbook", []string{"· high-load\nMeaning"}},
		{"thr_ODDAAAA2", "runbook", []string{"Runbook of OddThing\n"}},
		{"thr_BEAT2222", "runbook", []string{"· watchdog-missing\n"}},
		{"thr_BOOT2222", "runbook", []string{"· reboot\n"}},
		{"thr_STRM2222", "runbook", []string{"· storm\n"}},
		{"thr_NOTE2222", "runbook", []string{"· bot-trouble\n"}},
		{"thr_TALK2222", "runbook", []string{"runbooks\n- Look: "}},
		{"thr_GONE2222", "runbook", []string{"runbooks\n- Look: "}},
		{"thr_PLAN2222", "runbook", []string{"· rollback\n"}},
		{"thr_PLANARC2", "runbook undo", []string{"· zfs-arc\nUndo\n"}},
		{"thr_PLANNEW2", "runbook", []string{"· approvals\n"}},
	} {
		out, err := ask(t, w, observer, c.thread, c.line)
		if err != nil {
			t.Errorf("%q in %q: %v", c.line, c.thread, err)
			continue
		}
		mustContain(t, said(t, out, err), c.want...)
	}
	for _, c := range []struct {
		thread     bot.ThreadID
		line, want string
		code       bot.Code
	}{
		{"", "runbook zfs", "There is no runbook `zfs`. Did you mean `runbook zfs-arc` or `runbook zfs-status`?", bot.CodeNotFound},
		{"", "runbook rolback", "There is no runbook `rolback`. Did you mean `runbook rollback`?", bot.CodeNotFound},
		{"", "runbook disk fulll", "There is no runbook `disk fulll`. Did you mean `runbook disk-full`?", bot.CodeNotFound},
		{"", "runbook xyzzy", "There is no runbook `xyzzy`. `runbook all` lists them.", bot.CodeNotFound},
		{"", "runbook act", "Say of which runbook, e.g. `runbook disk-full act`. `runbook all` lists them.", bot.CodeInvalid},
		{"", "runbook `rm", "There is no runbook `'rm`. `runbook all` lists them.", bot.CodeNotFound},
		{"", "runbook #2", "Outside a thread, say which one you mean: `runbook THREAD`. `alerts` lists them.", bot.CodeInvalid},
		{diskID, "runbook #9", "This thread has no alert #9; `alerts thr_DISKAAAA` lists those it has.", bot.CodeNotFound},
		{"thr_DAILY222", "runbook 2", "There is no runbook of item 2 here. `runbook all` lists them.", bot.CodeNotFound},
		{"thr_NOTE2222", "runbook #1", "This is a trouble of my own and no alert: there is no alert of that number. It closes by itself when it has passed.", bot.CodeInvalid},
		{"thr_GONE2222", "runbook #1", "There is no thread thr_GONE2222.", bot.CodeNotFound},
		{"thr_BAREAAA2", "runbook", "I have no runbook of `Nameless`, and it names none (`runbook_url`). `runbook all` lists those that I have.", bot.CodeNotFound},
		{"", "runbook a b c d e", "runbook a b c d e: `e` (word 6) is more than I can read here. Usage: `runbook [NAME|#N|all] [SECTION]`", bot.CodeInvalid},
	} {
		_, err := ask(t, w, observer, c.thread, c.line)
		wantError(t, err, c.code, c.want)
	}
}
