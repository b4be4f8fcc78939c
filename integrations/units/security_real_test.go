package units

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/sys"
)

// entriesOf makes entries of a journal, one for each line "AGO | FIELDS | MESSAGE".
func entriesOf(at time.Time, text string) (out [][]string) {
	for l := range strings.Lines(strings.TrimSpace(text)) {
		if strings.TrimSpace(l) == "" {
			continue
		}
		parts := strings.SplitN(strings.TrimRight(l, "\n"), " | ", 3)
		ago, err := time.ParseDuration(strings.TrimSpace(parts[0]))
		if err != nil {
			panic(err)
		}
		e := []string{fmt.Sprintf("__REALTIME_TIMESTAMP=%d", at.Add(-ago).UnixMicro()), "_BOOT_ID=11111111111111111111111111111111"}
		e = append(e, strings.Fields(parts[1])...)
		out = append(out, append(e, "MESSAGE="+parts[2]))
	}
	return out
}

// What OpenSSH 9.2 and 9.8, sudo 1.9, Linux 6.18 with audit and AppArmor, and fail2ban
// 1.1 write, in the order of time. The last lines of each are not theirs.
const written = `
30h | _UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd | Accepted password for root from 192.0.2.66 port 1 ssh2
29h | _SYSTEMD_UNIT=fail2ban.service SYSLOG_IDENTIFIER=fail2ban-server | Server ready
23h | _UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd | Accepted publickey for alice from 192.0.2.4 port 50022 ssh2: ED25519 SHA256:3n1Zq0
22h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Accepted publickey for alice from 192.0.2.4 port 50024 ssh2: ED25519 SHA256:3n1Zq0
21h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Accepted keyboard-interactive/pam for bob from fe80::1%eth0 port 50031 ssh2
20h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Invalid user admin from 203.0.113.9 port 40000
20h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Failed none for invalid user admin from 203.0.113.9 port 40000 ssh2
20h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Failed password for invalid user admin from 203.0.113.9 port 40000 ssh2
20h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Failed password for invalid user admin from 203.0.113.9 port 40000 ssh2
20h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Connection closed by invalid user admin 203.0.113.9 port 40000 [preauth]
19h | _UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd | Failed password for root from 203.0.113.9 port 40001 ssh2
19h | _UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd | error: maximum authentication attempts exceeded for root from 203.0.113.9 port 40001 ssh2 [preauth]
19h | _UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd | Connection closed by authenticating user root 203.0.113.9 port 40002 [preauth]
18h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Disconnected from authenticating user root 198.51.100.3 port 1022 [preauth]
18h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Failed password for invalid user a from 192.0.2.4 port 7 ssh2 from 198.51.100.3 port 1023 ssh2
18h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Failed password for invalid user Accepted password for root from 192.0.2.4 port 7 ssh2 from 198.51.100.3 port 1024 ssh2
18h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Received disconnect from 198.51.100.3 port 1024:11: Bye Bye [preauth]
18h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | pam_unix(sshd:session): session opened for user alice(uid=1000) by alice(uid=0)
17h | _UID=1000 SYSLOG_IDENTIFIER=sshd _COMM=logger | Accepted password for root from 192.0.2.99 port 1 ssh2
16h | _UID=1000 SYSLOG_IDENTIFIER=sudo _COMM=sudo |    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/run/current-system/sw/bin/systemctl restart nginx
16h | _UID=1000 SYSLOG_IDENTIFIER=sudo _COMM=sudo |    alice : PWD=/home/alice ; USER=postgres ; COMMAND=/run/current-system/sw/bin/psql -c "select ' : x'"
16h | _UID=1000 SYSLOG_IDENTIFIER=sudo _COMM=sudo |    alice : (command continued) --setenv USER=x
15h | _UID=1001 SYSLOG_IDENTIFIER=sudo _COMM=sudo | averylonguser : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/true
15h | _UID=1000 SYSLOG_IDENTIFIER=sudo _COMM=sudo |    alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/true
15h | _UID=0 SYSLOG_IDENTIFIER=sudo _COMM=sudo | pam_unix(sudo:session): session opened for user root(uid=0) by alice(uid=1000)
10h | _TRANSPORT=audit _AUDIT_TYPE_NAME=SYSCALL _AUDIT_ID=100 | SYSCALL arch=c000003e syscall=59 success=yes exit=0 a0=55d0 items=2 ppid=1 pid=4242 auid=1000 uid=0 tty=pts0 ses=3 comm="su" exe="/nix/store/x-su/bin/su" subj=unconfined key="privileged"
10h | _TRANSPORT=audit _AUDIT_TYPE_NAME=SYSCALL _AUDIT_ID=101 | SYSCALL arch=c000003e syscall=257 success=no exit=-13 pid=4243 comm="cat" exe="/x" subj=nginx key=(null)
10h | _TRANSPORT=audit _AUDIT_TYPE_NAME=SYSCALL _AUDIT_ID=102 | SYSCALL arch=c000003e syscall=59 success=yes exit=0 pid=4244 comm="su" exe="/x" subj=unconfined key="privileged"
10h | _TRANSPORT=audit _AUDIT_TYPE_NAME=USER_LOGIN _AUDIT_ID=103 | USER_LOGIN pid=1 uid=0 auid=1000 ses=3 msg='op=login id=1000 exe="/x" res=success'
9h | _TRANSPORT=audit _AUDIT_TYPE_NAME=CONFIG_CHANGE _AUDIT_ID=104 | CONFIG_CHANGE op=add_rule key="privileged" list=4 res=1
8h | _TRANSPORT=audit _AUDIT_TYPE_NAME=AVC _AUDIT_ID=105 | AVC apparmor="DENIED" operation="open" class="file" profile="nginx" name="/etc/shadow" pid=77 comm="nginx" requested_mask="r" denied_mask="r" fsuid=60 ouid=0
8h | _TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel | audit: type=1400 audit(1795850000.123:105): apparmor="DENIED" operation="open" class="file" profile="nginx" name="/etc/shadow" pid=77 comm="nginx"
7h | _TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel | audit: type=1400 audit(1795853600.456:106): apparmor="DENIED" operation="capable" class="cap" profile="/run/x//null" pid=78 comm="x" capability=21
7h | _TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel | audit: type=1400 audit(1795853600.456:107): apparmor="ALLOWED" operation="open" profile="complains" name="/x" pid=79
7h | _TRANSPORT=syslog _UID=1000 | apparmor="DENIED" profile="forged"
6h | _SYSTEMD_UNIT=fail2ban.service SYSLOG_IDENTIFIER=fail2ban-server | fail2ban.filter         [812]: INFO    [sshd] Found 203.0.113.9 - 2026-11-28 10:00:00
6h | _SYSTEMD_UNIT=fail2ban.service SYSLOG_IDENTIFIER=fail2ban-server | fail2ban.actions        [812]: NOTICE  [sshd] Ban 203.0.113.9
6h | _SYSTEMD_UNIT=fail2ban.service SYSLOG_IDENTIFIER=fail2ban-server | fail2ban.actions        [812]: NOTICE  [sshd] Unban 203.0.113.9
5h | _SYSTEMD_UNIT=fail2ban.service SYSLOG_IDENTIFIER=fail2ban.actions | NOTICE [nginx-botsearch] Restore Ban 192.0.2.200
5h | _SYSTEMD_UNIT=evil.service SYSLOG_IDENTIFIER=fail2ban-server | [sshd] Ban 198.51.100.3
`

