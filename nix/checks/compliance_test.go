package checks

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestCompliance looks at a host of files, with programs of the test's that answer for the
// kernel and systemd.
func TestCompliance(t *testing.T) {
	b := newBench(t)
	b.program("systemctl", `case $* in *fail2ban*) echo active ;; *) echo failed ;; esac`)
	b.program("sshd", `[ -e "$PWD/silent" ] && exit 1; printf 'port 22\npermitrootlogin no\npasswordauthentication yes\n'`)
	b.program("ss", `printf 'LISTEN 0 128 127.0.0.1:9090 0.0.0.0:*\nLISTEN 0 128 [::1]:9090 [::]:*\nLISTEN 0 128 *:9100 *:*\nLISTEN 0 128 0.0.0.0:19090 0.0.0.0:*\n'`)
	b.program("auditctl", `case $1 in -l) printf -- '-a always,exit -F arch=b64 -S init_module -F key=modules\n-w /etc/passwd -p wa -k identity\n' ;; -s) printf 'enabled 1\nlost 3\n' ;; esac`)
	b.write("root/etc/hostname", "vulcan\n")
	b.write("root/proc/sys/kernel/dmesg_restrict", "1\n")
	b.write("root/proc/sys/kernel/randomize_va_space", "0\n")
	b.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nalice:x:1000:100::/home/alice:/bin/sh\n")
	b.write("root/etc/shadow", "root:!:1::::::\nalice:$y$j9T$abcdef:1::::::\n")
	b.write("root/etc/loose", "x")
	b.write("root/sys/kernel/security/apparmor/profiles", "watchstander-nginx (complain)\nwatchstander-grafana (enforce)\n")
	for _, n := range []string{"7", "8", "9"} {
		b.write("root/nix/var/nix/profiles/system-"+n+"-link", "")
	}
	if err := os.Chmod(b.path("root/etc/loose"), 0o666); err != nil { //nolint:gosec // that is what is to be found
		t.Fatal(err)
	}
	type control struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		Kind  string `json:"kind"`
		Args  []any  `json:"args"`
	}
	want := map[string]string{}
	var controls []control
	add := func(state, id, kind string, args ...any) {
		controls = append(controls, control{id, "it is so", kind, append([]any{}, args...)})
		want[id] = state
	}
	add("ok", "config", "config", true, "x = true")
	add("not ok", "config-not", "config", false, "x = false")
	add("ok", "sysctl", "sysctl", "kernel.dmesg_restrict", "1")
	add("not ok", "sysctl-not", "sysctl", "kernel.randomize_va_space", "2")
	add("unknown", "sysctl-none", "sysctl", "kernel.nothing", "1")
	add("ok", "unit", "unit", "fail2ban.service")
	add("not ok", "unit-not", "unit", "auditd.service")
	add("ok", "sshd", "sshd", "permitrootlogin", "no")
	add("not ok", "sshd-not", "sshd", "passwordauthentication", "no")
	add("ok", "port", "port", "9090")
	add("ok", "port-closed", "port", "5432")
	add("not ok", "port-not", "port", "9100")
	add("ok", "mode-none", "mode", "/etc/none", "600")
	add("not ok", "mode-not", "mode", "/etc/loose", "644")
	add("ok", "audit", "audit", "identity")
	add("not ok", "audit-not", "audit", "privileged")
	add("not ok", "lost", "lost")
	add("ok", "apparmor", "apparmor", "watchstander-nginx", "complain")
	add("ok", "apparmor-more", "apparmor", "watchstander-grafana", "complain")
	add("not ok", "apparmor-less", "apparmor", "watchstander-nginx", "enforce")
	add("not ok", "apparmor-none", "apparmor", "watchstander-step-ca", "complain")
	add("not ok", "roots", "roots")
	add("ok", "empty", "empty")
	add("ok", "generations", "generations", "3")
	add("not ok", "generations-not", "generations", "4")
	add("unknown", "strange", "shell", "true")
	text, err := json.Marshal(controls)
	if err != nil {
		t.Fatal(err)
	}
	file := b.write("controls.json", string(text))
	look := func() map[string]float64 {
		t.Helper()
		if said, ok := b.run("compliance.sh", file, b.path("root"), b.path("report.txt"), b.mkdir("textfiles")); !ok {
			t.Fatal(said)
		}
		return b.figures("textfiles/compliance.prom")
	}
	got := look()
	for id, state := range want {
		for _, each := range []string{"ok", "not ok", "unknown"} {
			series := fmt.Sprintf(`watchstander_compliance_control{control=%q,state=%q}`, id, each)
			if v, there := got[series]; !there || (v == 1) != (each == state) {
				t.Errorf("%s is %v; it should be %s", series, v, state)
			}
		}
	}
	if got["watchstander_compliance_timestamp_seconds"] == 0 {
		t.Error("it does not say when")
	}
	report := b.read("report.txt")
	for _, words := range []string{"Controls of vulcan", "the id 0 is that of: root toor", "it listens on *:9100", "3 events were lost", "watchstander-step-ca is not loaded", "12 ok, 12 not ok, 2 unknown"} {
		if !strings.Contains(report, words) {
			t.Errorf("the report lacks %q:\n%s", words, report)
		}
	}
	if os.Getuid() == 0 && !strings.Contains(report, "/etc/loose has the mode 666, more than 644") {
		t.Errorf("the report does not tell of the mode:\n%s", report)
	}
	if strings.Contains(report, "$y$") {
		t.Error("the report has a password's hash")
	}
	// What does not answer is unknown, never well.
	b.write("silent", "")
	if got := look(); got[`watchstander_compliance_control{control="sshd",state="unknown"}`] != 1 {
		t.Error("a silent sshd is not unknown")
	}
	if said, ok := b.run("compliance.sh", b.write("none.json", "[]"), b.path("root"), b.path("report.txt"), b.path("textfiles")); ok {
		t.Errorf("without controls it is content: %s", said)
	}
	// The form of what it writes, for the rules.
	if err := os.Remove(b.path("silent")); err != nil {
		t.Fatal(err)
	}
	b.write("controls.json", `[{"id":"firewall","title":"there is a firewall","kind":"config","args":[true,"networking.firewall.enable = true"]}]`)
	b.recorded("compliance", look())
}
