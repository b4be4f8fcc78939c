package redact

import "strings"

// keyWords wake the search for keys with values: each key that counts holds one.
var keyWords = []string{"pass", "pwd", "pw", "secret", "token", "key", "credential", "creds", "auth", "cookie", "community", "psk", "session", "sid", "otp", "seed", "mnemonic", "sig", "access"}

// level is how sure a key is that its value is secret.
type level int8

const (
	none level = iota
	// vague: only a long random string is hidden ("key", "auth").
	vague
	// likely: a string that does not look like a word, path or count is hidden ("token").
	likely
	// sure: anything but a placeholder is hidden ("password").
	sure
)

// kind is what a key says of its value.
type kind struct {
	level level
	name  string // of the marker
	least int    // shortest value that counts, at the level likely
	line  bool   // the value goes to the end of the line (headers)
}

// aboutWords end keys that are about a secret and do not hold it: passwordFile,
// token_type, systemd-ask-password-wall.service, key_count.
var aboutWords = set(`file files path paths dir directory folder name names kind type types typ length len size count counts
	total totals sum bucket age expiry expire expires expired expiration ttl lifetime timeout policy policies rotation
	rotated version hint prompt manager store storage field fields algorithm algo alg required enabled disabled ref refs
	reference env var variable mode max min limit limits seconds bytes ratio rate uri endpoint host port user username
	owner group fingerprint digest checksum sha256 command cmd protection changed updated created valid validity invalid
	status state error errors failure failures failed attempts method methods authentication encryption service socket
	timer target mount slice scope device unit agent helper url urls id ids format usage strength reset expired policy
	template label description help info index position offset number num layout map binding bindings combination
	board stroke chain ring pair pairs space usage server provider backend issuer audience lookup check checks`)

// passWords are the last words of keys that are sure to hold a password.
var passWords = map[string]string{
	"password": "password", "passwd": "password", "passwort": "password", "pwd": "password", "pw": "password", "passcode": "password",
	"passphrase": "passphrase", "psk": "preshared-key", "presharedkey": "preshared-key", "privatekey": "private-key",
	"apikey": "api-key", "secretkey": "secret-key", "accesskey": "secret-key", "authkey": "secret-key", "masterkey": "secret-key",
	"accesstoken": "token", "authtoken": "token", "apitoken": "token", "clientsecret": "secret", "sharedsecret": "secret",
	"mnemonic": "seed",
}

// keyQualifiers before "key" make it one that is sure to be secret.
var keyQualifiers = map[string]string{
	"private": "private-key", "preshared": "preshared-key", "shared": "preshared-key", "api": "api-key", "secret": "secret-key", "access": "secret-key",
	"account": "secret-key", "auth": "secret-key", "encryption": "secret-key", "signing": "secret-key", "master": "secret-key",
	"application": "secret-key", "session": "secret-key", "hmac": "secret-key", "aes": "secret-key", "wg": "private-key", "recovery": "secret-key",
	"service": "secret-key", "storage": "secret-key", "cookie": "secret-key", "jwt": "secret-key", "license": "secret-key", "app": "api-key",
}

// openQualifiers before "key" or "token" make it no secret.
var openQualifiers = set(`public pub next page prev previous continue continuation sync since batch resume bucket primary foreign
	partition sort cache idempotency dedup lock group invalid unexpected bad trusted authorized known host`)

// tokenSpaced are the words that may stand before "token", "secret" or "code"
// with a space between, as people write them.
var tokenSpaced = set(`access refresh api auth authentication bearer id session bot login security registration bootstrap join csrf app
	user service client shared webhook deploy device private root admin vault slack matrix github gitlab`)

