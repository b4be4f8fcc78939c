package redact

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// hidden is a text with a secret in the place of «». rule must fire; keep must stay readable.
type hidden struct {
	rule   string
	text   string
	secret string
	keep   string
}

func positives() []hidden {
	f := newFaker(1)
	pw := f.password
	tok := func() string { return f.of(alnum, 32) }
	totp := func() string { return f.of(b32set, 32) }
	jwt := func() string {
		enc := base64.RawURLEncoding.EncodeToString
		return enc([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc([]byte(`{"sub":"`+f.of(alnum, 12)+`"}`)) + "." + f.of(urlset, 43)
	}
	shadow := "$" + "6" + "$" + f.of(alnum, 12) + "$" + f.of(alnum, 86)
	yescrypt := "$" + "y" + "$j9T$" + f.of(alnum, 22) + "$" + f.of(alnum, 43)
	id := "thr_" + f.of(b32set, 26)
	return []hidden{
		// URLs
		{"postgres-password", "dial postgres://bob:«»@db.internal:5432/app?sslmode=disable failed", pw(), "postgres://bob:"},
		{"postgres-password", "postgresql://bob:«»@db/app", "p@ss/w0rd#" + f.of(alnum, 6), "@db/app"},
		{"postgres-password", "postgres://bob:«»@db/app", "ab/" + f.of(alnum, 9), "@db/app"},
		{"mysql-password", "mysql://root:«»@10.0.0.5/wiki", pw(), "@10.0.0.5/wiki"},
		{"redis-password", "redis://:«»@localhost:6379/0", tok(), "localhost:6379"},
		{"amqp-password", `{"url":"amqp://guest:«»@rabbit/vhost"}`, pw(), "rabbit"},
		{"mongodb-password", "mongodb+srv://u:«»@cluster.example.net", tok(), "cluster.example.net"},
		{"url-password", "restic -r rest:https://vulcan:«»@backup.example:8000/vulcan check", pw(), "@backup.example:8000"},
		{"url-password", "fatal: unable to access 'https://git:«»@git.example.org/x.git/'", tok(), "git.example.org"},
		{"url-password", "sftp://u:«»@h/ and more", pw(), "and more"},
		{"url-password", `"http:\/\/u:«»@h\/path"`, pw(), `h\/path`},
		{"url-token", "https://«»@o1.ingest.example/42", f.of(hexset, 32), "o1.ingest.example"},
		{"url-password", "target=http%3A%2F%2Fu%3A«»%40host%2F", pw(), "host"},
		{"dsn-password", "bob:«»@tcp(127.0.0.1:3306)/app", pw(), "127.0.0.1"},
		// Keys and values
		{"password", "password=«»", pw(), ""},
		{"password", "password=«» next", pw(), "next"},
		{"password", "passwd: «»", pw(), ""},
		{"password", "pwd=«»&user=bob", pw(), "user=bob"},
		{"password", "host=db user=bob password=«» dbname=x", pw(), "dbname=x"},
		{"password", "host=db password='«»' dbname=x", "it is " + pw(), "dbname=x"},
		{"password", `{"user":"bob","password":"«»","n":1}`, pw(), `"n":1`},
		{"password", `{"Password": "«»"}`, `a\"b ` + pw(), `"}`},
		{"password", `msg="{\"password\":\"«»\",\"user\":\"bob\"}"`, pw(), "bob"},
		{"password", `level=info msg="x" db_password=«» ok=true`, pw(), "ok=true"},
		{"password", "  password: «»\n  user: bob", "correct horse battery staple", "user: bob"},
		{"password", "  password: '«»' # note\n", pw(), "# note"},
		{"password", "password: |\n  «»\nuser: bob", "line one\n  line two", "user: bob"},
		{"password", "password:\n    «»\nuser: bob", pw(), "user: bob"},
		{"password", "users.users.bob.initialPassword = \"«»\";", pw(), "users.users.bob"},
		{"password", "users.users.bob.password = lib.mkForce \"«»\";", pw(), ""},
		{"password", "password = ''\n  «»\n'';", pw() + " " + pw(), "'';"},
		{"password-hash", "hashedPassword = \"«»\";", yescrypt, "hashedPassword"},
		{"password", "Server=db;User Id=sa;Password=«»;Encrypt=yes", "a;b," + pw(), "Encrypt=yes"},
		{"password", "export PGPASSWORD='«»'", pw(), "export"},
		{"password", "MYSQL_PWD=«» mysqldump x", pw(), "mysqldump"},
		{"password", "RESTIC_PASSWORD=«»", tok(), ""},
		{"password", "environment: -e \"DB_PASS=«»\" -e X=1", pw(), "X=1"},
		{"password", "docker run -e MYSQL_ROOT_PASSWORD=«» mysql", pw(), " mysql"},
		{"password", "--password «» --user bob", pw(), "--user bob"},
		{"password", "--db-password=«» --user bob", pw(), "--user bob"},
		{"password", "map[password:«» user:bob]", pw(), "user:bob]"},
		{"password", "{User:bob Password:«»}", pw(), "}"},
		{"password", "{'user': 'bob', 'password': '«»'}", pw(), "bob"},
		{"password", ":password=>\"«»\"", pw(), ""},
		{"password", "config['password'] = '«»'", pw(), "config"},
		{"password", "<password>«»</password>", pw(), "</password>"},
		{"password", "ALTER ROLE bob WITH PASSWORD '«»';", pw(), "ALTER ROLE bob"},
		{"password", "https://h/login?user=bob&password=«»&next=/", pw(), "next=/"},
		{"password", "body=user%3Dbob%26password%3D«»%26x%3D1", pw(), "x%3D1"},
		{"password", "\x1b[1mpassword\x1b[0m: \x1b[31m«»\x1b[0m", pw(), ""},
		{"password", "password=" + "«»", id, ""}, // context beats the shape of an id
		{"password", "password: «»", f.uuid(), ""},
		{"password", "db password = «»", f.of(hexset, 64), "db"},
		{"password", "DB_PASSWORD_GRAFANA=«»", pw(), ""},
		{"password", "password=[redacted: password]«»", tok(), ""},
		{"password", `"passwords": 3, "password2": "«»"`, pw(), `"passwords": 3`},
		{"passphrase", "passphrase=«»", pw(), ""},
		{"passphrase", "wpa_passphrase=«»", pw(), ""},
		{"secret", "client_secret: «»", tok(), ""},
		{"secret", "webhookSecret = \"«»\"", tok(), ""},
		{"secret", "vault write secret_id=«»", f.uuid(), "vault write"},
		{"secret", "secret=«»", "hunter" + "2", ""},
		{"secret-key", "AWS_SECRET_ACCESS_KEY=«»", f.of(b64set, 40), ""},
		{"secret-key", "B2_ACCOUNT_KEY=«»", f.of(hexset, 40), ""},
		{"backblaze-key", "authorization failed for «» in bucket", "K00" + "1" + f.of(b64set, 27), "in bucket"},
		{"secret-key", "secret_key_base: «»", f.of(hexset, 64), ""},
		{"api-key", "apiKey=«»", tok(), ""},
		{"api-key", "\"api_key\": \"«»\"", tok(), ""},
		{"api-key", "API key: «»", tok(), ""},
		{"api-key", "X-Api-Key: «»", tok(), ""},
		{"key", "ssh_host_key_blob key=«»", f.of(b64set, 40), ""},
		{"key", "https://h/data?key=«»&x=1", tok(), "x=1"},
		{"signature", "https://s3.example/b/o?X-Amz-Signature=«»&x=1", f.of(hexset, 64), "x=1"},
		{"token", "access_token=«»", tok(), ""},
		{"token", "X-Auth-Token: «»", tok(), ""},
		{"token", "X-Vault-Token: «»", "s0" + tok(), ""},
		{"token", "GET /_matrix/client/v3/sync?access_token=«»&since=s12_3", tok(), "since=s12_3"},
		{"token", "token: «»", f.uuid(), ""},
		{"token", "token=«»", id, ""},
		{"token", "//npm.example.org/:_authToken=«»", tok(), "npm.example.org"},
		{"credential", `{"auths":{"ghcr.io":{"auth":"«»"}}}`, base64.StdEncoding.EncodeToString([]byte("bob:" + tok())), "ghcr.io"},
		{"one-time-code", "otp=«»", "493028", ""},
		{"cookie", "Cookie: «»", "session=" + tok() + "; csrf=" + tok(), "Cookie: "},
		{"cookie", "Set-Cookie: «»", "sid=" + tok() + "; Path=/; HttpOnly", ""},
		{"cookie", `{"cookie":"«»"}`, "sid=" + tok(), ""},
		{"session", "session_id=«»", tok(), ""},
		{"snmp-community", "snmp_community: «»", "quartzite", ""},
		{"snmp-community", "rocommunity «» 10.0.0.0/8", "quartzite", "10.0.0.0/8"},
		{"snmp-community", "snmpwalk -v2c -c «» 10.0.0.1", "quartzite", "10.0.0.1"},
		{"snmp-password", "snmpget -v3 -u bob -A «» 10.0.0.1", pw(), "10.0.0.1"},
		// Headers
		{"authorization", "Authorization: Bearer «»", tok(), "Bearer "},
		{"authorization", "Authorization: Basic «»", base64.StdEncoding.EncodeToString([]byte("bob:" + pw())), "Basic "},
		{"authorization", `curl -H "Authorization: Bearer «»" https://h/x`, tok(), "https://h/x"},
		{"authorization", `{"authorization":"Bearer «»","host":"h"}`, tok(), `"host":"h"`},
		{"authorization", "map[Authorization:[Bearer «»] Accept:[*/*]]", tok(), "Accept:[*/*]"},
		{"authorization", "proxy-authorization: «»", tok(), ""},
		{"authorization", "sent bearer «» to the api", tok(), "to the api"},
		// Command lines
		{"command-line-password", "curl -s -u bob:«» https://h", pw(), "https://h"},
		{"command-line-password", "sshpass -p '«»' ssh h", pw(), "ssh h"},
		{"command-line-password", "mysql -u root -p«» wiki", pw(), " wiki"},
		{"command-line-password", "redis-cli -h r -a «» PING", pw(), "PING"},
		{"command-line-password", "openssl rsa -passin pass:«» -in k.pem", "correcthorse", "k.pem"},
		{"sql-password", "CREATE USER bob IDENTIFIED BY '«»'", pw(), "CREATE USER bob"},
		{"command-line-password", "ipmitool -U admin -P «» chassis status", pw(), "chassis status"},
		{"command-line-password", "echo 'bob:«»' | chpasswd", pw(), "chpasswd"},
		{"password", `[{"name":"DB_PASSWORD","value":"«»"}]`, pw(), `"}]`},
		{"password", "- name: DB_PASSWORD\n  value: «»", pw(), "value: "},
		{"password", "the password is «», bob", pw(), "the password is"},
		{"password", "password for bob: «»", pw(), "for bob"},
		{"password", `{"pass":"«»"}`, "correcthorse", ""},
		{"secret", "secret=«»", f.of("ABCDEFGHIJKLMNOP", 16), ""},
		{"password", "mount -o username=bob,password=«»,uid=1000", pw(), "uid=1000"},
		{"password", "argv[]=/bin/x --password «» --foo ; ignore_errors=no", pw(), "--foo"},
		{"netrc-password", "machine h login bob password «»\n", pw(), "login bob"},
		{"systemd-credential", "SetCredential=db:«»", pw(), "db:"},
		// Shapes
		{"slack-token", "slack said invalid_auth for «»", "xox" + "b-" + f.of("0123456789", 12) + "-" + f.of("0123456789", 12) + "-" + f.of(alnum, 24), "invalid_auth"},
		{"slack-token", "«»", "xapp" + "-1-A" + f.of("0123456789", 10) + "-" + f.of("0123456789", 13) + "-" + f.of(hexset, 64), ""},
		{"slack-token", "cookie d is «»", "xox" + "d-" + f.of(alnum, 20) + "%2B" + f.of(alnum, 20), ""},
		{"matrix-token", "M_UNKNOWN_TOKEN «»", "syt" + "_" + f.of(alnum, 8) + "_" + f.of(letters, 20) + "_" + f.of(alnum, 6), "M_UNKNOWN_TOKEN"},
		{"matrix-token", "«»", "mct" + "_" + f.of(alnum, 30) + "_" + f.of(alnum, 6), ""},
		{"jwt", "got «» from dex", jwt(), "from dex"},
		{"jwt", "cut: «»…", jwt()[:60], ""},
		{"age-secret-key", "# created: 2026-01-02\n«»\n", "AGE-SECRET" + "-KEY-1" + f.of(bechset, 58), "# created"},
		{"age-secret-key", "cut «»", "AGE-SECRET" + "-KEY-1" + f.of(bechset, 20), ""},
		{"password-hash", "bob:«»:19700:0:99999:7:::", shadow, ":19700:"},
		{"password-hash", "bob:«»:19700:0:99999:7:::", yescrypt, ":19700:"},
		{"password-hash", "prometheus web: bob: «»", "$" + "2y$10$" + f.of(alnum, 53), ""},
		{"password-hash", "rolpassword | «»", "SCRAM-SHA-256" + "$4096:" + f.key(16) + "$" + f.key(32) + ":" + f.key(32), ""},
		{"private-key", "PrivateKey = «»", f.key(32), ""},
		{"preshared-key", "PresharedKey = «»", f.key(32), ""},
		{"private-key", "  private key: «»", f.key(32), ""},
		{"wireguard-key", "«»\t" + f.key(32) + "\t51820\toff", f.key(32), "51820"},
		{"private-key", "before\n«»\nafter", f.pem("OPENSSH PRIVATE KEY", 5), "after"},
		{"private-key", "before\n«»\nafter", f.pem("RSA PRIVATE KEY", 12), "before"},
		{"private-key", "«»", f.pem("PGP PRIVATE KEY BLOCK", 12), ""},
		{"private-key", `{"key":"«»"}`, strings.ReplaceAll(f.pem("PRIVATE KEY", 4), "\n", `\n`), ""},
		{"private-key", "log cut here\n«»", strings.Join(strings.Split(f.pem("EC PRIVATE KEY", 4), "\n")[:4], "\n"), "log cut here"},
		{"private-key", "«»\nafter", strings.Join(strings.Split(f.pem("EC PRIVATE KEY", 4), "\n")[2:], "\n"), "after"},
		{"private-key", "blob «» end", "b3BlbnNzaC1rZXkt" + "djE" + f.of(b64set, 80), "end"},
		{"totp-seed", "otpauth://totp/vulcan:bob?secret=«»&issuer=vulcan", totp(), "issuer=vulcan"},
		{"totp-seed", "otpauth://totp/x?issuer=y&secret=«»", f.of("ABCDEFGHIJKLMNOP", 16), "issuer=y"},
		{"slack-webhook", "POST https://hooks.slack.com/services/«» 404", "T0" + f.of(b32set, 8) + "/B0" + f.of(b32set, 8) + "/" + f.of(alnum, 24), "hooks.slack.com"},
		{"discord-webhook", "https://discord.com/api/webhooks/123456789012345678/«»", f.of(urlset, 68), "discord.com"},
		{"telegram-token", "https://api.telegram.org/bot«»/sendMessage", "123456789:" + "AA" + f.of(urlset, 33), "sendMessage"},
		{"ping-url", "curl https://hc-ping.com/«»", f.uuid(), "hc-ping.com"},
		{"webhook-url", "https://chat.example.org/hooks/«»", f.of(alnum, 26), "chat.example.org"},
		{"tailscale-key", "tailscale up --with «»", "tskey" + "-auth-" + f.of(alnum, 12) + "-" + f.of(alnum, 24), "tailscale up"},
		{"nix-access-token", "access-tokens = «»", "github.com=" + f.of(alnum, 36), ""},
		{"vendor-token", "remote: denied «»", "ghp" + "_" + f.of(alnum, 36), "remote: denied"},
		{"vendor-token", "remote: denied «»", "ghp" + "_" + f.of(alnum, 20), ""},
		{"aws-access-token", "AWS key «» is bad", "AKIA" + f.of(b32set, 16), "is bad"},
		{"heroku-api-key", "heroku_key: «»", f.uuid(), ""},
		{"stripe-access-token", "«»", "sk" + "_live_" + f.of(alnum, 24), ""},
		{"gcp-api-key", "url?x=«» ", "AI" + "za" + f.of(alnum, 35), ""},
	}
}

func TestHidden(t *testing.T) {
	r := newTest(t, Options{})
	rows := positives()
	if len(rows) < 80 {
		t.Errorf("only %d rows", len(rows))
	}
	// Each secret in its own text, and in the middle of a longer one.
	around := []string{"«text»", "Nov 23 19:03:11 vulcan app[812]: starting\n«text»\nNov 23 19:03:12 vulcan app[812]: done\n"}
	for _, row := range rows {
		for _, frame := range around {
			text := strings.Replace(frame, "«text»", strings.Replace(row.text, "«»", row.secret, 1), 1)
			out, found := stable(t, r, text)
			if part := leaks(out, row.secret); part != "" {
				t.Errorf("%s: %q is still in it\n in %q\nout %q", row.rule, part, text, out)
			}
			if row.keep != "" && !strings.Contains(out, row.keep) {
				t.Errorf("%s: %q was lost\n in %q\nout %q", row.rule, row.keep, text, out)
			}
			if !slices.Contains(found, Finding{row.rule}) {
				t.Errorf("%s: found %v instead\n in %q\nout %q", row.rule, found, text, out)
			}
			if strings.HasPrefix(frame, "Nov") && (!strings.HasPrefix(out, "Nov 23 19:03:11 vulcan app[812]: starting\n") || !strings.HasSuffix(out, "\nNov 23 19:03:12 vulcan app[812]: done\n")) {
				t.Errorf("%s: the lines around it suffered\n in %q\nout %q", row.rule, text, out)
			}
		}
	}
}

// A Nix cache's secret key is told from a signature by computing.
// A secret that begins before its keyword is found wherever an earlier keyword of its
// rule stands.
func TestWindowsThatMeet(t *testing.T) {
	secret := "123456789:AA" + strings.Repeat("xY3", 11)
	r := newTest(t, Options{})
	for n := 1; n < 200; n++ {
		text := ":AA" + strings.Repeat(" ", n) + secret
		if out, _ := r.Redact(text); strings.Contains(out, secret) {
			t.Fatalf("%d blanks between: %q", n, out)
		}
	}
}

func TestNixSigningKey(t *testing.T) {
	r := newTest(t, Options{})
	f := newFaker(3)
	seed := f.bytes(32)
	secret := signingKey(seed)
	out, found := stable(t, r, "cache.example.org-1:"+secret)
	if strings.Contains(out, secret) || len(found) != 1 || found[0].Rule != "nix-signing-key" {
		t.Errorf("%q %v", out, found)
	}
	sig := "Sig: cache.nixos.org-1:" + f.key(64)
	if out, _ := stable(t, r, sig); out != sig {
		t.Errorf("a signature was taken for a key: %q", out)
	}
}

// Values that programs escape in URLs are found there as well.
func TestEscaped(t *testing.T) {
	r := newTest(t, Options{})
	secret := "Sommer" + "2026!x"
	in := "http://prom/graph?g0.expr=" + url.QueryEscape(`up{password="`+secret+`"}`) + "&g0.tab=1"
	out, _ := stable(t, r, in)
	if strings.Contains(out, "2026") || !strings.Contains(out, "g0.tab=1") {
		t.Errorf("%q", out)
	}
}
