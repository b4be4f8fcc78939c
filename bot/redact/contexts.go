package redact

// contexts are places where a secret stands without a key and a sign before
// it: headers, command lines, configuration with words as separators. The
// value is what the group s takes.
var contexts = []pattern{
	{name: "authorization", words: []string{"bearer"},
		expr: `(?i)\bbearer(?:\s+|%20|\+)(?P<s>[A-Za-z0-9._~+/-]{8,}=*)`, keep: notRandom},
	{name: "authorization", words: []string{"basic"},
		expr: `(?i)\bbasic (?P<s>[A-Za-z0-9+/_-]{8,}=*)`, keep: notBasic},
	{name: "systemd-credential", words: []string{"setcredential"},
		expr: `(?i)\bSetCredential(?:Encrypted)?=\s*[^\s:=]+:(?P<s>(?:[^\n\\]|\\(?s:.))+)`},
	{name: "snmp-community", words: []string{"community"},
		expr: `(?i)\b(?:(?:ro|rw|trap)community6?|snmp-server community)[ \t]+"?(?P<s>[^\s"]+)`},
	{name: "snmp-community", words: []string{"com2sec", "com2sec6"},
		expr: `(?i)\bcom2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+[ \t]+"?(?P<s>[^\s"]+)`},
	{name: "snmp-community", words: []string{"snmp"},
		expr: `(?i)\bsnmp(?:b?walk|b?get|getnext|set|trap|inform|table|status|df)\b[^\n]*?[ \t]-c[ \t]*["']?(?P<s>[^\s"']+)`},
	// The two are apart: in one expression each match of the second would look for the
	// first up to the end of the line.
	{name: "snmp-password", words: []string{"snmp"},
		expr: `(?i)\bsnmp[a-z]*\b[^\n]*?[ \t]-[AX][ \t]+["']?(?P<s>[^\s"']+)`},
	{name: "snmp-password", words: []string{"createuser"},
		expr: `(?i)\bcreateUser[ \t]+\S+[ \t]+(?:MD5|SHA\S*)[ \t]+["']?(?P<s>[^\s"']+)`},
	{name: "netrc-password", words: []string{"machine"},
		expr: `(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<s>\S+)`},
	{name: "command-line-password", words: []string{"curl"},
		expr: `\bcurl\b[^\n]*?[ \t](?:-u|-U|--user|--proxy-user)(?:=|[ \t]+)?["']?[^\s"':]*:(?P<s>[^\s"']+)`},
	{name: "command-line-password", words: []string{"sshpass", "mysql", "mariadb"},
		expr: `\b(?:sshpass|mysql\w*|mariadb[\w-]*)\b[^\n]*?[ \t]-p["']?(?P<s>[^\s"']+)`},
	{name: "command-line-password", words: []string{"sshpass"},
		expr: `\bsshpass[ \t]+-p[ \t]+(?:"(?P<s>[^"\n]+)"|'(?P<s>[^'\n]+)'|(?P<s>\S+))`},
	{name: "command-line-password", words: []string{"redis-cli"},
		expr: `\bredis-cli\b[^\n]*?[ \t]-a[ \t]+["']?(?P<s>[^\s"']+)`},
	{name: "command-line-password", words: []string{"ldap"},
		expr: `\bldap(?:search|modify|add|delete|whoami|passwd)\b[^\n]*?[ \t]-w[ \t]*["']?(?P<s>[^\s"']+)`},
	{name: "command-line-password", words: []string{"pass:"},
		expr: `[ \t]-(?:pass|passin|passout|password)[ \t]+["']?pass:(?P<s>[^\s"']+)`},
	{name: "command-line-password", words: []string{"ipmitool"},
		expr: `\bipmitool\b[^\n]*?[ \t]-P[ \t]*["']?(?P<s>[^\s"']+)`},
	{name: "command-line-password", words: []string{"chpasswd"},
		expr: `["'][\w.-]+:(?P<s>[^"'\n]+)["'][ \t]*\|[ \t]*(?:sudo[ \t]+)?chpasswd`},
	{name: "password", words: []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "api_key"}, // lists of variables
		expr: `(?i)\b(?:name|key)["']?[ \t]*[:=][ \t]*["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api_?key)["']?[ \t]*,?\s*["']?value["']?[ \t]*[:=][ \t]*(?:"(?P<s>[^"\n]+)|'(?P<s>[^'\n]+)|(?P<s>[^\s"',}]+))`, keep: placeholder},
	{name: "password", words: []string{"password", "passphrase", "passcode"}, // prose
		expr: `(?i)\bpass(?:word|phrase|code)[ \t]+(?:for[ \t]+\S+[ \t]+)?(?:is|was)(?:[ \t]+now|[ \t]+set[ \t]+to)?:?[ \t]+["'\x60]?(?P<s>[^\s"'\x60]+)`, keep: proseWord},
	{name: "password", words: []string{"password for", "passphrase for"},
		expr: `(?i)\bpass(?:word|phrase) for \S+: (?P<s>\S+)`, keep: placeholder},
	{name: "sql-password", words: []string{"identified"},
		expr: `(?i)\bidentified[ \t]+(?:with[ \t]+\S+[ \t]+)?(?:by|as)[ \t]+(?:password[ \t]+)?["'](?P<s>[^"'\n]+)`},
	{name: "dsn-password", words: []string{"@tcp(", "@unix(", "@udp("},
		expr: `[\w.-]*:(?P<s>[^\s/"'\x60]+)@(?:tcp|unix|udp)\(`},
	{name: "url-password", words: []string{"%3a%2f%2f"},
		expr: `(?i)%3A%2F%2F[^%\s&]*%3A(?P<s>[^\s&"']+?)%40`},
	{name: "webhook-url", words: []string{"/hooks/", "/webhook/", "/webhooks/", "/wh/"},
		expr: `(?i)://[^\s"'<>/]+/(?:[\w./-]{0,60}/)?(?:hooks|webhooks?|wh)/(?P<s>[\w./-]{16,})`, keep: plainPath},
	{name: "nix-access-token", words: []string{"access-tokens"},
		expr: `(?i)\baccess-tokens[ \t]*=[ \t]*["']?(?P<s>[^\s"'=]+=[^\n"']+)`},
}

// notRandom tells whether what follows "bearer" is a word of prose.
func notRandom(s string) bool { return mask(s) || !random(s, 8) }

// notBasic tells whether what follows "basic" is not user:password in base64.
func notBasic(s string) bool { return !basicAuth(s) }

// proseWord tells whether what follows "the password is" goes on in prose.
func proseWord(s string) bool { return placeholder(s) || ordinary(s) }