// neutralWords may stand between the telling word and the sign.
var neutralWords = set(`value data string plain plaintext text b64 base64 raw old new current hash hashed backup prod dev test confirm
	confirmation again repeat encoded default root admin base main primary secondary literal`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// classify tells what a key says of its value. before is the word before the
// key if only a space lies between; query tells that the key stands in a URL's query.
func classify(id, before string, query bool) kind {
	parts := splitKey(id)
	if len(parts) == 0 {
		return kind{}
	}
	last := parts[len(parts)-1]
	if len(parts) == 1 && before != "" {
		if openQualifiers[before] {
			return kind{}
		}
		if last == "key" && keyQualifiers[before] != "" || (last == "token" || last == "secret") && tokenSpaced[before] {
			parts = []string{before, last}
		}
	}
	caps := strings.ToUpper(id) == id
	// secret_id is Vault's; other ids, files and counts are about a secret.
	if last == "id" && len(parts) > 1 && parts[len(parts)-2] == "secret" {
		return kind{level: sure, name: "secret"}
	}
	if last == "id" && len(parts) > 1 && parts[len(parts)-2] == "session" {
		return kind{level: likely, name: "session", least: 16}
	}
	if aboutWords[last] && len(parts) > 1 {
		return kind{}
	}
	for len(parts) > 1 && neutralWords[last] {
		parts = parts[:len(parts)-1]
		last = parts[len(parts)-1]
	}
	prior := ""
	if len(parts) > 1 {
		prior = parts[len(parts)-2]
	}
	if k := classifyLast(last, prior, query); k.level != none {
		return k
	}
	// DB_PASSWORD_GRAFANA, TOKEN_SLACK: the telling word may stand first.
	for i, p := range parts[:len(parts)-1] {
		if name := passWords[passStem(p)]; name == "password" || name == "passphrase" {
			return kind{level: sure, name: name}
		}
		if caps && (p == "token" || p == "secret" || p == "apikey") {
			return kind{level: likely, name: p, least: 6}
		}
		if p == "api" && parts[i+1] == "key" || p == "secret" && parts[i+1] == "key" {
			return kind{level: likely, name: "api-key", least: 6}
		}
	}
	return kind{}
}

// classifyLast judges by the last word of a key and the one before it.
func classifyLast(last, prior string, query bool) kind {
	if name := passWords[passStem(last)]; name != "" {
		return kind{level: sure, name: name}
	}
	switch last {
	case "pass":
		if prior != "" {
			return kind{level: sure, name: "password"}
		}
		return kind{level: likely, name: "password", least: 4}
	case "token", "secret":
		switch {
		case openQualifiers[prior]:
			return kind{}
		case prior != "":
			return kind{level: sure, name: last}
		}
		return kind{level: likely, name: last, least: 6}
	case "tokens":
		if prior == "access" {
			return kind{level: sure, name: "token"}
		}
	case "key":
		switch name := keyQualifiers[prior]; {
		case openQualifiers[prior]:
			return kind{}
		case name != "":
			return kind{level: sure, name: name}
		case query:
			return kind{level: likely, name: "key", least: 16}
		}
		return kind{level: vague, name: "key"}
	case "auth", "creds", "credential", "credentials", "access":
		return kind{level: vague, name: "credential"}
	case "authorization", "authorisation":
		return kind{level: sure, name: "authorization", line: true}
	case "cookie":
		if prior == "" || prior == "set" {
			return kind{level: sure, name: "cookie", line: true}
		}
		return kind{level: likely, name: "cookie", least: 12}
	case "community":
		if prior == "snmp" || prior == "ro" || prior == "rw" || prior == "trap" || prior == "read" || prior == "write" {
			return kind{level: sure, name: "snmp-community"}
		}
		return kind{level: likely, name: "snmp-community", least: 6}
	case "session", "sessionid", "sid", "sess":
		return kind{level: likely, name: "session", least: 16}
	case "otp", "totp":
		return kind{level: likely, name: "one-time-code", least: 6}
	case "seed":
		return kind{level: likely, name: "seed", least: 16}
	case "sig", "signature":
		if query {
			return kind{level: likely, name: "signature", least: 16}
		}
	}
	return kind{}
}

// passStem takes what is written together before a password: PGPASSWORD, sshpass.
func passStem(w string) string {
	for _, stem := range [...]string{"password", "passwd", "passphrase", "secretkey", "privatekey", "apikey"} {
		if strings.HasSuffix(w, stem) {
			return stem
		}
	}
	switch w {
	case "sshpass", "dbpass", "userpass", "bindpass", "rootpass", "adminpass", "keypass", "storepass":
		return "password"
	case "dbpw", "rootpw", "userpw", "bindpw", "ldappw", "mysqlpwd":
		return "pw"
	}
	return w
}

// splitKey splits a key into lower-case words, at signs and at humps: APIKey,
// db_password, X-Auth-Token. Of a very long key only the end counts.
func splitKey(id string) []string {
	if len(id) > 128 {
		id = id[len(id)-128:]
	}
	var parts []string
	start := 0
	flush := func(end int) {
		if w := strings.TrimRight(id[start:end], "0123456789"); w != "" {
			parts = append(parts, strings.ToLower(w))
		}
		start = end
	}
	for i := range len(id) {
		switch c := id[i]; {
		case !wordByte(c) || c == '_':
			flush(i)
			start = i + 1
		case i > start && upper(c) && (lower(id[i-1]) || digit(id[i-1])),
			i > start && upper(c) && i+1 < len(id) && lower(id[i+1]):
			flush(i)
		}
	}
	flush(len(id))
	return parts
}
