package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

var indices = regexp.MustCompile(`\[\d+\]`)

func canonicalOf(t testing.TB, p bot.Plan) string {
	t.Helper()
	b, err := Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCanonicalForm(t *testing.T) {
	p := bot.Plan{Version: bot.PlanVersion, ID: "pln_A", Host: "vulcan", MachineID: "m", Operation: "zfs.arc.set",
		Arguments: bot.Arguments{"b": {"2"}, "a": {"1", ""}}, Requester: "bob", Rule: bot.Rule{Name: "<é & \"q\">", Risk: bot.RiskLow, Count: 1, ValidFor: 60},
		MintedAt: time.UnixMilli(1_000_000_000_120).In(time.FixedZone("", 3600)), NotAfter: time.UnixMilli(1_000_000_060_000), Draft: bot.Draft{Summary: "a\nb"}}
	const want = `{"arguments":{"a":["1",""],"b":["2"]},"boot_id":"","draft":{"bound":[],"conditions":[],"differences":[],"irreversible":[],"limit":"0",` +
		`"locks":[],"observed":[],"roots":[],"steps":[],"summary":"a\nb","takes":"","undo":"","wait_for":[]},"host":"vulcan","id":"pln_A","machine_id":"m",` +
		`"minted_at":"2001-09-09T01:46:40.12Z","not_after":"2001-09-09T01:47:40Z","operation":"zfs.arc.set","requester":"bob",` +
		`"rule":{"approve_within":"0","approvers":[],"confirm_within":"0","count":"1","name":"<é & \"q\">","queue":false,"requester_counts":false,` +
		`"requesters":[],"risk":"low","step_up":[],"valid_for":"60","windows":[]},"version":"1"}`
	got := canonicalOf(t, p)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sum := sha256.Sum256([]byte("watchstander plan 1\n" + want))
	if d := Digest([]byte(want)); d != hex.EncodeToString(sum[:]) {
		t.Errorf("the digest is %s", d)
	}
	again, err := Parse([]byte(got))
	if err != nil || canonicalOf(t, again) != want || !again.MintedAt.Equal(p.MintedAt) || again.Draft.Steps == nil {
		t.Errorf("read back: %+v, %v", again, err)
	}
}

// The line in doc.go that recomputes a digest is tried as it stands there.
func TestDigestByOtherPrograms(t *testing.T) {
	for _, program := range []string{"sh", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no", program)
		}
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^//\t(\{ printf .*)$`).FindSubmatch(doc)
	if line == nil {
		t.Fatal("doc.go has no such line")
	}
	dir := t.TempDir()
	b := canonicalOf(t, sample())
	if err := os.WriteFile(filepath.Join(dir, "plan.json"), []byte(b), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", string(line[1]))
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil || strings.Fields(string(out))[0] != Digest([]byte(b)) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestEqualPlansHaveEqualBytes(t *testing.T) {
	want := canonicalOf(t, sample())
	for range 20 { // maps have no order
		if canonicalOf(t, sample()) != want {
			t.Fatal("the bytes differ from time to time")
		}
	}
	p := sample()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	p.MintedAt, p.NotAfter = p.MintedAt.In(tokyo), p.NotAfter.Local()
	if canonicalOf(t, p) != want {
		t.Error("a zone counts")
	}
	if !reflect.DeepEqual(sample().Draft, p.Draft) || p.MintedAt.Location() != tokyo {
		t.Error("Canonical changes what it is given")
	}

	empty := sample()
	empty.Arguments, empty.Rule.StepUp, empty.Rule.Windows, empty.Draft = bot.Arguments{}, []bot.StepUp{}, []bot.Window{}, bot.Draft{Summary: "x",
		Steps: []string{}, Conditions: []bot.Condition{}, Bound: []bot.Fact{}}
	none := sample()
	none.Arguments, none.Rule.StepUp, none.Rule.Windows, none.Draft = nil, nil, nil, bot.Draft{Summary: "x"}
	if canonicalOf(t, empty) != canonicalOf(t, none) {
		t.Error("nil and empty are two")
	}
	if strings.Contains(canonicalOf(t, none), "null") {
		t.Error("there is a null")
	}
}

// Whatever is changed in a plan changes its digest (attacks 1 and 2), and what is
// read back is the same plan.
func TestTheDigestCoversEverything(t *testing.T) {
	seen := map[string]string{Digest([]byte(canonicalOf(t, sample()))): "the sample"}
	for _, l := range leaves() {
		p := sample()
		l.change(&p)
		b := canonicalOf(t, p)
		d := Digest([]byte(b))
		if seen[d] != "" {
			t.Errorf("%s has the digest of %s", l.path, seen[d])
		}
		seen[d] = l.path
		again, err := Parse([]byte(b))
		if err != nil || canonicalOf(t, again) != b {
			t.Errorf("%s: read back: %v", l.path, err)
		}
	}
	if len(seen) < 70 {
		t.Errorf("only %d changes were tried", len(seen))
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*bot.Plan){
		"another version":         func(p *bot.Plan) { p.Version = 2 },
		"no id":                   func(p *bot.Plan) { p.ID = "" },
		"no machine":              func(p *bot.Plan) { p.MachineID = "" },
		"no requester":            func(p *bot.Plan) { p.Requester = "" },
		"no summary":              func(p *bot.Plan) { p.Draft.Summary = "" },
		"no time":                 func(p *bot.Plan) { p.MintedAt = time.Time{} },
		"an end before its start": func(p *bot.Plan) { p.NotAfter = p.MintedAt },
		"a part of a millisecond": func(p *bot.Plan) { p.MintedAt = p.MintedAt.Add(1) },
		"a far year":              func(p *bot.Plan) { p.NotAfter = p.NotAfter.AddDate(9000, 0, 0) },
		"less than nothing":       func(p *bot.Plan) { p.Rule.Count = -1 },
		"an argument of nothing":  func(p *bot.Plan) { p.Arguments["force"] = nil },
		"an argument's odd name":  func(p *bot.Plan) { p.Arguments["a b"] = []string{"x"} },
		"a fact's odd name":       func(p *bot.Plan) { p.Draft.Bound[0].Name = "a = b" },
		"a state of no kind":      func(p *bot.Plan) { p.Draft.Conditions[0].State = "fine" },
		"a risk of no kind":       func(p *bot.Plan) { p.Rule.Risk = "" },
		"a proof of no kind":      func(p *bot.Plan) { p.Rule.StepUp[0] = "promise" },
		"a day of no week":        func(p *bot.Plan) { p.Rule.Windows[0].Days[0] = "Sat" },
		"a day twice":             func(p *bot.Plan) { p.Rule.Windows[0].Days[0] = "sun" },
		"an hour of no day":       func(p *bot.Plan) { p.Rule.Windows[0].From = "24:00" },
		"an hour spelled short":   func(p *bot.Plan) { p.Rule.Windows[0].From = "9:00" },
		"a zone of this machine":  func(p *bot.Plan) { p.Rule.Windows[0].Zone = "Local" },
		"too much":                func(p *bot.Plan) { p.Draft.Undo = strings.Repeat("x", MaxBytes) },
		"no UTF-8":                func(p *bot.Plan) { p.Draft.Steps[1] = "a\xffb" },
		"no UTF-8 in a name":      func(p *bot.Plan) { p.Arguments["\xff"] = []string{"x"} },
		"an escape":               func(p *bot.Plan) { p.Draft.Conditions[1].Found = "\x1b[2J" },
		"a turned text":           func(p *bot.Plan) { p.Arguments["keep"][1] = "a\u202Eb" },
	} {
		p := sample()
		spoil(&p)
		if b, err := Canonical(p); err == nil {
			t.Errorf("%s: %s", name, b)
		} else if !invalidError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := sample()
	p.Draft.Steps[1] = "a\u200Bb"
	if _, err := Canonical(p); bot.ForPeople(err) != "plan.draft.steps[2] holds the hidden character U+200B." {
		t.Errorf("%v", err)
	}
}

// A member that no canonical form can hold is an error and no silent number.
func TestNumbersHaveNoForm(t *testing.T) {
	for _, v := range []any{struct{ X float64 }{1}, struct{ X *int }{}, struct{ X any }{1}, struct{ X uint8 }{1}} {
		if out, err := normal("it", v); err == nil {
			t.Errorf("%#v became %#v", v, out)
		}
	}
}

func TestTextFault(t *testing.T) {
	for _, s := range []string{"", "plain", "two\nlines", "6\u202F004 ä ü 漢字 → ✓ 🚀 [NOT OK]", "e\u0301"} {
		if why := TextFault(s); why != "" {
			t.Errorf("%q %s", s, why)
		}
	}
	for _, r := range "\t\r\x00\x1b\x7f\u0085\u00AD\u061C\u200B\u200C\u200D\u200E\u2028\u2029\u202A\u202E\u2060\u2066\u2069\uFEFF\uFE0F\U000E0101\U000E0041\uE000\u2800\u3000\u2003\u3164\uFFFE\u115F" {
		if TextFault("a"+string(r)+"b") == "" {
			t.Errorf("%U can stand in a plan", r)
		}
	}
	if TextFault("a"+strings.Repeat("\u0301", 20)) == "" || TextFault("\xc3") == "" {
		t.Error("marks without end, or half a character, can stand in a plan")
	}
}

func TestParseReadsOneSpelling(t *testing.T) {
	good := canonicalOf(t, sample())
	for name, bad := range map[string]string{
		"nothing":            "",
		"null":               "null",
		"a blank before":     " " + good,
		"a break behind":     good + "\n",
		"two":                good + good,
		"an escape":          strings.Replace(good, "vulcan", `\u0076ulcan`, 1),
		"an escaped sign":    strings.Replace(good, "→", `\u2192`, 1),
		"another case":       strings.Replace(good, `"host"`, `"Host"`, 1),
		"a member twice":     strings.Replace(good, `"host":"vulcan"`, `"host":"lugh","host":"vulcan"`, 1),
		"a member too many":  strings.Replace(good, `"host":"vulcan"`, `"host":"vulcan","hosu":"x"`, 1),
		"a member too few":   strings.Replace(good, `"host":"vulcan",`, ``, 1),
		"a number":           strings.Replace(good, `"count":"2"`, `"count":2`, 1),
		"a number otherwise": strings.Replace(good, `"count":"2"`, `"count":"02"`, 1),
		"null for a list":    strings.Replace(good, `"locks":["nixos"]`, `"locks":null`, 1),
		"a time in a zone":   strings.Replace(good, "2026-03-28T20:15:30.12Z", "2026-03-28T21:15:30.12+01:00", 1),
		"a time with a zero": strings.Replace(good, "30.12Z", "30.120Z", 1),
		"half a character":   strings.Replace(good, "→", `\ud800`, 1),
		"no character":       strings.Replace(good, "→", "\xff", 1),
		"a hidden one":       strings.Replace(good, "→", "\u202E", 1),
		"no JSON":            good[:len(good)-1],
		"another version":    strings.Replace(good, `"version":"1"`, `"version":"2"`, 1),
		"too long":           good[:len(good)-1] + strings.Repeat(" ", MaxBytes) + "}",
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if p, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, p)
		} else if !invalidError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	p := sample()
	b, err := Canonical(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	p.Arguments, p.Rule.Windows, p.Draft = nil, nil, bot.Draft{Summary: "é <&>\n\\"}
	if b, err = Canonical(p); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		if again, err := Canonical(p); err != nil || string(again) != string(b) {
			t.Errorf("%q is read, and written as %q (%v)", b, again, err)
		}
		var generic any
		if err := json.Unmarshal(b, &generic); err != nil || hasNumber(generic) {
			t.Errorf("%q holds a number (%v)", b, err)
		}
		// What can be read can be shown, but for zones that this machine lacks.
		if text, err := Render(p); err == nil && !strings.Contains(text, Grouped(Digest(b))[:39]) {
			t.Errorf("%q is shown as %q", b, text)
		}
	})
}

func hasNumber(v any) bool {
	switch v := v.(type) {
	case float64, nil:
		return true
	case []any:
		for _, x := range v {
			if hasNumber(x) {
				return true
			}
		}
	case map[string]any:
		for _, x := range v {
			if hasNumber(x) {
				return true
			}
		}
	}
	return false
}
