package checks

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot/bottest/real"
)

// secured evaluates a host with all that these tests look at.
const secured = `
let
  config = (import ./. { }).tools.evaluate [ {
    watchstander = {
      ssh = { enable = true; users = [ "alice" "bob" ]; };
      fail2ban = { enable = true; ignore = [ "10.100.0.0/24" ]; };
      audit = { enable = true; level = "full"; trees.configuration = "/etc/nixos"; };
      apparmor = { enable = true; profiles.grafana.rules = [ "/run/secrets.d/*/grafana/** r" ]; };
    };
    networking.nftables.enable = true;
    services.watchstander = { enable = true; settings.chats = [ { } ]; };
    services.nginx.enable = true;
    services.postgresql.enable = true;
    services.step-ca.enable = true;
    services.prometheus.enable = true;
    services.prometheus.exporters.node.enable = true;
    services.prometheus.exporters.postgres.enable = true;
    services.prometheus.alertmanager.enable = true;
    services.loki.enable = true;
    services.grafana = { enable = true; settings.security.secret_key = "$__file{/run/secrets/k}"; };
  } ];
  inherit (config) services security networking;
in
{
  policies = builtins.mapAttrs (_: p: p.profile) security.apparmor.policies;
  includes = security.apparmor.includes;
  rules = security.audit.rules;
  auditd = security.auditd.settings;
  sshd = services.openssh.settings;
  nft = networking.firewall.extraInputRules;
  fail2ban = { inherit (services.fail2ban) maxretry bantime ignoreIP bantime-increment; jail = services.fail2ban.jails.sshd.settings // { inherit (services.fail2ban.jails.sshd) filter; }; };
}
`

type security struct {
	Policies map[string]string
	Includes map[string]string
	Rules    []string
	Auditd   map[string]any
	SSHD     map[string]any
	NFT      string
	Fail2ban struct {
		Maxretry  int
		Bantime   string
		IgnoreIP  []string
		Increment map[string]any `json:"bantime-increment"`
		Jail      map[string]any
	}
}

func securedHost(t *testing.T) (s security) {
	t.Helper()
	out := instantiate(t, "--eval", "--strict", "--json", "-E", secured)
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// inOwn runs a program as the root of a world of its own, so that it cannot touch this
// machine's kernel: not its audit rules, not its firewall.
func inOwn(t *testing.T, program string, args ...string) (said string, ok bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), real.Require(t, "unshare"), append([]string{"--map-root-user", "--net", "--", program}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err == nil
}

// TestAppArmorProfiles has AppArmor's own compiler read every profile, for which it needs
// no kernel.
func TestAppArmorProfiles(t *testing.T) {
	parser := real.Require(t, "apparmor_parser", "/usr/sbin/apparmor_parser")
	host := securedHost(t)
	dir := t.TempDir()
	for name, text := range host.Includes {
		put(t, filepath.Join(dir, name), text)
	}
	parse := func(name, text string) (string, error) {
		path := filepath.Join(t.TempDir(), name)
		put(t, path, text)
		out, err := exec.CommandContext(t.Context(), parser, "--skip-kernel-load", "--skip-cache", "--base", "/etc/apparmor.d", "--Include", dir, path).CombinedOutput()
		return string(out), err
	}
	files, err := os.ReadDir(filepath.Join(root, "apparmor"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := host.Policies["watchstander-"+f.Name()]; !ok && !f.IsDir() {
			t.Errorf("apparmor/%s is no profile of the host", f.Name())
		}
	}
	// Where watchstander.stepCa puts a service's own copy.
	for _, name := range []string{"watchstander-postgresql", "watchstander-nginx"} {
		if !strings.Contains(host.Policies[name], "  /var/lib/watchstander-certificates/** r,\n") {
			t.Errorf("%s, enforced, would keep the service from its certificate", name)
		}
	}
	for name, text := range host.Policies {
		if said, err := parse(name, text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
		if !strings.Contains(text, "profile "+name+" ") {
			t.Errorf("%s: the unit would not find it, its profile has another name", name)
		}
		// A profile in complain mode stops what it denies in so many words.
		for line := range strings.Lines(text + host.Includes["abstractions/watchstander"]) {
			if strings.Contains(line, "deny ") && !strings.HasPrefix(strings.TrimSpace(line), "#") {
				t.Errorf("%s denies while it complains: %s", name, line)
			}
		}
		if _, err := parse(name, strings.Replace(text, "include <abstractions/watchstander>", "/srv/** rwz,", 1)); err == nil {
			t.Errorf("%s with a fault is read, too", name)
		}
	}
}

// TestAuditRules has auditctl read every rule. It tells of a fault in one before it finds
// that there is no audit for it to speak with.
func TestAuditRules(t *testing.T) {
	auditctl := real.Require(t, "auditctl", "/usr/sbin/auditctl")
	read := func(rule string) string {
		said, _ := inOwn(t, auditctl, strings.Fields(rule)...)
		return said
	}
	good := read("-w /etc/passwd -p wa -k x")
	if bad := read("-a always,exit -F arch=b64 -S no_such_call -F key=x"); bad == good || !strings.Contains(bad, "no_such_call") {
		real.Missing(t, "auditctl cannot be asked here: %s", bad)
	}
	rules := securedHost(t).Rules
	for _, rule := range rules {
		if rule == "-c" {
			continue
		}
		if said := read(rule); said != good {
			t.Errorf("%s: %s", rule, said)
		}
		if slices.Index(rules, rule) != len(rules)-1-slices.Index(reversed(rules), rule) {
			t.Errorf("it is there twice, which the kernel refuses: %s", rule)
		}
	}
}

func reversed(s []string) []string {
	r := slices.Clone(s)
	slices.Reverse(r)
	return r
}

// TestAuditdReadsItsSettings: auditd looks through its file before it asks the kernel, which
// it cannot in a world of its own.
func TestAuditdReadsItsSettings(t *testing.T) {
	auditd := real.Require(t, "auditd")
	dir := t.TempDir()
	text := "log_file = " + filepath.Join(dir, "audit.log") + "\n"
	for key, value := range securedHost(t).Auditd {
		text += fmt.Sprintf("%s = %v\n", key, value)
	}
	read := func(text string) string {
		put(t, filepath.Join(dir, "auditd.conf"), text)
		said, _ := inOwn(t, auditd, "-f", "-c", dir)
		return said
	}
	if said := read(strings.ReplaceAll(text, "= rotate", "= rotat")); !strings.Contains(said, "Option rotat not found") {
		t.Skipf("auditd cannot be asked here: %s", said)
	}
	said := read(text)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "not found") || strings.Contains(line, "Unknown keyword") || strings.Contains(line, "should be") {
			t.Error(line)
		}
	}
	if n, want := strings.Count(said, "_parser called with: "), strings.Count(text, "\n"); n != want {
		t.Errorf("it read %d of %d lines:\n%s", n, want, said)
	}
}

// TestSSHD: sshd takes the settings, and does what they say.
func TestSSHD(t *testing.T) {
	// It wants to be started by its full path.
	sshd := real.Require(t, "sshd", "/usr/sbin/sshd")
	if os.Getuid() != 0 {
		real.Missing(t, "sshd's settings are only read by root")
	}
	if err := os.Mkdir("/run/sshd", 0o755); err == nil { //nolint:gosec // it is to be everybody's to read
		t.Cleanup(func() { _ = os.Remove("/run/sshd") })
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "HostKey %s\n", key)
	for name, v := range securedHost(t).SSHD {
		switch v := v.(type) {
		case nil:
		case bool:
			fmt.Fprintf(&text, "%s %s\n", name, map[bool]string{true: "yes", false: "no"}[v])
		case []any:
			sep := map[bool]string{true: " ", false: ","}[name == "AllowUsers"]
			var words []string
			for _, w := range v {
				words = append(words, fmt.Sprint(w))
			}
			if len(words) > 0 {
				fmt.Fprintf(&text, "%s %s\n", name, strings.Join(words, sep))
			}
		default:
			fmt.Fprintf(&text, "%s %v\n", name, v)
		}
	}
	config := filepath.Join(dir, "sshd_config")
	put(t, config, text.String())
	out, err := exec.CommandContext(t.Context(), sshd, "-T", "-f", config).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, text.String())
	}
	for _, want := range []string{
		"passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin no", "permitemptypasswords no", "authenticationmethods publickey",
		"maxstartups 10:30:30", "allowusers alice", "allowusers bob", "loglevel VERBOSE",
	} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("sshd does not say %q:\n%s", want, out)
		}
	}
}

