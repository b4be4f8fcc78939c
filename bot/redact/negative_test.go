package redact

import (
	"strings"
	"testing"
)

// negatives are texts that must pass as they are. Ids and digests are made
// when the test runs.
func negatives() []string {
	f := newFaker(2)
	hexd := func(n int) string { return f.of(hexset, n) }
	b32 := func() string { return f.of(b32set, 26) }
	nix := func() string { return f.of(nixset, 32) }
	return []string{
		// What the bot says
		"request req_" + b32() + " in thread thr_" + b32(),
		"approve with `approve req_" + b32() + "`, key=key_" + b32(),
		"key: key_" + b32() + "\nsilence: sil_" + b32(),
		`{"key":"key_` + b32() + `","thread":"thr_` + b32() + `"}`,
		"Plan digest: sha256:" + hexd(64),
		"plan_key: sha256:" + hexd(64),
		"key: " + hexd(64),
		"lock key: zfs:tank/data, held by alice",
		"idempotency key = " + f.uuid(),
		"journal head sha256:" + hexd(64) + " seq 1204",
		"Silence " + f.uuid() + " created by alice until 2026-11-24T06:00:00Z",
		"fingerprint=" + hexd(16) + " status=firing",
		"groupKey: {}:{alertname=\"DiskFull\", instance=\"vulcan:9100\"}",
		"acked by @alice:example.org in !AbCdEfGhIjKlMnOpQr:example.org",
		"event $" + f.of(urlset, 43) + " redacted",
		"key: $" + f.of(urlset, 43),
		"https://matrix.to/#/@alice:example.org and https://matrix.to/#/!room:example.org?via=example.org",
		"TOTP step-up: burnt codes are refused; send the six digits with `approve`.",
		"[redacted: password] and [redacted: slack-token]",
		"password: [redacted: password]\ntoken=[redacted: token], next",
		// Alerts
		"Disk /dev/sda1 on vulcan:9100 is 92.4% full (threshold 90%)",
		"labels: alertname=NodeFilesystemSpaceFillingUp device=/dev/nvme0n1p2 fstype=zfs instance=vulcan:9100 job=node severity=warning",
		`KubePodCrashLooping{secret="grafana-tls", namespace="monitoring", token_type="bearer"}`,
		`up{job="node", secret="alertmanager-main-tls-2026"} == 0`,
		"CertificateExpiry: secret_name=wildcard-tls, 14 days left",
		"http://prometheus:9090/graph?g0.expr=%28node_filesystem_avail_bytes%7Bfstype%3D%22zfs%22%7D+%2F+node_filesystem_size_bytes%29+%2A+100+%3C+10&g0.tab=1",
		"generatorURL: https://prom.example.org/graph?g0.expr=rate%28vault_token_count_total%7Bauth%3D%22approle%22%7D%5B5m%5D%29+%3E+100&g0.tab=1",
		"https://grafana.example.org/d/" + f.of(alnum, 9) + "/node?orgId=1&from=now-6h&to=now&var-instance=vulcan:9100",
		"sum by (key) (rate(redis_keyspace_hits_total[5m])) > 0.5",
		`predict_linear(node_filesystem_avail_bytes{mountpoint="/nix"}[6h], 24*3600) < 0`,
		`rate(apiserver_authentication_attempts{result="failure"}[5m]) > 0.1`,
		`histogram_quantile(0.99, sum(rate(auth_token_request_duration_seconds_bucket[5m])) by (le))`,
		`{token!="", password=~".+"}`,
		"vault_token_count = 1500, vault_secret_kv_count=42, password_failures_total=17",
		"runbook_url: https://runbooks.example.org/alerts/PasswordExpiry",
		"description: The token of the deploy user expires in 3 days.",
		// systemd and journals
		"● nginx.service - Nginx Web Server\n     Loaded: loaded (/etc/systemd/system/nginx.service; enabled; preset: ignored)\n     Active: active (running) since Sun 2026-11-22 03:12:44 UTC; 1 day 15h ago\n   Main PID: 1234 (nginx)\n     Memory: 12.3M (peak: 20.1M)\n     CGroup: /system.slice/nginx.service\n             ├─1234 \"nginx: master process /nix/store/" + nix() + "-nginx-1.28.0/bin/nginx -c /etc/nginx.conf\"",
		"Invocation: " + hexd(32),
		"systemd-ask-password-wall.path: Deactivated successfully.",
		"systemd[1]: Started Dispatch Password Requests to Console.",
		"systemd[1]: systemd-ask-password-console.service: Consumed 12ms CPU time.",
		"Nov 23 19:03:11 vulcan sshd[812]: Accepted publickey for alice from 10.0.0.7 port 50122 ssh2: ED25519 SHA256:" + f.of(b64set, 43),
		"Nov 23 19:03:11 vulcan sshd[812]: Failed password for invalid user admin from 203.0.113.9 port 41022 ssh2",
		"sshd[812]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9",
		"sudo[99]:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/run/current-system/sw/bin/zpool status",
		"systemd-logind[700]: New session 42 of user alice.",
		"session=42 user=alice seat=seat0",
		"kernel: audit: type=1106 audit(1763924591.123:456): pid=812 uid=0 auid=1000 ses=42 msg='op=PAM:session_close acct=\"alice\"'",
		"dovecot: auth: Error: passwd-file /etc/dovecot/users: stat() failed",
		"postgres[55]: FATAL:  password authentication failed for user \"bob\"",
		"ERROR: password: authentication failed",
		"postfix/smtpd[9]: warning: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
		"matrix-synapse: M_UNKNOWN_TOKEN: Invalid access token passed.",
		"token: expired, refresh token: missing",
		"LoadCredential=db:/run/secrets/db",
		"Environment=RESTIC_PASSWORD_FILE=/run/secrets/restic PGPASSFILE=%d/pgpass",
		"ExecStart=/nix/store/" + nix() + "-app/bin/app --password-file=/run/credentials/app.service/pw --token-file /run/secrets/tok",
		"AUTH_TOKEN=${AUTH_TOKEN} DB_PASSWORD=$DB_PASSWORD",
		"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,task=postgres,pid=55,uid=71",
		"br0: port 1(enp3s0) entered forwarding state, link 3c:ec:ef:12:34:56, fe80::3eec:efff:fe12:3456/64",
		// zfs, restic
		"  pool: tank\n state: ONLINE\n  scan: scrub repaired 0B in 05:12:33 with 0 errors on Sun Nov  9 05:36:34 2026\nconfig:\n\n\tNAME                                     STATE     READ WRITE CKSUM\n\ttank                                     ONLINE       0     0     0\n\t  raidz2-0                               ONLINE       0     0     0\n\t    ata-WDC_WD80EFAX-68LHPN0_7SGK1ABC    ONLINE       0     0     0\n\t    wwn-0x5000cca25ecf1234-part1         ONLINE       0     0     0\n\nerrors: No known data errors",
		"tank  guid  1234567890123456789  -",
		"tank/secret  encryption  aes-256-gcm\ntank/secret  keyformat  passphrase\ntank/secret  keylocation  file:///run/secrets/zfs\ntank/secret  keystatus  available",
		"repository " + hexd(10) + " opened (version 2, compression level auto)\nsnapshot " + hexd(8) + " saved",
		"Fatal: wrong password or no key found",
		"ID        Time                 Host    Tags  Paths\n" + hexd(8) + "  2026-11-22 03:00:01  vulcan        /home\n1 snapshots",
		`{"message_type":"summary","files_new":12,"data_added":1048576,"snapshot_id":"` + hexd(64) + `"}`,
		"load pack " + hexd(64) + " failed: Hash check failed",
		"key ID: " + hexd(8) + ", current key: yes",
		// nix
		"building '/nix/store/" + nix() + "-nixos-system-vulcan-26.05.drv'...",
		"copying path '/nix/store/" + nix() + "-openssl-3.5.1' from 'https://cache.nixos.org'...",
		"warning: ignoring substitute: signature by key 'cache.nixos.org-1' is missing",
		"trusted-public-keys = cache.nixos.org-1:" + f.key(32),
		"key: cache.example.org-1:" + f.key(32),
		"hash mismatch in fixed-output derivation: specified: sha256-" + f.key(32) + " got: sha256-" + f.key(32),
		"error: hash: sha256:" + f.of(nixset, 52),
		"rev " + hexd(40) + " narHash sha256-" + f.key(32),
		"activating the configuration...\nsetting up /etc...\nreloading the following units: dbus.service\nrestarting the following units: sshd.service",
		"services.postgresql.authentication = \"local all all peer\";",
		"users.users.alice.openssh.authorizedKeys.keys = [ \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + f.of(b64set, 43) + " alice@laptop\" ];",
		"sops.secrets.\"matrix/token\" = { owner = \"bot\"; };",
		"passwordFile = config.sops.secrets.db.path; hashedPasswordFile = \"/run/secrets/alice\";",
		"password = \"<password>\"; token = \"{{ .Token }}\"; secret: \"********\"",
		"- 71 packages (secret-service, password-store 1.7.4 → 1.7.4-1, keyutils 1.6.3)",
		// podman, git, keys that are public
		"docker.io/library/redis@sha256:" + hexd(64),
		"docker://registry.example.org:5000/app:1.2.3@sha256:" + hexd(64) + " docker://alpine:3.19@sha256:" + hexd(64),
		"getsentry/sentry sha256:" + hexd(64) + " sourcegraph " + hexd(40),
		"CONTAINER ID  IMAGE  STATUS\n" + hexd(12) + "  ghcr.io/example/app:latest  Up 3 days (healthy)",
		"commit " + hexd(40) + "\nAuthor: Alice <alice@example.org>",
		"git@github.com:example/repo.git, ssh://git@example.org:2222/x.git",
		"public key: " + f.key(32) + "\nprivate key: (hidden)\nlistening port: 51820",
		"peer: " + f.key(32) + "\n  preshared key: (hidden)\n  endpoint: 203.0.113.7:51820",
		"PublicKey = " + f.key(32),
		"-----BEGIN CERTIFICATE-----\n" + f.of(b64set, 64) + "\n-----END CERTIFICATE-----",
		"Recipient: age1" + strings.ToLower(f.of(bechset, 58)),
		"gpg: using RSA key " + strings.ToUpper(hexd(40)),
		"api: v2, auth: required, access: granted, credentials: 3",
		"--- PASS: TestHidden (0.01s)",
		"basic authentication failed; bearer of bad news: Bearer tokens are not supported",
		"https://example.org:8443/path@2x.png?token_type=x#frag",
		"monkey=banana turkey: sandwich keyboard=us hockey: won",
		"Enter password: \nthe password is correct, the passphrase is asked at boot; password for bob: changed",
		"the secret: do not panic. The password is asked on the console.",
		"key: flake-inputs-" + hexd(40) + " forKey: NSURLIsExcludedFromBackupKey",
		"Authorization: requires the role of an approver. An *Authorization: Bearer* header is missing.",
		"href=\"#Top\" accesskey=\"n\" id-token: write `<secret>`: a text; `ansi-html-community`: 0.0.8",
		"<password></password> smtp_auth_password: ''\n  smtp_hello: ''",
		"integrity sha512-" + f.of(b64set, 83) + "Pw==\",\n \"dev\": true",
		"cache key: users/alice/index-2026.html",
		"machine vulcan is up; curl https://example.org/health -o /dev/null",
		"cookie: required; community: NixOS; seed: 42; otp: required",
		"{\"token\":null,\"password\":\"\",\"apiKey\":false,\"secret\":{}}",
	}
}

func TestKept(t *testing.T) {
	r := newTest(t, Options{})
	rows := negatives()
	if len(rows) < 60 {
		t.Errorf("only %d rows", len(rows))
	}
	for _, in := range rows {
		if out, found := stable(t, r, in); out != in {
			t.Errorf("%v\n in %q\nout %q", found, in, out)
		}
	}
	whole := strings.Join(rows, "\n")
	if out, found := stable(t, r, whole); out != whole {
		t.Errorf("together: %v", found)
	}
}

// Without their prefixes, ids are nothing special; a key of that shape is hidden.
func TestPrefixes(t *testing.T) {
	id := "ses_" + newFaker(4).of(b32set, 26)
	if out, _ := stable(t, newTest(t, Options{}), "key="+id); strings.Contains(out, id) {
		t.Errorf("an id of nobody was exempt: %q", out)
	}
	if out, _ := stable(t, newTest(t, Options{IDPrefixes: []string{"ses_"}}), "key="+id); !strings.Contains(out, id) {
		t.Errorf("an id of ours was hidden: %q", out)
	}
}
