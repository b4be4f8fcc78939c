package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

func TestKnownSecrets(t *testing.T) {
	f := newFaker(5)
	plain := "t&=<" + f.of(alnum, 14) + `"/`
	r := newTest(t, Options{Known: []Known{
		{"matrix-password", plain + "\n"},
		{"signing-key", "# comment on the key\n" + f.of(alnum, 40) + "\n" + f.of(alnum, 40) + "\n"},
	}})
	quoted, _ := json.Marshal(plain)
	for name, form := range map[string]string{
		"plain":      plain,
		"json":       string(quoted),
		"go":         fmt.Sprintf("%q", plain),
		"query":      "https://h/?x=" + url.QueryEscape(plain),
		"path":       "https://h/" + url.PathEscape(plain),
		"hex":        fmt.Sprintf("%x", plain),
		"HEX":        fmt.Sprintf("%X", plain),
		"html":       "<b>t&amp;=&lt;" + plain[4:18] + "&#34;/</b>",
		"base64":     base64.StdEncoding.EncodeToString([]byte(plain)),
		"base64url":  base64.URLEncoding.EncodeToString([]byte(plain)),
		"basic auth": base64.StdEncoding.EncodeToString([]byte("bob:" + plain)),
		"shifted":    base64.StdEncoding.EncodeToString([]byte("bobby:" + plain + " and more")),
		"wrapped":    plain[:9] + "\n    " + plain[9:],
	} {
		out, found := stable(t, r, "before "+form+" after")
		if !slices.Contains(found, Finding{"matrix-password"}) || strings.Contains(out, form) || strings.Contains(out, plain[5:15]) {
			t.Errorf("%s: %v %q", name, found, out)
		}
		if !strings.HasPrefix(out, "before ") || !strings.HasSuffix(out, " after") {
			t.Errorf("%s: hid too much: %q", name, out)
		}
	}
	// One line of a key file is enough.
	line := newFaker(5)
	line.of(alnum, 14)
	key := line.of(alnum, 40)
	if out, _ := stable(t, r, "read "+key+" from disk"); out != "read [redacted: signing-key] from disk" {
		t.Errorf("%q", out)
	}
}