// TestSSHRateLimit: nftables takes the rules that the firewall gets.
func TestSSHRateLimit(t *testing.T) {
	nft := real.Require(t, "nft", "/usr/sbin/nft")
	file := filepath.Join(t.TempDir(), "rules")
	ruleset := "table inet nixos-fw {\n chain input-allow {\n%s\n }\n}\n"
	put(t, file, fmt.Sprintf(ruleset, securedHost(t).NFT))
	if said, ok := inOwn(t, nft, "--check", "--file", file); !ok {
		t.Errorf("%s", said)
	}
	put(t, file, fmt.Sprintf(ruleset, "tcp dport 22 ct state news accept"))
	if _, ok := inOwn(t, nft, "--check", "--file", file); ok {
		t.Error("a rule with a fault is taken, too")
	}
}

// TestFail2ban: fail2ban reads the jail and the filter, and bans as it is told to.
func TestFail2ban(t *testing.T) {
	client := real.Require(t, "fail2ban-client")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("/etc/fail2ban")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "jail.d")); err != nil { // what Debian switches on
		t.Fatal(err)
	}
	f := securedHost(t).Fail2ban
	var jail strings.Builder
	fmt.Fprintf(&jail, "[DEFAULT]\nmaxretry = %d\nbantime = %s\nignoreip = %s\nbantime.increment = %v\nbantime.maxtime = %v\nbantime.overalljails = %v\n[sshd]\nenabled = true\n",
		f.Maxretry, f.Bantime, strings.Join(f.IgnoreIP, " "), f.Increment["enable"], f.Increment["maxtime"], f.Increment["overalljails"])
	for name, v := range f.Jail {
		fmt.Fprintf(&jail, "%s = %v\n", name, v)
	}
	put(t, filepath.Join(dir, "jail.local"), jail.String())
	out, err := exec.CommandContext(t.Context(), client, "-c", dir, "-d").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"['set', 'sshd', 'maxretry', 5]", "['set', 'sshd', 'addjournalmatch', '_SYSTEMD_UNIT=sshd.service']\n",
		// What only the aggressive mode counts.
		"'^<F-MLFFORGET>(Connection (?:closed|reset)|Disconnected)</F-MLFFORGET> ", "['set', 'sshd', 'findtime', '1d']",
		"['set', 'sshd', 'bantime.increment', True]", "['set', 'sshd', 'bantime.maxtime', '168h']", "['set', 'sshd', 'addignoreip', '10.100.0.0/24']",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %s:\n%s", want, out)
		}
	}
}

// put writes a file, with its directories.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
