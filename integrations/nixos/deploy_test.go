package nixos_test

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys/simulated"
	"watchstander/integrations/nixos"
)

const (
	proposedLink   = "/var/lib/watchstander-updates/proposed"
	proposedReport = "/var/lib/watchstander-updates/proposal.json"
)

const commit = "3f9a1c55d07e4b518c0a6f21b3d94e7712aa0043"

func proposing(o *nixos.Options) {
	o.Proposed = nixos.Proposed{Link: proposedLink, Report: proposedReport}
}

// propose leaves a system that is no generation as a proposal.
func (v *vulcan) propose() string {
	v.generation(43)
	v.files.delete(profiles + "/system-43-link")
	v.files.put(proposedLink, node{mode: fs.ModeSymlink, data: toplevel(43), mtime: time.Date(2026, 3, 9, 7, 12, 0, 0, time.UTC)})
	v.files.file(proposedReport, `{"path":"`+toplevel(43)+`","packages":4,"before":31,"after":12,"vm":true,"commit":"`+commit+`","clean":true}`)
	return toplevel(43)
}

func TestDeployPlan(t *testing.T) {
	v := newVulcan()
	at := v.propose()
	v.closures = "nginx: 1.28.2 → 1.28.3\nopenssl: 3.5.4 → 3.5.5, +1.2 KiB\n"
	d := v.integration(t, proposing).Deploy()
	p, err := plan(t, d, "")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(written(p.Draft), at, "<43>")
	for _, line := range []string{
		"deploy the proposed system to vulcan, over generation 42: " + at[len("/nix/store/"):] + "\n",
		"step: Ask the proposed system for its dry run, say which units it names, and end there if it refuses. Before this step nothing of it is run.\n",
		"step: Activate the proposed system with its own `switch-to-configuration test`. Profile and boot menu stay as they are",
		"step: Make it the profile's newest generation, let it write its boot menu (grub), and read both back.\n",
		"differs: openssl: 3.5.4 → 3.5.5, +1.2 KiB\n",
		"unknown: which units it touches is known: by what differs in the unit files. ",
		"ok: it is known who proposes it: whoever may write " + proposedLink + ", since 9 Mar 2026 07:12 UTC\n",
		"ok: it came up in a VM: so its proposer says\n",
		"ok: it has no more known holes: 31 before, 12 in it, by its proposer's count\n",
		"ok: its configuration is that of a commit: 3f9a1c55d07e, with newer inputs\n",
		"unknown: the host's configuration has the same inputs: not looked at: unless its lock file is taken over",
		"bound: target system = <43>\nbound: running system = <42>\n",
		"bound: profile's generation = 42\n",
		"roots [<43> <42>]\n",
		"Afterwards: `rollback 42`.",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is not in the plan:\n%s", line, text)
		}
	}
	if p.Arguments.One("system") != at {
		t.Errorf("the arguments are %v", p.Arguments)
	}
	// Of a system that only somebody proposes nothing is run as root before people agreed.
	for _, argv := range v.argv {
		if strings.HasPrefix(argv, at) {
			t.Errorf("the plan ran %s", argv)
		}
	}
}

// building is where Nix has the files of a build that it isolates.
const building = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-x.drv.chroot"

// A proposed system may hold links to anywhere. What they lead to is not told.
func TestDeployTellsNothingOfOutside(t *testing.T) {
	const secret = "hunter2"
	for _, part := range []string{"nixos-version", "kernel-params", "init-interface-version", "sw/bin/nixos-version", "etc/watchstander/host.json"} {
		for name, links := range map[string][2]string{"at once": {"/run/secrets/token", ""}, "by a place that anybody may write": {"/tmp/way", "/run/secrets/token"}, "in a build that is under way": {building + "/root/build/x", ""}} {
			t.Run(part+" "+name, func(t *testing.T) {
				v := newVulcan()
				at := v.propose()
				// What a build has in the store today may be a link to anywhere in the next moment.
				for _, place := range []string{"/run/secrets/token", building + "/root/build/x"} {
					v.files.file(place, `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"`+secret+`","configurationRevision":"`+secret+`"}`)
				}
				place := at + "/" + part
				if rest, ok := strings.CutPrefix(part, "etc/"); ok {
					place = etc(43) + "/" + rest
				}
				v.files.delete(place)
				v.files.link(place, links[0])
				if links[1] != "" {
					v.files.link(links[0], links[1])
				}
				n := v.integration(t, proposing)
				p, err := plan(t, n.Deploy(), "")
				if text := written(p.Draft) + bot.ForPeople(err); strings.Contains(text, secret) {
					t.Errorf("the plan tells it:\n%s", text)
				}
				diff, err := n.Diff(t.Context(), "current", "proposed")
				if err != nil || strings.Contains(diff.To.NixOSVersion+diff.To.Revision+diff.To.Secrets+diff.To.StateVersion, secret) {
					t.Errorf("diff tells it: %+v (%v)", diff.To, err)
				}
			})
		}
	}
}

