package checks

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// anUpdate is a host whose Nix builds what the test has laid there.
type anUpdate struct {
	*bench
	settings map[string]any
}

// The system that Nix gives: a store path, as far as the script can tell.
func newUpdate(t *testing.T) *anUpdate {
	u := &anUpdate{bench: newBench(t)}
	mark := `{"host": "vulcan", "loader": "grub", "state_version": "25.05"}`
	for _, name := range []string{"running", "newer"} {
		u.write(name+"/etc/watchstander/host.json", mark)
		u.write(name+"/bin/switch-to-configuration", "#!/bin/sh\necho switched >>"+u.path("switched")+"\n")
		if err := os.Chmod(u.path(name+"/bin/switch-to-configuration"), 0o755); err != nil { //nolint:gosec // it is a program
			t.Fatal(err)
		}
	}
	u.write("flake/flake.nix", "{ }\n")
	u.write("flake/flake.lock", "the old lock\n")
	u.mkdir("state")
	// Nix in few words: a new lock, links to what is there, two lines of differences.
	u.program("nix", `shift 2
case "$1 $2" in
"flake update") echo "the new lock" >"`+u.path("state/copy/flake.lock")+`"; echo "$@" >"`+u.path("updated")+`"; ls -A "`+u.path("state/copy")+`" >"`+u.path("copied")+`" ;;
"store diff-closures") printf 'linux: 6.18.16 → 6.18.17\nopenssl: 3.6.0 → 3.6.1\n' ;;
build*)
	while [ $# -gt 0 ]; do
		case $1 in
		--out-link) out=$2 ;;
		*system.build.vm) to="`+u.path("vm")+`" ;;
		*toplevel) to="`+u.path("newer")+`" ;;
		/*) to=$1 ;;
		esac
		shift
	done
	ln -sfn "$to" "$out" ;;
esac`)
	u.vm(`echo '{"state": "running", "system": "/nix/store/x", "failed": []}' >"$SHARED_DIR/verdict.json"`)
	u.program("vulnix", `case $2 in *running) echo '[{"affected_by": ["CVE-1", "CVE-2"]}]'; exit 2 ;; *) echo '[]' ;; esac`)
	u.settings = map[string]any{
		"flake": u.path("flake"), "attribute": "nixosConfigurations.vulcan", "inputs": []string{"nixpkgs", "home"}, "state": u.path("state"),
		"running": u.path("running"), "vm": true, "vmLimit": 5, "ignoreFailed": []string{"smartd.service"}, "vulnix": true,
	}
	return u
}

// vm is what the VM's program does.
func (u *anUpdate) vm(body string) {
	u.t.Helper()
	path := u.write("vm/bin/run-vulcan-vm", "#!/bin/sh\n[ -e \"$SHARED_DIR/judge\" ] || exit 7\n"+body+"\n")
	if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // it is a program
		u.t.Fatal(err)
	}
}

func (u *anUpdate) propose() (status struct{ Outcome, Stage, Reason string }, said string) {
	u.t.Helper()
	text, err := json.Marshal(u.settings)
	if err != nil {
		u.t.Fatal(err)
	}
	said, ok := u.run("propose-update.sh", u.write("settings.json", string(text)))
	if err := json.Unmarshal([]byte(u.read("state/status.json")), &status); err != nil {
		u.t.Fatalf("%v\n%s", err, said)
	}
	if ok != (status.Outcome != "failed") {
		u.t.Errorf("it ended well: %v, and says %+v\n%s", ok, status, said)
	}
	if _, err := os.Stat(u.path("switched")); err == nil {
		u.t.Error("a system was switched to")
	}
	if u.read("flake/flake.lock") != "the old lock\n" {
		u.t.Error("the configuration itself was changed")
	}
	return status, said
}

