package redact

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
)

// shapes are secrets that are known by their looks, and that gitleaks misses,
// or takes only whole: what is quoted in an error is often cut. They stand
// for themselves, so nothing exempts them.
var shapes = []pattern{
	{name: "slack-token", words: []string{"xox", "xapp-", "xwfp-"},
		expr: `\b(?:xox[a-z](?:\.xox[a-z])?|xapp|xwfp)-[A-Za-z0-9%._-]{8,}`},
	{name: "matrix-token", words: []string{"syt_", "syr_", "syl_"},
		expr: `\bsy[trl]_[A-Za-z0-9+/=_-]{12,}`},
	{name: "matrix-token", words: []string{"mct_", "mcr_", "mat_", "mar_", "mua_"},
		expr: `\bm(?:ct|cr|at|ar|ua)_[A-Za-z0-9]{16,}(?:_[A-Za-z0-9]{4,8})?\b`},
	{name: "matrix-token", words: []string{"mdax"},
		expr: `\bMDAx[A-Za-z0-9_-]{40,}`},
	{name: "jwt", words: []string{"eyj"},
		expr: `\beyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,4}`},
	{name: "age-secret-key", words: []string{"age-secret-key-"},
		expr: `(?i)\bAGE-SECRET-KEY-(?:[A-Z]{2,4}-)?1[A-Z0-9]{8,}`},
	{name: "password-hash", words: []string{"$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$gy$", "$argon2", "$scrypt$", "$apr1$", "$pbkdf2", "$sha1$"},
		expr: `\$(?:1|2[abxy]?|5|6|7|y|gy|argon2(?:id|i|d)|scrypt|apr1|sha1|pbkdf2(?:-sha\d+)?)\$[./A-Za-z0-9$=,+-]{8,}`},
	{name: "password-hash", words: []string{"scram-sha-"},
		expr: `\bSCRAM-SHA-\d+\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=:]+`},
	{name: "password-hash", words: []string{"{ssha", "{sha", "{crypt}", "{smd5}", "{md5}", "{pbkdf2"},
		expr: `(?i)\{(?:S?SHA\d*|CRYPT|S?MD5|PBKDF2[A-Z0-9-]*)\}[./A-Za-z0-9$=,+-]{13,}`},
	{name: "password-hash", words: []string{"md5"}, // PostgreSQL writes no sign between
		expr: `\bmd5[0-9a-f]{32}\b`},
	{name: "backblaze-key", words: []string{"k00"},
		expr: `\bK00\d[A-Za-z0-9+/]{27}\b`},
	{name: "bedrock-key", words: []string{"bedrock-api-key-"},
		expr: `\bbedrock-api-key-[A-Za-z0-9+/=_-]{16,}`},
	{name: "tailscale-key", words: []string{"tskey-"},
		expr: `\btskey-[a-z]+-[A-Za-z0-9-]{8,}`},
	{name: "vendor-token", words: []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "dckr_pat_", "sk-ant-", "sk-proj-", "hvs.", "npm_", "pypi-ag", "glsa_", "hf_", "sbp_", "atatt3"},
		expr: `\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|dckr_pat_[\w-]{16,}|sk-(?:ant|proj)-[\w-]{16,}|hvs\.[\w-]{20,}|npm_[A-Za-z0-9]{20,}|pypi-Ag[\w-]{20,}|glsa_[A-Za-z0-9]{20,}|hf_[A-Za-z]{24,}|sbp_[0-9a-f]{24,}|ATATT3[\w=-]{24,})`},
	{name: "wireguard-key", words: []string{"off", "0x"}, // wg show dump: private and public key, port, mark
		expr: `(?:^|[\t ]|\n)(?P<s>[A-Za-z0-9+/]{43}=)[\t ]+[A-Za-z0-9+/]{43}=[\t ]+\d{1,5}[\t ]+(?:off|0x[0-9a-f]+)`},
	{name: "nix-signing-key", words: []string{"=="},
		expr: `\b[A-Za-z0-9._-]{1,100}-\d+:(?P<s>[A-Za-z0-9+/]{86}==)`, keep: notSigningKey},

	// URLs that are secrets themselves.
	{name: "slack-webhook", words: []string{"hooks.slack.com", "hooks.slack-gov.com"},
		expr: `hooks\.slack(?:-gov)?\.com(?:/|\\/|%2F)(?:services|workflows|triggers)(?:/|\\/|%2F)(?P<s>[A-Za-z0-9+/\\%_-]+)`},
	{name: "discord-webhook", words: []string{"webhooks"},
		expr: `(?i)discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/(?P<s>[\w-]+)`},
	{name: "teams-webhook", words: []string{"webhook.office.com", "logic.azure.com"},
		expr: `(?i)(?:webhook\.office\.com/webhookb2|logic\.azure\.com(?::443)?/workflows)/(?P<s>[^\s"'<>\x60]+)`},
	{name: "telegram-token", words: []string{"/bot"},
		expr: `/bot(?P<s>\d{5,16}:[\w-]{20,})`},
	{name: "telegram-token", words: []string{":aa"},
		expr: `\b(?P<s>\d{8,12}:AA[\w-]{30,40})\b`},
	{name: "ping-url", words: []string{"hc-ping.com/", "/ping/", "cronitor.link/", "betterstack.com/"},
		expr: `(?i)(?:hc-ping\.com|://[^\s"'<>/]+/ping|cronitor\.link/p|uptime\.betterstack\.com/api/v1/heartbeat)/(?P<s>[0-9a-f]{8}-[0-9a-f-]{27}|[\w-]{16,})`},
	{name: "totp-seed", words: []string{"otpauth"},
		expr: `(?i)otpauth(?:-migration)?:\\?/\\?/[^\s"'<>]*?(?:[?&]|%3F|%26|&amp;)(?:secret|data)(?:=|%3D)(?P<s>[^\s&"'<>]+)`},
}

// notSigningKey tells whether 64 bytes are no secret key of Nix. A signature,
// which nix path-info prints by the hundred, looks the same; but in an Ed25519
// secret key the second half follows from the first, and can be computed.
func notSigningKey(s string) bool {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != ed25519.PrivateKeySize {
		return false
	}
	return string(ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])) != string(raw)
}

// plainPath tells whether a URL's path is made of words.
func plainPath(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if random(part, 16) {
			return false
		}
	}
	return true
}

// ownRules are all rules of this package but gitleaks'.
func ownRules() []*rule {
	rules := []*rule{
		{name: "private-key", rank: rankBlock, words: pemWords, find: findPEM},
		{name: "url-password", rank: rankContext, words: urlWords, find: findURLs},
		{name: "secret", rank: rankContext, words: keyWords, find: findAssigned},
	}
	for _, p := range shapes {
		p.rank = rankShape
		rules = append(rules, p.rule())
	}
	for _, p := range contexts {
		p.rank = rankContext
		rules = append(rules, p.rule())
	}
	return rules
}