func TestDeployRefuses(t *testing.T) {
	tests := []struct {
		name string
		set  func(v *vulcan)
		want string
		code bot.Code
	}{
		{"nothing is proposed", func(v *vulcan) { v.files.delete(proposedLink) }, "On vulcan no system is proposed.", bot.CodeNotFound},
		{"a place outside the store", func(v *vulcan) { v.files.link(proposedLink, "/tmp/evil"); v.files.file("/tmp/evil/init", "") }, "What is proposed on vulcan is no path of its store.", bot.CodeForbidden},
		{"a build that is under way", func(v *vulcan) { v.files.file(building+"/init", ""); v.files.link(proposedLink, building) }, "No deploy on vulcan: Nix does not know " + building + " as a valid path.", bot.CodeForbidden},
		{"a specialisation", func(v *vulcan) { v.files.link(toplevel(41)+"/specialisation/quiet", toplevel(43)) }, "What is proposed is the specialisation quiet of generation 41 of vulcan, which is activated by hand.", bot.CodeConflict},
		{"a part of a system", func(v *vulcan) { v.files.link(proposedLink, toplevel(43)+"/sw") }, "What is proposed on vulcan is no path of its store.", bot.CodeForbidden},
		{"it runs already", func(v *vulcan) { v.files.link(proposedLink, toplevel(42)) }, "What is proposed runs on vulcan already. There is nothing to do.", bot.CodeConflict},
		{"it is a generation", func(v *vulcan) { v.files.link(proposedLink, toplevel(40)) }, "What is proposed is generation 40 of vulcan already. `rollback 40` activates it.", bot.CodeConflict},
		{"it is not whole", func(v *vulcan) { v.files.delete(toplevel(43) + "/initrd") }, "No deploy on vulcan: it is not whole: initrd is missing.", bot.CodeForbidden},
		{"another host's", func(v *vulcan) { v.mark(43, strings.Replace(goodMark, `"vulcan"`, `"mars"`, 1)) }, "No deploy on vulcan: it was built for the host mars.", bot.CodeForbidden},
		{"another state version", func(v *vulcan) { v.mark(43, strings.Replace(goodMark, "25.05", "25.11", 1)) }, "No deploy on vulcan: its system.stateVersion is 25.11, and this host's is 25.05.", bot.CodeForbidden},
		{"another loader", func(v *vulcan) { v.mark(43, strings.Replace(goodMark, "grub", "systemd-boot", 1)) }, "No deploy on vulcan: ", bot.CodeForbidden},
		{"no mark", func(v *vulcan) { v.mark(43, "") }, "No deploy on vulcan: it has no mark", bot.CodeForbidden},
		{"an older bot", func(v *vulcan) { v.mark(43, strings.Replace(goodMark, `"schema":9`, `"schema":8`, 1)) }, "No deploy on vulcan: it brings the bot back to 1.4.0, which reads states up to schema 8; the state has 9.", bot.CodeForbidden},
		{"Nix does not know it", func(v *vulcan) {
			v.programs["/run/current-system/sw/bin/nix"] = func() outcome { return outcome{exit: 1, lines: "error: path is not valid"} }
		}, "No deploy on vulcan: Nix does not know " + toplevel(43) + " as a valid path.", bot.CodeForbidden},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newVulcan()
			v.propose()
			test.set(v)
			_, err := plan(t, v.integration(t, proposing).Deploy(), "")
			if e, ok := errors.AsType[*bot.Error](err); !ok || !strings.HasPrefix(bot.ForPeople(err), test.want) || e.Code != test.code {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

const goodMark = `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"rev-7","bot":{"version":"1.4.0","schema":9}}`

// What a system says of itself need not be newer, and may close the way back.
func TestDeployOfOtherSecretsAndSchema(t *testing.T) {
	v := newVulcan()
	v.propose()
	v.mark(43, strings.NewReplacer("rev-7", "rev-6", `"schema":9`, `"schema":10`).Replace(goodMark))
	p, err := plan(t, v.integration(t, proposing).Deploy(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"unknown: the secrets stay: it deploys those of rev-6, and what runs has those of rev-7; which are newer is not known, and what was revoked since then may come back\n",
		"for good: The bot that it brings takes its state from schema 9 to 10 as it starts, and keeps a copy of the former beside it. Where all is undone after that, ",
		"Afterwards by hand alone: the bot that it brings has states of schema 10, the one of today reads up to 9, and so `rollback 42` is refused.",
	} {
		if text := written(p.Draft); !strings.Contains(text, line) {
			t.Errorf("%q is not in the plan:\n%s", line, text)
		}
	}
}

// A unit that is masked in both systems leads out of the store, and did not change.
func TestDeployUnits(t *testing.T) {
	v := newVulcan()
	v.propose()
	for _, n := range []int{42, 43} {
		v.files.link(etc(n)+"/systemd/system/masked.service", "/dev/null")
		v.files.link(etc(n)+"/systemd/system/same.service", store("unit-same")+"/same.service")
	}
	v.files.file("/dev/null", "")
	v.files.file(store("unit-same")+"/same.service", "")
	v.files.link(etc(43)+"/systemd/system/mask-me.service", "/dev/null")
	n := v.integration(t, proposing)
	d, err := n.Diff(t.Context(), "current", "proposed")
	if u := d.Units; err != nil || u.Unknown != "" || !slices.Equal(u.Added, []string{"mask-me.service"}) || !slices.Equal(u.Changed, []string{"nginx.service"}) || len(u.Removed) > 0 {
		t.Errorf("%+v (%v)", d.Units, err)
	}
	for i := range 20_001 {
		v.files.link(etc(43)+"/systemd/system/many-"+strconv.Itoa(i)+".service", "/dev/null")
	}
	p, err := plan(t, n.Deploy(), "")
	want := "unknown: which units it touches is known: not even what differs in the unit files: the unit files of one system cannot be read. Its own dry run is"
	if text := written(p.Draft); err != nil || !strings.Contains(text, want) {
		t.Errorf("%v\n%s", err, text)
	}
}

// What people agreed to is one store path: another proposal in its place is another plan.
func TestDeployOfAnother(t *testing.T) {
	v := newVulcan()
	at := v.propose()
	d := v.integration(t, proposing).Deploy()
	v.files.link(proposedLink, toplevel(41))
	want := "On vulcan another system is proposed now: " + toplevel(41)[len("/nix/store/"):] + "."
	args := bot.Arguments{"system": {at}}
	if _, err := d.Parse(t.Context(), args); bot.ForPeople(err) != want {
		t.Errorf("asked for the former one: %v", err)
	}
	if _, err := d.Plan(t.Context(), args); bot.ForPeople(err) != want {
		t.Errorf("planned the former one: %v", err)
	}
	if _, err := v.integration(t, nil).Deploy().Parse(t.Context(), bot.Arguments{}); bot.ForPeople(err) != "On vulcan nothing proposes systems (nixos.proposed in the agent's file)." {
		t.Errorf("where nothing is configured: %v", err)
	}
}

// What a report says counts for the system that it is on alone.
func TestDeployReport(t *testing.T) {
	for text, want := range map[string]string{
		`{"path":"` + toplevel(42) + `","vm":true}`:                    "unknown: it came up in a VM: the report is on another system\n",
		`{"path":"` + toplevel(43) + `","vm":false}`:                   "not ok: it came up in a VM: it was built, and tried nowhere\n",
		`{"path":"` + toplevel(43) + `","before":3,"after":4}`:         "not ok: it has no more known holes: 3 before, 4 in it, by its proposer's count\n",
		`{"path":"` + toplevel(43) + `","vm":"yes: ask for my token"}`: "unknown: it came up in a VM: the report on it is no JSON of the expected form\n",
		`{"path":"` + toplevel(43) + `","commit":"` + commit + `"}`:    "not ok: its configuration is that of a commit: 3f9a1c55d07e, and what is in none\n",
		`{"path":"` + toplevel(43) + `","commit":"ask for my token"}`:  "unknown: its configuration is that of a commit: its proposer does not say\n",
		`no JSON`: "unknown: it came up in a VM: the report on it is no JSON of the expected form\n",
		"":        "unknown: it came up in a VM: the report on it cannot be read\n",
	} {
		v := newVulcan()
		v.propose()
		if v.files.delete(proposedReport); text != "" {
			v.files.file(proposedReport, text)
		}
		p, err := plan(t, v.integration(t, proposing).Deploy(), "")
		if err != nil || !strings.Contains(written(p.Draft), want) {
			t.Errorf("of %s: %v\n%s", text, err, written(p.Draft))
		}
	}
}

func TestDeploySimulated(t *testing.T) {
	tests := []struct {
		name           string
		script         simulated.Activation
		want           bot.ProposalState
		ends           int
		kept           bool // 43 is a generation afterwards
		evidence, said []string
	}{
		{name: "all is well", want: bot.Done, ends: 43, kept: true,
			evidence: []string{"ok | profile | generation 43 | \n", "ok | boot default | generation 43 | \n"},
			said:     []string{"Its dry run: stops nginx.service; starts nginx.service; restarts sshd.service.", "The proposed system runs; ", "The profile points at generation 43.", "Generation 43 is what vulcan starts from now on."}},
		{name: "a unit fails", script: simulated.Activation{Fail: []string{"nginx.service"}}, want: bot.Undone, ends: 42,
			evidence: []string{"not ok | unit nginx.service | fails in both looks | failed: exit-code\n"}},
		{name: "its check refuses", script: simulated.Activation{Check: "noMigration"}, want: bot.Undone, ends: 42},
		{name: "it hangs", script: simulated.Activation{Hang: true}, want: bot.Undone, ends: 42},
		{name: "the boot menu cannot be written", script: simulated.Activation{Boot: 1}, want: bot.Undone, ends: 42, kept: true,
			said: []string{"Setting the profile back to generation 42.", "Generation 43, which was made for it, stays in the profile's list."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := simulation(t, nil)
				at, err := h.Propose(simulated.Newer())
				if err != nil {
					t.Fatal(err)
				}
				o := nixos.Options{Host: h.Sys()}
				proposing(&o)
				n, err := nixos.New(o)
				if err != nil {
					t.Fatal(err)
				}
				d := n.Deploy()
				p, err := plan(t, d, "")
				if err != nil {
					t.Fatal(err)
				}
				h.Script(43, test.script)
				state, evidence, w, err := run(t, d, p)
				if state != test.want || h.Running() != test.ends || h.Default() != test.ends || h.NextBoot() != test.ends {
					t.Errorf("it ended as %q (%v); %d runs, %d is the profile's, %d would start; want %q and %d\n%s\n%s",
						state, err, h.Running(), h.Default(), h.NextBoot(), test.want, test.ends, told(evidence), strings.Join(w.lines, "\n"))
				}
				if kept := h.Toplevel(43) == at; kept != test.kept {
					t.Errorf("43 is a generation: %v", kept)
				}
				for _, line := range test.evidence {
					if !strings.Contains(told(evidence), line) {
						t.Errorf("%q is not in the evidence:\n%s", line, told(evidence))
					}
				}
				for _, line := range test.said {
					if !slices.ContainsFunc(w.lines, func(l string) bool { return strings.HasPrefix(l, line) }) {
						t.Errorf("it did not say %q:\n%s", line, strings.Join(w.lines, "\n"))
					}
				}
			})
		})
	}
}

// A dry run that refuses ends it before anything was touched.
func TestDeployDryRunRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVulcan()
		at := v.propose()
		d := v.integration(t, proposing).Deploy()
		p, err := plan(t, d, "")
		if err != nil {
			t.Fatal(err)
		}
		v.dry[at] = outcome{lines: "Pre-switch check 'pools' failed\nPre-switch checks failed\n", exit: 1}
		state, evidence, w, err := run(t, d, p)
		if want := "No deploy on vulcan: its pre-switch check pools fails."; state != bot.Undone || bot.ForPeople(err) != want {
			t.Errorf("it ended as %q: %v\n%s\n%s", state, err, told(evidence), strings.Join(w.lines, "\n"))
		}
		if len(v.ran()) > 0 || v.files.held {
			t.Errorf("it ran %q, and the lock is held: %v", v.ran(), v.files.held)
		}
	})
}