func TestProposeUpdate(t *testing.T) {
	u := newUpdate(t)
	if status, said := u.propose(); status.Outcome != "proposed" {
		t.Fatalf("%+v\n%s", status, said)
	}
	var got struct {
		Path                    string
		Packages, Before, After int
		VM                      bool
	}
	if err := json.Unmarshal([]byte(u.read("state/proposal.json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Path != u.path("newer") || got.Packages != 2 || got.Before != 2 || got.After != 0 || !got.VM {
		t.Errorf("the proposal is %+v", got)
	}
	if to, err := os.Readlink(u.path("state/proposed")); err != nil || to != u.path("newer") {
		t.Errorf("nothing keeps it: %q, %v", to, err)
	}
	if u.read("state/locks/newer.lock") != "the new lock\n" || !strings.Contains(u.read("state/diff.txt"), "openssl: 3.6.0 → 3.6.1") {
		t.Error("the lock or the differences are missing")
	}
	if !strings.HasSuffix(u.read("updated"), " nixpkgs home\n") {
		t.Errorf("what was taken newer: %s", u.read("updated"))
	}
	if _, err := os.Stat(u.path("state/copy")); err == nil {
		t.Error("the copy of the configuration is left there")
	}

	// A later look that fails leaves the proposal; one that finds nothing newer takes it.
	u.vm("exit 0")
	if status, _ := u.propose(); status.Outcome != "failed" || status.Stage != "vm" || !strings.Contains(status.Reason, "without a verdict") {
		t.Errorf("a VM that says nothing: %+v", status)
	}
	u.read("state/proposal.json")
	u.settings["running"] = u.path("newer")
	if status, _ := u.propose(); status.Outcome != "none" {
		t.Errorf("nothing newer: %+v", status)
	}
	if _, err := os.Stat(u.path("state/proposal.json")); err == nil {
		t.Error("what runs is still proposed")
	}
	if u.read("state/locks/newer.lock") != "the new lock\n" {
		t.Error("the lock file of what runs is gone before anybody took it over")
	}
}

// TestProposeUpdateTellsItsCommit: people agree to newer inputs, and want to know what else
// would come with them.
func TestProposeUpdateTellsItsCommit(t *testing.T) {
	git := real.Require(t, "git")
	u := newUpdate(t)
	u.env = append(u.env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	do := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), git, append([]string{"-C", u.path("flake"), "-c", "user.name=root", "-c", "user.email=root@vulcan"}, args...)...)
		cmd.Env = u.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	told := func() (p struct {
		Commit *string
		Clean  *bool
	}) {
		t.Helper()
		if status, said := u.propose(); status.Outcome != "proposed" {
			t.Fatalf("%+v\n%s", status, said)
		}
		if err := json.Unmarshal([]byte(u.read("state/proposal.json")), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := told(); p.Commit != nil || p.Clean != nil {
		t.Errorf("of a folder that is no repository it tells %v, %v", p.Commit, p.Clean)
	}
	do("init", "--quiet")
	if p := told(); p.Commit != nil {
		t.Errorf("of a repository without a commit it tells %v", *p.Commit)
	}
	if err := os.Chmod(u.path("flake/flake.nix"), 0o755); err != nil { //nolint:gosec // its mode is not kept
		t.Fatal(err)
	}
	do("add", ".")
	do("commit", "--quiet", "--message=The configuration")
	head := do("rev-parse", "HEAD")
	if p := told(); p.Commit == nil || *p.Commit != head || p.Clean == nil || !*p.Clean {
		t.Errorf("of a clean repository it tells %+v, and its commit is %s", p, head)
	}
	for _, file := range []string{"flake/flake.nix", "flake/another.nix"} {
		u.write(file, "{ more = true; }\n")
		if p := told(); p.Commit == nil || *p.Commit != head || p.Clean == nil || *p.Clean {
			t.Errorf("with a changed %s it tells %+v", file, p)
		}
		do("stash", "--quiet", "--include-untracked")
	}
	// The next one, where git itself fails.
	u.program("git", `case $* in *status*) exit 128 ;; esac; exec `+git+` "$@"`)
	if p := told(); p.Commit != nil || p.Clean != nil {
		t.Errorf("where git cannot tell it tells %v, %v", p.Commit, p.Clean)
	}
	if strings.Contains(u.read("copied"), ".git") {
		t.Error("the history is built into the store")
	}
}

func TestProposeUpdateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*anUpdate)
		stage  string
		words  string
	}{
		"another loader": {func(u *anUpdate) {
			u.write("newer/etc/watchstander/host.json", `{"host": "vulcan", "loader": "systemd-boot", "state_version": "25.05"}`)
		}, "marks", "another loader: systemd-boot"},
		"another state version": {func(u *anUpdate) {
			u.write("newer/etc/watchstander/host.json", `{"host": "vulcan", "loader": "grub", "state_version": "26.05"}`)
		}, "marks", "another state_version"},
		"no mark":       {func(u *anUpdate) { u.write("newer/etc/watchstander/host.json", `{}`) }, "marks", "another host"},
		"half a system": {func(u *anUpdate) { _ = os.Remove(u.path("newer/bin/switch-to-configuration")) }, "build", "no whole system"},
		"it does not build": {func(u *anUpdate) {
			u.program("nix", `case "$3" in build) exit 1 ;; esac; mkdir -p "`+u.path("state/copy")+`"`)
		}, "build", ""},
		"no network": {func(u *anUpdate) { u.program("nix", "exit 1") }, "update", ""},
		"a unit fails there": {func(u *anUpdate) {
			u.vm(`echo '{"state": "degraded", "failed": ["smartd.service", "nginx.service"]}' >"$SHARED_DIR/verdict.json"`)
		}, "vm", "these units failed: nginx.service"},
		"it does not get up": {func(u *anUpdate) { u.vm(`echo '{"state": "maintenance", "failed": []}' >"$SHARED_DIR/verdict.json"`) }, "vm", "did not come up: maintenance"},
		"it hangs": {func(u *anUpdate) { u.settings["vmLimit"] = 1; u.vm(`echo booting; exec sleep 60`) },
			"vm", "did not end by itself; the end of its log: booting"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpdate(t)
			c.change(u)
			status, said := u.propose()
			if status.Outcome != "failed" || status.Stage != c.stage || !strings.Contains(status.Reason, c.words) {
				t.Errorf("%+v\n%s", status, said)
			}
			if _, err := os.Stat(u.path("state/proposal.json")); err == nil {
				t.Error("it is proposed all the same")
			}
		})
	}
	u := newUpdate(t)
	u.vm(`echo '{"state": "degraded", "failed": ["smartd.service"]}' >"$SHARED_DIR/verdict.json"`)
	for _, failure := range []string{"exit 3", "exit 2", "echo '{}'", "echo '[{'; exit 2"} {
		u.program("vulnix", failure)
		if status, said := u.propose(); status.Outcome != "proposed" || !strings.Contains(u.read("state/proposal.json"), `"before": null`) {
			t.Errorf("what may fail, and a vulnix that cannot tell (%s): %+v\n%s", failure, status, said)
		}
	}
}

