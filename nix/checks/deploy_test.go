package checks

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// aSwitch is a host before a switch: generations, pools, units, all of the test's.
type aSwitch struct {
	*bench
	settings map[string]any
}

func newSwitch(t *testing.T) *aSwitch {
	real.Require(t, "jq")
	s := &aSwitch{bench: newBench(t)}
	s.system("running", `{"host": "vulcan", "loader": "grub", "state_version": "25.05"}`)
	s.system("new", `{"host": "vulcan", "loader": "grub", "state_version": "25.05"}`)
	s.system("older", "")
	s.mkdir("profiles")
	for name, to := range map[string]string{"system-40-link": "older", "system-41-link": "running", "system-42-link": "new", "system-39-link": "gone"} {
		if err := os.Symlink(s.path(to), s.path("profiles/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	s.program("zpool", `case $1 in
list) cat "`+s.path("health")+`" ;;
status) cat "`+s.path("errors")+`" ;;
esac`)
	s.write("health", "ONLINE\n")
	s.write("errors", "pool 'rpool' is healthy\n")
	s.program("systemctl", `case $1 in
show) cat "`+s.path("busy")+`" ;;
list-units) cat "`+s.path("failed")+`" ;;
esac`)
	s.write("busy", "inactive\n")
	s.write("failed", "")
	s.mkdir("systemd")
	s.settings = map[string]any{
		"host": "vulcan", "loader": "grub", "stateVersion": "25.05", "revision": "2f1c9a4", "requireRevision": true,
		"profile": s.path("profiles/system"), "running": s.path("running"), "wayBack": 2,
		"pools": []string{"rpool"}, "zpool": s.path("bin/zpool"), "free": map[string]int{s.dir: 1},
		"busyUnits": []string{"restic-backups-b2.service"}, "failedUnits": "refuse", "allowFailed": []string{"known.service"},
		"booted": s.path("systemd"), "excuses": s.path("excuses"),
	}
	return s
}

// system makes one with a mark, or without one.
func (s *aSwitch) system(name, mark string) {
	s.t.Helper()
	s.write(name+"/bin/switch-to-configuration", "#!/bin/sh\n")
	if err := os.Chmod(s.path(name+"/bin/switch-to-configuration"), 0o755); err != nil { //nolint:gosec // it is a program
		s.t.Fatal(err)
	}
	if mark != "" {
		s.write(name+"/etc/watchstander/host.json", mark)
	}
}

func (s *aSwitch) look(verb string) (said string, ok bool) {
	s.t.Helper()
	text, err := json.Marshal(s.settings)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.run("pre-switch.sh", s.write("settings.json", string(text)), s.path("new"), verb)
}

func TestPreSwitch(t *testing.T) {
	if said, ok := newSwitch(t).look("switch"); !ok || said != "" {
		t.Errorf("a host that is well is refused: %s", said)
	}
	for name, c := range map[string]struct {
		change func(*aSwitch)
		words  string
		excuse string // by which root may have it all the same; "" for never
	}{
		"another host":     {func(s *aSwitch) { s.settings["host"] = "apollo" }, "another host's name: apollo", ""},
		"another loader":   {func(s *aSwitch) { s.settings["loader"] = "systemd-boot" }, "another kind of boot loader: systemd-boot, and the running one has grub", ""},
		"another version":  {func(s *aSwitch) { s.settings["stateVersion"] = "26.05" }, "another system.stateVersion", ""},
		"a mark that lies": {func(s *aSwitch) { s.system("new", `{"host": "vulcan", "loader": "systemd-boot"}`) }, "contradicts itself", ""},
		"fewer ways back":  {func(s *aSwitch) { s.settings["wayBack"] = 3 }, "only 2 other whole generations", "wayBack"},
		"no way back": {func(s *aSwitch) {
			for _, name := range []string{"running", "older"} {
				_ = os.Remove(s.path(name + "/bin/switch-to-configuration"))
			}
		}, "none of the 3 other generations is whole", ""},
		"a degraded pool":  {func(s *aSwitch) { s.write("health", "DEGRADED\n") }, "pool rpool is DEGRADED", "pools"},
		"errors in a pool": {func(s *aSwitch) { s.write("errors", "  pool: rpool\n status: data corruption\n") }, "pool rpool has errors", "pools"},
		"a pool that is not there": {func(s *aSwitch) { s.program("zpool", "echo no such pool >&2; exit 1") },
			"pool rpool is unknown (no such pool)", "pools"},
		"a backup at work":   {func(s *aSwitch) { s.write("busy", "activating\n") }, "restic-backups-b2.service is activating", "busy"},
		"no room":            {func(s *aSwitch) { s.settings["free"] = map[string]int{s.dir: 1 << 40} }, "are wanted", "free"},
		"a place without":    {func(s *aSwitch) { s.settings["free"] = map[string]int{"/not/there": 1} }, "nobody knows how much room", "free"},
		"a unit that failed": {func(s *aSwitch) { s.write("failed", "web.service loaded failed failed Web\n") }, "before the switch: web.service", "failed"},
		"no commit":          {func(s *aSwitch) { s.settings["revision"] = "" }, "in no commit", "revision"},
		"systemd is silent":  {func(s *aSwitch) { s.program("systemctl", "exit 1"); s.settings["busyUnits"] = []string{} }, "systemd does not tell", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSwitch(t)
			c.change(s)
			if said, ok := s.look("switch"); ok || !strings.Contains(said, c.words) || !strings.Contains(said, "refused: ") {
				t.Fatalf("refused %v, saying %q", !ok, said)
			}
			reasons := func(excuses ...string) (text string) {
				for _, e := range []string{"pools", "busy", "free", "failed", "revision", "host", "loader", "state_version", "wayBack"} {
					if !slices.Contains(excuses, e) {
						text += e + " the disk is being replaced\n"
					}
				}
				return text
			}
			s.write("excuses", reasons(c.excuse)+c.excuse+"\n")
			if said, ok := s.look("switch"); ok {
				t.Errorf("it is excused by what is about something else, or without a reason: %s", said)
			}
			s.write("excuses", reasons())
			if said, ok := s.look("switch"); ok != (c.excuse != "") {
				t.Errorf("excused: %v: %s", ok, said)
			}
			s.write("excuses", c.excuse+" the disk is being replaced\n")
			old := time.Now().Add(-2 * time.Hour)
			if err := os.Chtimes(s.path("excuses"), old, old); err != nil {
				t.Fatal(err)
			}
			if _, ok := s.look("switch"); ok {
				t.Error("an excuse of two hours ago still counts")
			}
		})
	}
}

// TestPreSwitchTells what it lets through.
func TestPreSwitchTells(t *testing.T) {
	s := newSwitch(t)
	s.settings["failedUnits"] = "tell"
	s.write("failed", "web.service loaded failed failed Web\nknown.service loaded failed failed Known\n")
	if said, ok := s.look("switch"); !ok || said != "failed already, before the switch: web.service\n" {
		t.Errorf("%v: %q", ok, said)
	}
	s.settings["wayBack"] = 9 // nothing is kept of a test
	if said, ok := s.look("test"); !ok {
		t.Errorf("a test is refused: %s", said)
	}
	s.write("health", "DEGRADED\n")
	if said, ok := s.look("dry-activate"); !ok {
		t.Errorf("a dry run is refused: %s", said)
	}
	s.settings["loader"] = "systemd-boot"
	if _, ok := s.look("dry-activate"); ok {
		t.Error("a dry run of another loader is let through")
	}
	// A host that is being installed has one generation.
	s = newSwitch(t)
	for _, name := range []string{"39", "40", "41"} {
		_ = os.Remove(s.path("profiles/system-" + name + "-link"))
	}
	if said, ok := s.look("boot"); !ok {
		t.Errorf("an installation is refused: %s", said)
	}
	// Nor has it a system that is booted, whose zpool and systemd could be asked; and as little
	// has one that is repaired from a rescue medium, with all its generations.
	for _, s := range []*aSwitch{s, newSwitch(t)} {
		if err := os.Remove(s.path("systemd")); err != nil {
			t.Fatal(err)
		}
		s.settings["zpool"] = "/run/booted-system/sw/bin/zpool"
		s.program("systemctl", "echo 'System has not been booted with systemd as init system' >&2; exit 1")
		if said, ok := s.look("boot"); !ok || !strings.Contains(said, "not looked at") {
			t.Errorf("without a system that runs: %s", said)
		}
		s.settings["loader"] = "systemd-boot"
		if said, ok := s.look("boot"); ok {
			t.Errorf("without a system that runs another loader is let through: %s", said)
		}
	}
	// A host that had no bot before says nothing of itself.
	s = newSwitch(t)
	if err := os.Remove(s.path("running/etc/watchstander/host.json")); err != nil {
		t.Fatal(err)
	}
	if said, ok := s.look("switch"); !ok {
		t.Errorf("the first switch with the mark is refused: %s", said)
	}
	if _, ok := s.run("pre-switch.sh", s.path("none.json"), s.path("new"), "switch"); ok {
		t.Error("without settings everything is let through")
	}
	// Words for a shell are words.
	s.settings["host"], s.settings["busyUnits"] = "vul'can; touch x", []string{"a$(touch x)b.service"}
	s.look("switch")
	if _, err := os.Stat(s.path("x")); err == nil {
		t.Error("a setting was run as a command")
	}
}

// TestPreSwitchFromARescueMedium: what root could excuse is told there, and refused by nobody,
// since no excuse could be left where it is looked for.
func TestPreSwitchFromARescueMedium(t *testing.T) {
	s := newSwitch(t)
	s.settings["booted"], s.settings["revision"] = s.path("none"), ""
	s.settings["free"] = map[string]int{"/not/there": 1}
	said, ok := s.look("boot")
	if !ok || !strings.Contains(said, "no system runs here (free): nobody knows how much room") || !strings.Contains(said, "(revision): it was built") {
		t.Errorf("%v: %s", ok, said)
	}
	s.settings["stateVersion"] = "26.05"
	if said, ok := s.look("boot"); ok {
		t.Errorf("another state version is let through: %s", said)
	}
}

// TestVulnixScan: its exit codes 0 to 2 are results, and what is none replaces none.
func TestVulnixScan(t *testing.T) {
	b := newBench(t)
	b.mkdir("figures")
	said := func(code, json string) (string, bool) {
		t.Helper()
		b.program("vulnix", `[ "$*" = "--system --json --cache-dir /c" ] || exit 9