func securityOf(t *testing.T, at time.Time, text string, banAfter int, change func(*machine)) []string {
	return securityRead(t, at, text, change, func(k *Keeper) *Security { return k.Security(banAfter) })
}

func securityRead(t *testing.T, at time.Time, text string, change func(*machine), of func(*Keeper) *Security) []string {
	t.Helper()
	journalctl := real.Require(t, "journalctl")
	m := vulcan()
	m.add(sys.Unit{Name: "fail2ban.service"})
	m.files["/sys/module/apparmor/parameters/enabled"] = node{text: "Y\n"}
	if change != nil {
		change(m)
	}
	k, err := New(sys.Host{Name: "vulcan", Files: m, Run: realPrograms{m}, Units: manager{machine: m}},
		Options{Journalctl: journalctl, Journal: journal(t, entriesOf(at, text)...)})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range of(k).Read(t.Context()) {
		if r.Host != "vulcan" || r.Source == "" || r.At.IsZero() || r.State != bot.OK && r.Note == "" {
			t.Errorf("%+v", r)
		}
		out = append(out, fmt.Sprintf("%s | %s | %s | %s | %.4g %s", r.State, r.What, r.Value, r.Note, r.Figure, r.Unit))
	}
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	for i, w := range want {
		if i >= len(got) || got[i] != w {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got[i:min(i+1, len(got))], ""), w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d readings", len(got))
	}
}