// TestUpdateFigures: what Prometheus is told, and that a proposal is over when it runs.
func TestUpdateFigures(t *testing.T) {
	b := newBench(t)
	b.mkdir("state")
	b.mkdir("figures")
	figures := func() map[string]float64 {
		t.Helper()
		if said, ok := b.run("update-figures.sh", b.path("state"), b.path("running"), b.path("figures")); !ok {
			t.Fatal(said)
		}
		return b.figures("figures/updates.prom")
	}
	if said, ok := b.run("update-figures.sh", b.path("state"), b.path("running"), b.path("figures")); !ok {
		t.Errorf("before the first look it fails: %s", said)
	}
	const path = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-vulcan-26.11"
	b.write("state/status.json", `{"outcome": "proposed", "stage": "proposed", "reason": "", "at": 1764378000}`)
	b.write("state/proposal.json", `{"path": "`+path+`", "packages": 31, "before": 4, "after": 1, "vm": true}`)
	got := figures()
	if got[`watchstander_update_info{path="`+path+`",tried="a VM"}`] != 31 || got["watchstander_update_proposed"] != 1 || got["watchstander_update_success_timestamp_seconds"] != 1764378000 {
		t.Errorf("%v", got)
	}
	b.write("state/status.json", `{"outcome": "failed", "stage": "vm\"} 1\nx{y=\"", "reason": "", "at": 1764464400}`)
	got = figures()
	if got[`watchstander_update_failed_info{stage="vmxy"}`] != 1 || got["watchstander_update_success_timestamp_seconds"] != 1764378000 || got["watchstander_update_proposed"] != 1 {
		t.Errorf("a failed look: %v", got)
	}
	b.write("state/status.json", `{"outcome": "failed", "stage": "vm", "reason": "", "at": 1764464400}`)
	b.recorded("updates", figures())
	if err := os.Symlink(path, b.path("running")); err != nil {
		t.Fatal(err)
	}
	if got = figures(); got["watchstander_update_proposed"] != 0 || len(got) != 7 {
		t.Errorf("it runs, and is still proposed: %v", got)
	}
	b.write("state/proposal.json", `{"path": "/etc/shadow\"} 1", "packages": 1, "vm": false}`)
	if got = figures(); got["watchstander_update_proposed"] != 0 {
		t.Errorf("what is no store path is proposed: %v", got)
	}
}
