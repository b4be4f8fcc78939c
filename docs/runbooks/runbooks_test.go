package runbooks

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"watchstander/bot"
)

// What the plan's checklists ask for has a runbook of its name: the checklists name
// these.
func TestEveryTaskHasOne(t *testing.T) {
	for _, name := range []string{
		"dashboards", "security-alerts", "backup-completion", "service-health", // daily
		"performance-review", "security-updates", "backup-integrity", "documentation-update", // weekly
		"restore-test", "security-audit", "optimisation-review", "capacity-planning", // monthly
		"disaster-recovery-drill", "security-assessment", "architecture-review", "documentation-audit", // quarterly
		"validation", "watchdog-missing",
	} {
		if r, ok := Find(name); !ok || r.Name != name {
			t.Errorf("there is no runbook %s", name)
		}
	}
	files, err := files.ReadDir(".")
	if err != nil || len(files) != len(Names()) {
		t.Errorf("of %d files %d are runbooks (%v)", len(files), len(Names()), err)
	}
}

// Links lead somewhere in the source, where people read the files.
func TestLinks(t *testing.T) {
	to := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for _, name := range Names() {
		text, err := os.ReadFile(name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range to.FindAllSubmatch(text, -1) {
			if target := string(m[1]); !strings.Contains(target, "://") {
				if _, err := os.Stat(target); err != nil {
					t.Errorf("%s leads to %s, which is not there", name, target)
				}
			}
		}
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]string{
		"zfs-status": "zfs-status", "ZFS Status": "zfs-status", "zfs status": "zfs-status", "backup.verify": "backup-verify",
		"DiskFull": "disk-full", "HighLoad": "high-load", "Watchdog": "watchdog-missing", "zfs arc set": "zfs-arc", "ack": "ack", "unack": "ack",
		"": "", "-": "", "disk": "", "diskfully": "",
	} {
		r, ok := Find(name)
		if r.Name != want || ok != (want != "") {
			t.Errorf("%q leads to %q (%v), not %q", name, r.Name, ok, want)
		}
	}
	for name, want := range map[string]string{"schedule pause": "schedule", "zfs arc set": "zfs-arc", "nothing at all": "", "": ""} {
		if r, _ := ForCommand(name); r.Name != want {
			t.Errorf("the command %q has the runbook %q, not %q", name, r.Name, want)
		}
	}
	for word, want := range map[string]string{"zfs": "zfs-arc zfs-status", "Restore": "restore-test", "zf": "", "": "", "xyzzy": ""} {
		if got := strings.Join(Like(word), " "); got != want {
			t.Errorf("%q is like %q, not %q", word, got, want)
		}
	}
}

// whole is a file in the one form, to be spoilt in parts.
const whole = `# A \*thing\*

Commands: ` + "`a b`, `c`" + `

Alerts: ` + "`ThingDown`" + `

## Meaning

It is **bad**, and *sad*; see ` + "`status`" + `,
[other](other.md), [the manual](../manual.md), [the web](https://a.example/x) and <https://b.example/>.

## Impact

- one
- two ` + "`x`" + `

## Look

` + "```bot\nstatus\nservice nginx\n```" + `

## Act

1. first

` + "```sh\nzpool status -v\n  # indented\n```" + `

2. second
3. third

## Undo

None.

## Escalate

Call.
`

func TestForm(t *testing.T) {
	r, err := parse("thing", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := bot.Message{
		Title: bot.Line(bot.B("A *thing*"), bot.F(" · thing")),
		Note:  bot.Line(bot.T(note)),
		Blocks: []bot.Block{
			bot.Para{Text: bot.Line(bot.B("Meaning"))},
			bot.Para{Text: bot.Line(bot.T("It is "), bot.B("bad"), bot.T(", and sad; see "), bot.M("status"), bot.T(", "), bot.M("runbook other"),
				bot.T(", the manual (docs/manual.md), "), bot.L("the web", "https://a.example/x"), bot.T(" and "), bot.L("https://b.example/", "https://b.example/"), bot.T("."))},
			bot.Para{Text: bot.Line(bot.B("Impact"))},
			bot.List{Items: []bot.Text{bot.Line(bot.T("one")), bot.Line(bot.T("two "), bot.M("x"))}},
			bot.Para{Text: bot.Line(bot.B("Look"))},
			bot.List{Items: []bot.Text{bot.Line(bot.M("status")), bot.Line(bot.M("service nginx"))}},
			bot.Para{Text: bot.Line(bot.B("Act"))},
			bot.Para{Text: bot.Line(bot.T("1. "), bot.T("first"))},
			bot.Pre{Body: "zpool status -v\n  # indented"},
			bot.Para{Text: bot.Line(bot.T("2. "), bot.T("second"), bot.T("\n3. "), bot.T("third"))},
			bot.Para{Text: bot.Line(bot.B("Undo"))}, bot.Para{Text: bot.Line(bot.T("None."))},
			bot.Para{Text: bot.Line(bot.B("Escalate"))}, bot.Para{Text: bot.Line(bot.T("Call."))},
		},
	}
	got, err := r.Message().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if w, _ := want.MarshalJSON(); string(got) != string(w) {
		t.Errorf("got\n%s\nwant\n%s", got, w)
	}
	if strings.Join(r.Commands, ",") != "a b,c" || strings.Join(r.Alerts, ",") != "ThingDown" || strings.Join(r.Orders, ",") != "status,service nginx" ||
		len(r.Host) != 1 || strings.Join(r.Mentions, ",") != "status,runbook other,x" {
		t.Errorf("it leads to %q, %q, and holds %q, %q, %q", r.Commands, r.Alerts, r.Orders, r.Host, r.Mentions)
	}
	part, ok := r.Part("impact")
	if !ok || len(part.Blocks) != 2 || part.Title.String() != "A *thing* · thing" {
		t.Errorf("the section alone is %v, %v", part, ok)
	}
	if _, ok := r.Part("imp"); ok {
		t.Error("there is a section imp")
	}
}

func TestFormRefused(t *testing.T) {
	for _, c := range []struct{ what, with, want string }{
		{"# A \\*thing\\*\n", "", "has no place"},
		{"# A \\*thing\\*\n", "Text.\n", "has no place before the sections"},
		{"## Impact", "## Effect", "the sections are [Meaning Effect"},
		{"## Impact", "### Impact", `the heading "Impact" has no place`},
		{"## Impact\n\n- one\n- two `x`\n", "", "the sections are [Meaning Look"},
		{"Call.", "", "the section Escalate is empty"},
		{"Commands:", "Orders:", "is none of the lines"},
		{"Commands: `a b`, `c`", "Commands: a", "is none of the lines"},
		{"- two", "- two\n\n  more", "more or less than one paragraph"},
		{"- two", "  - two", "more or less than one paragraph"},
		{"```bot", "```", "is marked \"\""},
		{"```sh", "```bash", "is marked \"bash\""},
		{"status\nservice", "status\n\nservice", "is no line as people type it"},
		{"status\nservice", " status\nservice", "is no line as people type it"},
		{"[other]", "[another]", "not its name"},
		{"../manual.md", "/etc/passwd", "leads neither"},
		{"None.", "> None.", "is nothing that a runbook holds"},
		{"None.", "<b>None.</b>", "is nothing that a runbook holds"},
		{"None.", "![None](x.png)", "is nothing that a runbook holds"},
		{"None.", "    None.", "is nothing that a runbook holds"},
	} {
		spoilt := strings.Replace(whole, c.what, c.with, 1)
		if spoilt == whole {
			t.Fatalf("%q is not in the file", c.what)
		}
		if _, err := parse("thing", []byte(spoilt)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %q for %q: got %v, want … %s …", c.with, c.what, err, c.want)
		}
	}
	if _, err := parse("empty", nil); err == nil || err.Error() != "there is no title" {
		t.Errorf("an empty file: %v", err)
	}
}

func TestTwoOfOneName(t *testing.T) {
	file := &fstest.MapFile{Data: []byte(whole)}
	if _, err := read(fstest.MapFS{"one.md": file}); err != nil {
		t.Error(err)
	}
	_, err := read(fstest.MapFS{"one.md": file, "two.md": file})
	if err == nil || err.Error() != `"a b" leads to both one and two` {
		t.Errorf("got %v", err)
	}
	_, err = read(fstest.MapFS{"one.md": {Data: []byte("# x")}})
	if err == nil || !strings.HasPrefix(err.Error(), "one.md: the sections are") {
		t.Errorf("got %v", err)
	}
}
