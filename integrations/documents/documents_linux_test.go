package documents

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/sys"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const day = 24 * time.Hour

// desk is a work tree of a real git, and a folder without one.
type desk struct {
	t     *testing.T
	git   string
	tree  string
	plain string
	host  sys.Host
	ran   *counted
}

// counted counts what is run.
type counted struct {
	sys.Runner
	n int
}

func (c *counted) Run(ctx context.Context, cmd sys.Command) (sys.Output, error) {
	c.n++
	return c.Runner.Run(ctx, cmd)
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	git := real.Require(t, "git")
	h, stop, err := sys.Real("vulcan")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	d := &desk{t: t, git: git, tree: t.TempDir(), plain: t.TempDir(), host: h, ran: &counted{Runner: h.Run}}
	d.host.Run = d.ran
	d.run(0, "init", "-q", "-b", "main")
	return d
}

func (d *desk) run(ago time.Duration, argv ...string) {
	d.t.Helper()
	at := fmt.Sprintf("%d +0000", time.Now().Add(-ago).Unix())
	c := exec.Command(d.git, append([]string{"-C", d.tree, "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"}, argv...)...)
	c.Env = []string{"HOME=" + d.t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_COMMITTER_DATE=" + at, "GIT_AUTHOR_DATE=" + at}
	if out, err := c.CombinedOutput(); err != nil {
		d.t.Fatalf("git %v: %v\n%s", argv, err, out)
	}
}

func (d *desk) write(file, text string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// commit writes a file of the tree and commits it so long ago.
func (d *desk) commit(ago time.Duration, file, text string) {
	d.t.Helper()
	d.write(filepath.Join(d.tree, file), text)
	d.run(ago, "add", "-A")
	d.run(ago, "commit", "-q", "-m", file)
}

func (d *desk) probe(docs ...Document) *Probe {
	return New(d.host, Options{Git: d.git, Documents: docs})
}

func told(t *testing.T, p *Probe) string {
	t.Helper()
	var out []string
	for _, r := range p.Read(t.Context()) {
		if r.At.IsZero() || r.Source == "" || r.Host != "vulcan" {
			t.Errorf("%+v", r)
		}
		out = append(out, fmt.Sprintf("%s | %s | %s | %s", r.What, r.State, r.Value, r.Note))
	}
	return strings.Join(out, "\n")
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCommits(t *testing.T) {
	d := newDesk(t)
	d.commit(500*day, "docs/recovery.md", "# Recovery\n")
	d.commit(412*day+time.Hour, "docs/disk full.md", "# Disk\n")
	d.commit(20*day, "docs/recovery.md", "# Recovery, better\n")
	d.commit(time.Hour, "flake.nix", "{}")
	all := Document{Name: "runbooks", Files: []string{d.tree + "/docs/*.md"}, WorkTree: d.tree, MaxAge: 365 * day}
	one := Document{Name: "recovery", Files: []string{d.tree + "/docs/recovery.md"}, WorkTree: d.tree, MaxAge: 30 * day}
	p := d.probe(all, one)
	first := "document runbooks | not ok | 2 files; the oldest, disk full.md, was last changed 412 d ago | that is more than 365 d: read it against what is, and mend it or renew its line `reviewed: " +
		time.Now().UTC().Format(time.DateOnly) + "`\ndocument recovery | ok | last changed 20 d ago | "
	want(t, told(t, p), first)
	if r := p.Read(t.Context())[0]; r.Unit != bot.FigureSeconds || r.Figure < (412*day).Seconds() || r.Figure > (413*day).Seconds() {
		t.Errorf("%v %s", r.Figure, r.Unit)
	}
	// At the same commit git is asked where it stands, and no more.
	before := d.ran.n
	want(t, told(t, p), first)
	if d.ran.n != before+1 {
		t.Errorf("%d questions", d.ran.n-before)
	}
	d.commit(0, "docs/disk full.md", "# Disk, read again\n")
	want(t, told(t, p), "document runbooks | ok | 2 files; the oldest, recovery.md, was last changed 20 d ago | \ndocument recovery | ok | last changed 20 d ago | ")
	// What no commit has, is not known.
	d.write(d.tree+"/docs/new.md", "# New\n")
	want(t, told(t, p), "document runbooks | unknown | 3 files; the oldest, recovery.md, was last changed 20 d ago | not known of: new.md (no commit has it)\ndocument recovery | ok | last changed 20 d ago | ")
}

func TestReviewLines(t *testing.T) {
	d := newDesk(t)
	today := time.Now().UTC().Truncate(day)
	on := func(ago int) string { return today.AddDate(0, 0, -ago).Format(time.DateOnly) }
	for text, says := range map[string]string{
		"# A\n\nreviewed: " + on(10) + "\n":                          "ok | reviewed 10 d ago | ",
		"---\ntitle: A\nReviewed: \"" + on(10) + "\"\n---\n":         "ok | reviewed 10 d ago | ",
		"- **Last reviewed**: " + on(10) + "\n":                      "ok | reviewed 10 d ago | ",
		"<!-- reviewed: " + on(10) + " -->\n":                        "ok | reviewed 10 d ago | ",
		"reviewed: " + on(300) + "\nreviewed: " + on(11) + "\n":      "ok | reviewed 11 d ago | ",
		"reviewed: " + on(40) + "\n":                                 "not ok | reviewed 40 d ago | that is more than 30 d: read it against what is, and mend it or renew its line `reviewed: " + on(0) + "`",
		"reviewed: last autumn\n":                                    "unknown |  | not known of: a.md (its line `reviewed:` has no date like 2026-09-01)",
		"reviewed: 2026-13-01\n":                                     "unknown |  | not known of: a.md (its line `reviewed:` has no date like 2026-09-01)",
		"reviewed: " + on(-3) + "\n":                                 "unknown |  | not known of: a.md (it was reviewed on a day to come, it says)",
		"As reviewed: " + on(10) + "\n":                              "ok | last written today | ",
		strings.Repeat("x\n", 40<<10) + "reviewed: " + on(10) + "\n": "ok | last written today | ",
	} {
		file := d.plain + "/a.md"
		d.write(file, text)
		want(t, told(t, d.probe(Document{Name: "a", Files: []string{file}, MaxAge: 30 * day})), "document a | "+says)
	}
	// A review counts for more than a commit of yesterday: who mends a word has not read it.
	d.commit(day, "b.md", "reviewed: "+on(90)+"\n")
	got := told(t, d.probe(Document{Name: "b", Files: []string{d.tree + "/b.md"}, WorkTree: d.tree, MaxAge: 100 * day}))
	want(t, got, "document b | ok | reviewed 90 d ago | ")
}

func TestPlainFiles(t *testing.T) {
	d := newDesk(t)
	file := d.plain + "/calls.txt"
	d.write(file, "112\n")
	old := time.Now().Add(-400*day - time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	p := d.probe(Document{Name: "calls", Files: []string{file, d.plain + "/gone.txt", d.plain + "/none/*.md"}, MaxAge: 365 * day})
	want(t, told(t, p), "document calls | not ok | last written 400 d ago | not there: "+d.plain+"/gone.txt, "+d.plain+"/none/*.md; that is more than 365 d: read it against what is, and mend it or renew its line `reviewed: "+
		time.Now().UTC().Format(time.DateOnly)+"`")
	if d.ran.n != 0 {
		t.Error("git was asked")
	}
}

// Trees that tell nothing, or could tell anything.
func TestTrees(t *testing.T) {
	d := newDesk(t)
	d.commit(20*day, "a.md", "# A\n")
	doc := Document{Name: "a", Files: []string{d.tree + "/a.md"}, WorkTree: d.tree, MaxAge: 30 * day}
	unknown := func(p *Probe, why string) {
		t.Helper()
		want(t, told(t, p), "document a | unknown |  | not known of: a.md ("+why+")")
	}
	d.write(d.plain+"/a.md", "# A\n")
	unknown(d.probe(Document{Name: "a", Files: []string{d.plain + "/a.md"}, WorkTree: d.plain, MaxAge: day}), "git does not know its work tree")
	unknown(d.probe(Document{Name: "a", Files: []string{d.plain + "/a.md"}, WorkTree: d.tree, MaxAge: day}), "it is not in its work tree")
	unknown(New(d.host, Options{Git: "/nowhere/git", Documents: []Document{doc}}), "git cannot be asked")

	// A configuration of the repository's own that names a program: it is not run.
	evil := filepath.Join(t.TempDir(), "evil")
	d.write(evil, "#!/bin/sh\ntouch "+evil+".ran\n")
	if err := os.Chmod(evil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand"} {
		d.run(0, "config", key, evil)
	}
	d.run(0, "config", "log.showSignature", "true")
	want(t, told(t, d.probe(doc)), "document a | ok | last changed 20 d ago | ")
	if _, err := os.Stat(evil + ".ran"); err == nil {
		t.Error("the repository's program was run")
	}

	shallow := t.TempDir()
	d.commit(0, "b.md", "# B\n")
	d.run(0, "config", "--unset", "core.sshCommand")
	d.run(0, "clone", "-q", "--depth", "1", "file://"+d.tree, shallow+"/tree")
	unknown(d.probe(Document{Name: "a", Files: []string{shallow + "/tree/a.md"}, WorkTree: shallow + "/tree", MaxAge: 30 * day}), "its work tree is a shallow clone, which knows no older commits")

	if os.Geteuid() == 0 {
		for _, at := range []string{d.tree, d.tree + "/.git"} {
			if err := syscall.Chown(at, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}
		unknown(d.probe(doc), "git refuses: its work tree is not root's")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := d.probe(doc).Read(ctx)[0]; r.State != bot.Unknown || !strings.Contains(r.Note, "there was not enough time to ask git") {
		t.Errorf("%+v", r)
	}
}

func TestManyFiles(t *testing.T) {
	d := newDesk(t)
	for i := range 103 {
		d.write(fmt.Sprintf("%s/%03d.md", d.plain, i), "# A\n")
	}
	want(t, told(t, d.probe(Document{Name: "a", Files: []string{d.plain + "/*.md"}, MaxAge: day})), "document a | unknown | 100 files; the oldest, 000.md, was last written today | 3 files are not looked at")
}