cat <<'END'
`+json+`
END
exit `+code)
		return b.run("vulnix-scan.sh", b.path("result.json"), b.path("figures"), "--cache-dir", "/c")
	}
	const found = `[{"name": "openssl-3.0.1", "pname": "openssl", "affected_by": ["CVE-1", "CVE-2", "CVE-3"], "whitelisted": [], "cvssv3_basescore": {"CVE-1": 9.8, "CVE-2": 7.0}},
 {"name": "curl-8", "pname": "curl", "affected_by": ["CVE-4"], "cvssv3_basescore": {"CVE-4": 5.5}}, {"name": "x-1", "pname": "x", "affected_by": [], "whitelisted": ["CVE-5"]}]`
	if text, ok := said("3", "no network"); ok {
		t.Errorf("it failed, and nobody is told: %s", text)
	}
	if got := b.figures("figures/vulnerabilities.prom"); got["watchstander_vulnerability_scan_timestamp_seconds"] != 0 || got[`watchstander_vulnerability_scan{outcome="failed"}`] != 1 {
		t.Errorf("before the first result: %v", got)
	}
	for code, json := range map[string]string{"0": "[]", "1": "[]", "2": found} {
		if text, ok := said(code, json); !ok {
			t.Errorf("exit code %s is a result: %s", code, text)
		}
		if strings.TrimSpace(b.read("result.json")) != json {
			t.Errorf("the result is %s", b.read("result.json"))
		}
	}
	if text, ok := said("2", found); !ok {
		t.Fatal(text)
	}
	good := b.figures("figures/vulnerabilities.prom")
	want := map[string]float64{"critical": 1, "high": 1, "medium": 1, "low": 0, "unscored": 1}
	for severity, n := range want {
		if good[`watchstander_vulnerabilities{severity="`+severity+`"}`] != n {
			t.Errorf("%s: %v", severity, good)
		}
	}
	b.recorded("vulnerabilities", good)
	for name, c := range map[string][2]string{"failed": {"3", found}, "cut off": {"2", found[:90]}, "silent": {"2", ""}, "no list": {"0", "{}"}} {
		if _, ok := said(c[0], c[1]); ok || strings.TrimSpace(b.read("result.json")) != found {
			t.Errorf("%s: the last result gave way", name)
		}
	}
	now := b.figures("figures/vulnerabilities.prom")
	if now[`watchstander_vulnerability_scan{outcome="failed"}`] != 1 || now[`watchstander_vulnerabilities{severity="critical"}`] != 1 {
		t.Errorf("after a failed scan: %v", now)
	}
	for name := range maps.Keys(now) {
		if strings.Contains(name, "CVE") || strings.Contains(name, "openssl") {
			t.Errorf("a figure names what it counts: %s", name)
		}
	}
	if left, _ := filepath.Glob(b.path("*.new")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestConfigCommit: what the daily build tells of the configuration's commit.
func TestConfigCommit(t *testing.T) {
	git := real.Require(t, "git")
	b := newBench(t)
	b.env = append(b.env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	do := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), git, append([]string{"-C", b.path("etc"), "-c", "user.name=root", "-c", "user.email=root@vulcan"}, args...)...)
		cmd.Env = b.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	told := func(flake string) (commit string, changed int) {
		t.Helper()
		before := time.Now().Unix()
		if said, ok := b.run("config-commit.sh", b.path(flake), b.path("commit.json")); !ok {
			t.Fatal(said)
		}
		var got struct {
			Commit  string
			Changed *int
			At      int64
		}
		if err := json.Unmarshal([]byte(b.read("commit.json")), &got); err != nil || got.At < before {
			t.Errorf("%v: %s", err, b.read("commit.json"))
		}
		if got.Changed == nil {
			return got.Commit, -1
		}
		return got.Commit, *got.Changed
	}
	b.write("etc/flake.nix", "{ }\n")
	b.write("etc/host/a.nix", "{ }\n")
	b.write("elsewhere/flake.nix", "{ }\n")
	if commit, changed := told("elsewhere"); commit != "" || changed != -1 {
		t.Errorf("of no repository it tells %q, %d", commit, changed)
	}
	do("init", "--quiet")
	if commit, changed := told("etc"); commit != "" || changed != -1 {
		t.Errorf("without a commit it tells %q, %d", commit, changed)
	}
	do("add", ".")
	do("commit", "--quiet", "--message=The configuration")
	head := do("rev-parse", "HEAD")
	if commit, changed := told("etc"); commit != head || changed != 0 {
		t.Errorf("with nothing beside it it tells %q, %d; the commit is %s", commit, changed, head)
	}
	b.write("etc/flake.nix", "{ more = true; }\n")
	b.write("etc/new\nname.nix", "{ }\n")
	b.write("etc/host/folder/x.nix", "{ }\n")
	if commit, changed := told("etc"); commit != head || changed != 3 {
		t.Errorf("with three changes it tells %q, %d", commit, changed)
	}
	// What lies elsewhere in the repository is not the flake's.
	if commit, changed := told("etc/host"); commit != head || changed != 1 {
		t.Errorf("of a flake in a folder it tells %q, %d", commit, changed)
	}
	// The settings of somebody else's repository execute nothing.
	do("config", "core.fsmonitor", b.program("monitor", "touch "+b.path("executed")))
	told("etc")
	if _, err := os.Stat(b.path("executed")); err == nil {
		t.Error("a program that the repository names was run")
	}
	// It belongs to another user, as /etc/nixos does.
	if os.Geteuid() == 0 {
		if err := filepath.WalkDir(b.path("etc"), func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, 65534, 65534))
		}); err != nil {
			t.Fatal(err)
		}
		if commit, changed := told("etc"); commit != head || changed != 3 {
			t.Errorf("of another user's it tells %q, %d", commit, changed)
		}
	}
}
