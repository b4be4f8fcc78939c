package redact

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fill repeats s up to size bytes.
func fill(s string, size int) string { return strings.Repeat(s, size/len(s)+1)[:size] }

// hostile are texts of some size that a log may hold when whoever writes it wants
// the bot to be slow: each is full of what wakes rules, and of what keeps a rule
// from coming to an end. The randomized ones are the same at every call.
func hostile(size int) map[string]string {
	fill := func(s string) string { return fill(s, size) }
	half := func(s string) string { return fill(s)[:size/2] }
	var words strings.Builder
	r, err := New(Options{})
	if err != nil {
		panic(err) // the built-in rules are whole
	}
	for _, w := range r.words.words {
		words.WriteString(w + "= ")
	}
	return map[string]string{
		"a":            fill("a"),
		"keys":         fill("password"),
		"equals":       fill("password="),
		"colons":       fill("password: "),
		"quotes":       fill(`password="`),
		"nested":       "password=" + fill(`\`) + `"`,
		"escaped json": fill(`{\"token\":\"{\\\"token\\\":\\\"`),
		"token list":   `token=["` + fill(`a","`),
		"urls":         fill("://u:p"),
		"urls at":      fill("x://u:p@"),
		"pem":          fill("-----BEGIN PRIVATE KEY-----\n"),
		"pem ends":     fill("-----END PRIVATE KEY-----\n"),
		"pem words":    fill("private key"),
		"jwt":          fill("eyJ"),
		"jwt dots":     "eyJ" + fill("a.eyJaaaaaaaaaa"),
		"blank":        "password:" + fill(" "),
		"lines":        fill("password:\n"),
		"commas":       "password=" + fill(","),
		"amps":         "password=" + fill("&a"),
		"yaml":         "password: |\n" + fill(" a\n"),
		"markers":      fill("[redacted: password]"),
		"marker heads": fill("[redacted: "),
		"curl":         fill("curl "),
		"bearer":       fill("bearer "),
		"hash":         fill("$6$"),
		"digits":       fill("1:AA"),
		"words":        fill(words.String()),
		"nix keys":     fill("a-1:" + strings.Repeat("A", 86) + "== "),
		"random":       fill(newFaker(7).of(b64set, 5000)),
		"wrapped":      fill("token=" + newFaker(8).of(alnum, 70) + "\n"),
		"invalid":      fill("\xff\xfepassword=\xff "),

		// Keys within the values of keys, which nothing hides.
		"vague":           fill("key="),
		"vague digits":    fill("key=1"),
		"vague escaped":   fill("key%3D"),
		"vague colons":    fill("key:"),
		"vague query":     fill("?key=1/"),
		"vague commas":    fill("key=,,"),
		"vague cookies":   fill("cookie:://"),
		"vague brackets":  half("key=") + half(")"),
		"vague opened":    half("key=(") + half(")"),
		"vague closed":    fill("key=)"),
		"vague wrapped":   half("key=") + "\n" + half("k"),
		"vague digests":   fill("key=0a1b2c3d4e5f6a7b;"),
		"vague tails":     half("key=") + half(",;."),
		"references":      fill("password=$("),
		"templates":       fill("password={{"),
		"functions":       fill("password=getpass"),
		"paths":           fill("password=/run/a/"),
		"likely urls":     fill("token=://"),
		"likely words":    fill("token=a-b="),
		"digest headers":  fill("authorization:digest $("),
		"digest comments": fill("authorization:digest {{ #"),
		"cookie headers":  fill("cookie: {{= "),
		"dashes":          fill("--password {{ "),

		// Quotation marks that are opened and never closed, or closed everywhere.
		"quotes json":     fill(`"key":"`),
		"quotes mixed":    fill("key=\"key='key=`key=\\\"key=%22key=&quot;"),
		"quotes nix":      fill("password = '' "),
		"quotes toml":     fill(`password="""`),
		"quotes escaped":  fill(`password="\`),
		"quotes lists":    fill(`token=["a",'token=["`),
		"quotes list":     `token=[` + fill(`"'token=['" `),
		"quotes lines":    fill("key=\"\n"),
		"quotes open":     "key=\"{ key='{ key=`{ key=\\\"{ key=\\\\\"{ key=\\'{ key=&quot;{ key=&#34;{ key=%22{ key=%27{ " + fill("key=1 "),
		"quotes rows":     fill("key=\"a b key='a b key=`a b key=%22a b\n"),
		"quotes far":      half("key=\"{ ") + half("key={ ") + `"`,
		"quotes nix far":  half("password = ''; ") + half("password = '' \n"),
		"quotes one toml": `password="""` + fill("password "),
		"elements":        fill("<password>"),
		"elements open":   "<password>" + fill("password <password "),
		"blocks":          fill("password: |\n\n \n"),
		"blocks nested":   fill("token: |\n a\n  token: |\n"),
		"below":           fill("password:\r\n  a b\n"),

		// URLs.
		"urls web":      fill("https://h/p "),
		"urls database": fill("postgres://u:p@h/d "),
		"urls joined":   fill("postgres://u:p"),
		"urls slashed":  half("http://u:p/w") + "@" + half("http://u:p/w"),
		"urls digests":  fill("x://a@sha"),
		"urls escaped":  fill(`:\/\/u:p@`),
		"urls percent":  fill("%3A%2F%2Fa%3A"),
		"urls hooks":    fill("://h/hooks/"),
		"urls pings":    fill("://h/ping/"),
		"urls dsn":      fill("a:b@tcp("),
		"urls otpauth":  fill("otpauth://a?"),

		// Keys in blocks.
		"pem dashes": fill("-----BEGIN"),
		"pem empty":  fill("-----BEGIN PRIVATE KEY-----"),
		"pem lines":  fill("-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", 64) + "\n"),
		"pem body":   "-----BEGIN PRIVATE KEY-----\n" + fill(strings.Repeat("A", 64)+"\n"),
		"pem bodies": fill("MIIEvA "),
		"pem tails":  fill(strings.Repeat("A", 64) + "\n-----END PRIVATE KEY-----\n"),
		"pem logged": fill("x: x: PRIVATE KEY-----\n"),

		// Contexts whose expressions look far.
		"snmp":        fill("snmp createUser a MD5 p "),
		"snmp lines":  fill("snmpwalk -c "),
		"mysql":       fill("mysql -p"),
		"variables":   fill("name: token value "),
		"netrc":       fill("machine a login "),
		"slack":       fill("xoxb-" + strings.Repeat("a", 5000)),
		"setcred":     fill("SetCredential=a:"),
		"com2sec":     fill("com2sec "),
		"basic":       fill("basic aaaaaaaa "),
		"prose":       fill("password is now "),
		"identified":  fill("identified by '"),
		"chpasswd":    fill(`"a:b" | chpasswd`),
		"access keys": fill("access-tokens = a"),
	}
}

// The search for keys with values looks at each byte a bounded number of times: in
// four times the text there is four times as much to look at, and not sixteen times.
func TestKeysInValues(t *testing.T) {
	work := func(text string) int {
		c := &call{text: text, exempt: new(exemptions)}
		*c.exempt, _ = newExemptions(testPrefixes)
		m := newMatcher(keyWords)
		m.scan(text, func(w, end int) { c.hits = append(c.hits, hit{end - len(keyWords[w]), end}) })
		c.rule = &rule{name: "secret"}
		findAssigned(c)
		return c.work
	}
	small, large := hostile(16<<10), hostile(64<<10)
	for name := range small {
		if s, l := work(small[name]), work(large[name]); l > 5*s+64<<10 {
			t.Errorf("%s: 16 KiB cost %d bytes, 64 KiB cost %d, which is %.1f times as many", name, s, l, float64(l)/float64(s))
		}
	}
}

// What is too long for a word, a path or a reference is hidden without being read to
// its end: else a key in it would be looked at, and the next, each with all the rest.
func TestLongValues(t *testing.T) {
	long := fill("a", maxPlain)
	for _, c := range []struct {
		kind  kind
		value string
	}{
		{kind{level: likely, least: 6}, "https://" + long},
		{kind{level: sure, name: "cookie", line: true}, "https://" + long},
		{kind{level: sure, name: "password"}, "$(" + long},
		{kind{level: sure, name: "password"}, "getpass" + long},
		{kind{level: vague}, fill("key=", maxVague+1)},
	} {
		if !judge(c.kind, c.value) {
			t.Errorf("%+v: %.20q… passes", c.kind, c.value)
		}
		if short := c.value[:40]; judge(c.kind, short) {
			t.Errorf("%+v: %q is hidden", c.kind, short)
		}
	}
}

// BenchmarkHostile shows for each hostile shape what 16 and 64 KiB cost: what is
// linear takes about four times as long.
func BenchmarkHostile(b *testing.B) {
	shapes := map[int]map[string]string{16: hostile(16 << 10), 64: hostile(64 << 10)}
	var names []string
	for name := range shapes[16] {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, kib := range []int{16, 64} {
			b.Run(fmt.Sprintf("%s/%dKiB", strings.ReplaceAll(name, " ", "_"), kib), func(b *testing.B) { benchmark(b, shapes[kib][name]) })
		}
	}
}