func TestFaults(t *testing.T) {
	secret := "hunter" + "2"
	_, err := New(Options{
		IDPrefixes: []string{"ok_", "Bad"},
		Known:      []Known{{"short", secret}, {"Bad Name", secret + secret}, {"masked", "********"}},
		Rules:      []Rule{{"broken", "("}, {"empty", "x*"}, {"Bad", "x"}, {"twice", "a+b"}, {"twice", "c+d"}},
	})
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`"Bad"`, `"short"`, `"Bad Name"`, `"masked"`, `"broken"`, `"empty"`, `"twice"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the fault tells the secret: %q", err)
	}
}

func TestConfiguredRules(t *testing.T) {
	r := newTest(t, Options{Rules: []Rule{
		{"door-code", `door code (\d{4})`},
		{"badge", `badge-(?P<secret>[a-z]+)-(\d+)`},
		{"greedy", `GREEDY.*`},
	}})
	for in, want := range map[string]string{
		"the door code 4711 opens":   "the door code [redacted: door-code] opens",
		"badge-alice-7 and badge-x-": "badge-[redacted: badge]-7 and badge-x-",
		"a GREEDY rule\nand a line":  "a [redacted: greedy]\nand a line",
	} {
		if out, _ := stable(t, r, in); out != want {
			t.Errorf("%q, want %q", out, want)
		}
	}
}

// Nothing that is printed or logged of the options or the redactor tells a secret.
func TestPrintsNoSecret(t *testing.T) {
	k := Known{"matrix-password", "correct" + "horsebattery"}
	r := newTest(t, Options{Known: []Known{k}})
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "k", k, "r", r, "ks", []Known{k}, "o", Options{Known: []Known{k}})
	j, err := json.Marshal(map[string]any{"k": k, "r": r})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{log.String(), string(j), fmt.Sprint(k, r), fmt.Sprintf("%v %+v %#v %s %q", k, k, k, k, k),
		fmt.Sprintf("%v %+v %#v %s", r, r, r, r), fmt.Sprintf("%+v %#v", Options{Known: []Known{k}}, []Known{k}), fmt.Sprintf("%+v", &k)} {
		if strings.Contains(s, "horse") {
			t.Errorf("%q", s)
		}
	}
	_, found := r.Redact("x " + k.Value)
	if s := fmt.Sprintf("%#v", found); strings.Contains(s, "horse") {
		t.Errorf("%q", s)
	}
}

func TestBounds(t *testing.T) {
	r := newTest(t, Options{MaxRunes: 1000})
	for _, in := range []string{
		strings.Repeat("a", 5000), strings.Repeat("ä\n", 800), strings.Repeat("pw=x1 ", 400),
		strings.Repeat("password=abc ", 200), strings.Repeat("[redacted: x]", 2000), strings.Repeat("pwd=q ", 166) + "pw=é",
	} {
		out, found := stable(t, r, in)
		text, _ := fold(out)
		if n := utf8.RuneCountInString(text); n > 1000 {
			t.Errorf("%d runes", n)
		}
		if len(found) == 0 && out != in {
			t.Error("changed without a finding")
		}
	}
}

// What is secret where a text is cut leaves nothing behind: neither a known secret
// with blanks in it nor half a token in a text without any.
func TestCutLeavesNothing(t *testing.T) {
	f := newFaker(31)
	phrase := "correct " + f.of(alnum, 8) + " battery " + f.of(alnum, 8)
	lines := f.of(alnum, 30) + "\n" + f.of(alnum, 30)
	token := "gh" + "p_" + f.of(alnum, 36)
	for name, c := range map[string]struct{ before, secret, after string }{
		"a known phrase":           {strings.Repeat("words of a log ", 70), phrase, " and so on"},
		"a known secret of lines":  {strings.Repeat("a line of a log\n", 70), lines, "\nand so on"},
		"a token in tight JSON":    {"{" + strings.Repeat(`"a":1,`, 170), token, `"}`},
		"a known secret in a word": {strings.Repeat("word", 260), f.of(alnum, 24), "word"},
	} {
		known := c.secret
		if name == "a token in tight JSON" {
			known = f.of(alnum, 20)
		}
		// The cut falls at each of the secret's characters in turn.
		for n := range len(c.secret) {
			r := newTest(t, Options{MaxRunes: len(c.before) + n + 1, Known: []Known{{"known", known}}})
			out, found := stable(t, r, c.before+c.secret+c.after+strings.Repeat(" more", 50))
			if !slices.Contains(found, Finding{RuleTooLong}) {
				t.Fatalf("%s, %d: not cut: %v", name, n, found)
			}
			for i := 4; i <= len(c.secret); i++ {
				if strings.HasSuffix(strings.TrimRight(strings.TrimSuffix(out, marker(RuleTooLong)), " \n"), c.secret[:i]) {
					t.Errorf("%s, cut %d bytes in: left %d of them", name, n, i)
				}
			}
		}
	}
}

// A text in which commands of SNMP stand before its configuration hides both.
func TestSNMPBesideUsers(t *testing.T) {
	r := newTest(t, Options{})
	secret := newFaker(32).password()
	if out, _ := stable(t, r, "snmpwalk -A createUser bob MD5 "+secret+" DES"); leaks(out, secret) != "" {
		t.Errorf("%q", out)
	}
}