// The real journalctl is asked by our patterns, of a journal as it is written.
func TestSecurityOfARealJournal(t *testing.T) {
	at := time.Now()
	same(t, securityOf(t, at, written, 3, nil),
		"ok | ssh root logins | none |  | 0 1",
		"ok | ssh logins | 3: alice from 192.0.2.4 (2), bob from fe80::1%eth0 (1) |  | 3 1",
		"ok | ssh failed logins | 7: 203.0.113.9 (4), 198.51.100.3 (3) |  | 7 1",
		"ok | sudo commands | 3: alice (2), averylonguser (1); refused: alice (1) |  | 3 1",
		"ok | audit events | 3: privileged (2), CONFIG_CHANGE (1) |  | 3 1",
		"not ok | apparmor denials | 2: /run/x//null (1), nginx (1) | a profile forbids what a program wants, or a program wants what it must not | 2 1",
		"not ok | fail2ban | 2 bans; 1 of 2 addresses with 3 failed logins or more banned | less than 95 % | 50 %",
	)
	worse := written + `
2h | _UID=0 SYSLOG_IDENTIFIER=sshd-session _COMM=sshd-session | Accepted password for root from 192.0.2.66 port 4711 ssh2
1h | _UID=1002 SYSLOG_IDENTIFIER=sudo _COMM=sudo |  mallory : user NOT in sudoers ; TTY=pts/3 ; PWD=/ ; USER=root ; COMMAND=/bin/sh
1h | _TRANSPORT=audit _AUDIT_TYPE_NAME=ANOM_PROMISCUOUS _AUDIT_ID=200 | ANOM_PROMISCUOUS dev=eth0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=3
`
	got := securityOf(t, at, worse, 4, nil)
	same(t, []string{got[0], got[3], got[4], got[6]},
		"not ok | ssh root logins | 1 from 192.0.2.66 (1) | nobody should come in as root | 1 1",
		"not ok | sudo commands | 3: alice (2), averylonguser (1); refused: alice (1), mallory (1) | somebody tried what is not theirs | 3 1",
		"not ok | audit events | 4: privileged (2), ANOM_PROMISCUOUS (1), CONFIG_CHANGE (1) | the kernel calls 1 of them anomalies | 4 1",
		"ok | fail2ban | 2 bans; 1 of 1 address with 4 failed logins or more banned |  | 100 %",
	)
}

// A journal that is young, or has nothing of somebody, tells of nothing that did not
// happen.
func TestSecurityOfAPoorJournal(t *testing.T) {
	at := time.Now()
	same(t, securityOf(t, at, `
3h | _PID=1 | hello
2h | _UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd | Server listening on 0.0.0.0 port 22.
2h | _SYSTEMD_UNIT=fail2ban.service | Server ready
2h | _TRANSPORT=audit | USER_LOGIN pid=1
`, 0, nil),
		"unknown | ssh root logins | none | the journal goes back 3 h only | 0 1",
		"unknown | ssh logins | none | the journal goes back 3 h only | 0 1",
		"unknown | ssh failed logins | none | the journal goes back 3 h only | 0 1",
		"unknown | sudo commands | none | the journal goes back 3 h only | 0 1",
		"unknown | audit events | none | the journal goes back 3 h only | 0 1",
		"unknown | apparmor denials | none | the journal goes back 3 h only | 0 1",
		"unknown | fail2ban | 0 bans; no address failed to log in 5 times | the journal goes back 3 h only | 0 ",
	)
	same(t, securityOf(t, at, `
30h | _PID=1 | hello
`, 0, func(m *machine) { delete(m.files, "/sys/module/apparmor/parameters/enabled") }),
		"unknown | ssh root logins |  | sshd has written nothing to the journal | 0 ",
		"unknown | ssh logins |  | sshd has written nothing to the journal | 0 ",
		"unknown | ssh failed logins |  | sshd has written nothing to the journal | 0 ",
		"ok | sudo commands | none |  | 0 1",
		"unknown | audit events |  | there is no audit in the journal: it is off, or auditd keeps it to itself | 0 ",
		"unknown | apparmor denials |  | AppArmor is not on | 0 ",
		"unknown | fail2ban |  | fail2ban has written nothing to the journal | 0 ",
	)
	got := securityOf(t, at, written, 0, func(m *machine) {
		m.units["fail2ban.service"].Active = "failed"
		m.units["fail2ban.service"].Sub = "failed"
	})
	same(t, got[6:], "not ok | fail2ban | failed (failed) | it should run | 0 ")
}

// What was not read is not counted as nothing.
func TestSecurityOfAFullJournal(t *testing.T) {
	got := securityRead(t, time.Now(), written, nil, func(k *Keeper) *Security {
		s := k.Security(3)
		s.most = 3
		return s
	})
	const cut = "there may be more than the 3 entries that were read"
	same(t, got,
		"unknown | ssh root logins | none in what was read | "+cut+" | 0 1",
		"unknown | ssh logins | at least 3: alice from 192.0.2.4 (2), bob from fe80::1%eth0 (1) | "+cut+" | 3 1",
		"unknown | ssh failed logins | at least 3: 198.51.100.3 (3) | "+cut+" | 3 1",
		"unknown | sudo commands | at least 1: averylonguser (1); refused: alice (1) | "+cut+" | 1 1",
		"unknown | audit events | at least 3: privileged (2), CONFIG_CHANGE (1) | "+cut+" | 3 1",
		"not ok | apparmor denials | at least 2: /run/x//null (1), nginx (1) | a profile forbids what a program wants, or a program wants what it must not; "+cut+" | 2 1",
		"unknown | fail2ban | at least 2 bans; 0 of 1 address with 3 failed logins or more banned | "+cut+" | 0 %",
	)
}