func TestUTF8(t *testing.T) {
	r := newTest(t, Options{})
	for in, want := range map[string]string{
		"":                               "",
		"a\xffb":                         "a\uFFFDb",
		"hole " + hole:                   "hole \uFFFD",
		"pässword: grün":                 "pässword: grün",
		"password=\xffsécrét\xfe! x":     "password=[redacted: password] x",
		"password=пароль🔑 x":             "password=[redacted: password] x",
		"[redacted: Nobody] [redacted: ": "[redacted: Nobody] [redacted: ",
		"[redacted: [redacted: jwt]]":    "[redacted: [redacted: jwt]]",
	} {
		if out, _ := stable(t, r, in); out != want {
			t.Errorf("%q: %q, want %q", in, out, want)
		}
	}
}

// Two lines of a wrapped terminal are one secret.
func TestWrapped(t *testing.T) {
	r := newTest(t, Options{})
	secret := newFaker(6).of(alnum, 60)
	in := "Nov 23 19:03:11 vulcan app[812]: connecting, api_token=" + secret[:25] + "\n    " + secret[25:] + " ok"
	if out, _ := stable(t, r, in); leaks(out, secret) != "" || !strings.HasSuffix(out, " ok") {
		t.Errorf("%q", out)
	}
	in = "a long line of eighty characters that ends with a short word: password=Sommer1\nNothing else happened"
	if out, _ := stable(t, r, in); !strings.Contains(out, "Nothing else") {
		t.Errorf("%q", out)
	}
}

// Hostile texts of 100 KiB take some milliseconds, at worst a third of a
// second. The limit is far above that, as tests run on busy machines and under
// the race detector; what is not linear takes minutes.
func TestHostile(t *testing.T) {
	r := newTest(t, Options{Known: []Known{{"known", strings.Repeat("a", 15) + "b"}}})
	const size = 100 << 10
	for name, in := range hostile(size) {
		start := time.Now()
		stable(t, r, in)
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: %v", name, took)
		} else if testing.Verbose() {
			t.Logf("%-12s %v", name, took)
		}
	}
}

func TestConcurrent(t *testing.T) {
	r := newTest(t, Options{Known: []Known{{"known", newFaker(9).of(alnum, 20)}}})
	rows := positives()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range rows {
				row := rows[(i+g*17)%len(rows)]
				if out, _ := r.Redact(strings.Replace(row.text, "«»", row.secret, 1)); leaks(out, row.secret) != "" {
					t.Errorf("%s: %q", row.rule, out)
				}
			}
		})
	}
	wg.Wait()
}

// A panic in a rule withholds the text, and does not reach the caller.
func TestPanic(t *testing.T) {
	r := newTest(t, Options{})
	r.always = append(r.always, &rule{name: "faulty", find: func(*call) { panic("oh") }})
	out, found := r.Redact("anything")
	if out != "[redacted: withheld]" || len(found) != 1 || found[0].Rule != RuleWithheld {
		t.Errorf("%q %v", out, found)
	}
}

// A text in which every round finds something new is withheld, not passed.
func TestUnsettled(t *testing.T) {
	r := newTest(t, Options{Rules: []Rule{{"one-letter", `[a-z]$`}}})
	if out, _ := stable(t, r, "abc"); out != "ab[redacted: one-letter]" {
		t.Errorf("%q", out)
	}
	r = newTest(t, Options{Rules: []Rule{{"peel", `([a-z])` + hole + `*$`}}})
	out, found := stable(t, r, "thiswouldgoonandon")
	if out != "[redacted: withheld]" || found[len(found)-1].Rule != RuleWithheld {
		t.Errorf("%q %v", out, found)
	}
}

func TestAlters(t *testing.T) {
	r := newTest(t, Options{})
	if r.Alters("zpool scrub tank") || !r.Alters("curl -u bob:"+"Sommer2026! h") || !r.Alters("bad \xff") {
		t.Error("Alters is wrong")
	}
}

func TestMatcher(t *testing.T) {
	words := []string{"he", "she", "hers", "his", "a", "aa", "aaa", "key", "eyj"}
	m := newMatcher(words)
	for _, text := range []string{"ushers", "aaaaa", "HiS KEYJ", "", "xyz\xffhe\x00r she"} {
		got := map[string]bool{}
		m.scan(text, func(w, end int) { got[fmt.Sprint(words[w], end)] = true })
		want := map[string]bool{}
		for _, w := range words {
			for i := range len(text) {
				if i+len(w) <= len(text) && strings.EqualFold(text[i:i+len(w)], w) {
					want[fmt.Sprint(w, i+len(w))] = true
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, row := range positives() {
		f.Add(strings.Replace(row.text, "«»", row.secret, 1), "Sommer2026!")
	}
	for _, in := range negatives() {
		f.Add(in, "x1y2z3")
	}
	r := newTest(f, Options{Known: []Known{{"known", newFaker(10).of(alnum, 12)}}})
	f.Fuzz(func(t *testing.T, in, more string) {
		out, found := stable(t, r, in)
		if !utf8.ValidString(out) {
			t.Errorf("not UTF-8: %q", out)
		}
		if out != in && utf8.ValidString(in) && !strings.Contains(in, hole) && len(found) == 0 {
			t.Errorf("changed without a finding: %q to %q", in, out)
		}
		stable(t, r, in+more)
		stable(t, r, `{"password":"`+more+`","x":"`+in+`"}`)
		// A known secret is hidden wherever it stands.
		known := newFaker(10).of(alnum, 12)
		if out, _ := stable(t, r, in+known+more); strings.Contains(out, known) {
			t.Errorf("known secret in %q", out)
		}
	})
}

// A secret is hidden whole, however long it is and whatever it stands in.
func TestLongSecrets(t *testing.T) {
	r := newTest(t, Options{})
	for name, around := range map[string][2]string{
		"quoted":              {`password = "`, `" # it`},
		"quoted, not closed":  {`password="`, "\nbehind"},
		"apostrophes":         {`password='`, `' behind`},
		"JSON":                {`{"password": "`, `", "user": "bob"}`},
		"JSON in JSON":        {`{\"password\":\"`, `\", \"user\": \"bob\"}`},
		"likely":              {`{"token": "`, `", "user": "bob"}`},
		"vague":               {`{"key": "`, `", "user": "bob"}`},
		"a list":              {`token = ["`, `", "b"]`},
		"HTML":                {`password=&quot;`, `&quot; behind`},
		"TOML":                {"password = \"\"\"", "\"\"\"\nbehind"},
		"Nix":                 {"password = ''", "'';\nbehind"},
		"XML":                 {"<password>", "</password>"},
		"YAML":                {"password: |\n  ", "\nbehind: x"},
		"YAML, quoted":        {`password: "`, "\"\nbehind: x"},
		"on the line below":   {"password:\n  ", "\nbehind: x"},
		"an unquoted one":     {"password=", " behind"},
		"a header":            {"Authorization: Bearer ", "\nbehind"},
		"a word and a secret": {"password is ", " behind"},
	} {
		for _, n := range []int{maxPlain - 20, maxPlain + 1000, 2*maxPEM + 1000} {
			secret := newFaker(uint64(n)).of(alnum, n)
			out, _ := stable(t, r, around[0]+secret+around[1])
			for at := 0; at+16 <= n; at += 16 {
				if strings.Contains(out, secret[at:at+16]) {
					t.Errorf("%s: of %d bytes those from %d are shown", name, n, at)
					break
				}
			}
			if !strings.HasPrefix(out, around[0]) || !strings.HasSuffix(out, around[1]) {
				t.Errorf("%s: of %d bytes around: %.60q", name, n, out)
			}
		}
	}
	// Over several lines, too.
	lines := strings.TrimSuffix(strings.Repeat(newFaker(3).of(alnum, 900)+"\n", 8), "\n")
	for _, around := range [][2]string{{`password = "`, `";`}, {"password = \"\"\"", "\"\"\""}, {"password = ''\n", "\n'';"}} {
		if out, _ := stable(t, r, around[0]+lines+around[1]); len(out) > 100 {
			t.Errorf("%q: %d bytes are shown", around[0], len(out))
		}
	}
}
