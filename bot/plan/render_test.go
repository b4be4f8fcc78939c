package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"watchstander/bot"
	"watchstander/bot/bottest/golden"
	"watchstander/bot/redact"
)

func rendered(t testing.TB, p bot.Plan) string {
	t.Helper()
	s, err := Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testdata/*.txt are the plans of this test as they are shown, written by
// `go test ./bot/plan -run TestRendered -update`: to be read by people.
func TestRenderedPlans(t *testing.T) {
	small := bot.Plan{Version: bot.PlanVersion, ID: "pln_BCDEFGHIJKLMNOPQRSTUVWXYZ2", Host: "vulcan", MachineID: "0123456789abcdef0123456789abcdef",
		Operation: "backup.run", Requester: "alice", MintedAt: time.UnixMilli(1_774_728_000_000), NotAfter: time.UnixMilli(1_774_731_600_000),
		Rule: bot.Rule{Name: "backups", Risk: bot.RiskLow, Requesters: []bot.Role{bot.RoleOperator}, Approvers: []bot.Role{bot.RoleOperator},
			Count: 1, RequesterCounts: true, ApproveWithin: 600, ValidFor: 3600},
		Draft: bot.Draft{Summary: "back vulcan up now"}}
	statement, err := NewStatement(sample(), "alice", bot.Deny, "not before the holidays", "nonce-1", sample().MintedAt, sample().MintedAt.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := RenderStatement(statement, sample())
	if err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string]string{
		"testdata/rollback.txt":  rendered(t, sample()),
		"testdata/small.txt":     rendered(t, small),
		"testdata/statement.txt": signed,
	} {
		golden.Check(t, file, got)
	}
}

// Whatever is changed in a plan changes how it is shown, beside the digest: so
// nothing is left out, flags and numbers neither (attack 8).
func TestNothingIsLeftOut(t *testing.T) {
	shown := func(p bot.Plan) string {
		text, _, ok := strings.Cut(rendered(t, p), "\nDigest of all this")
		if !ok {
			t.Fatal("there is no digest")
		}
		return text
	}
	before := shown(sample())
	for _, l := range leaves() {
		p := sample()
		l.change(&p)
		if shown(p) == before {
			t.Errorf("%s is not shown", l.path)
		}
	}
}

// Each text of a plan stands in it word for word.
func TestEachTextIsShown(t *testing.T) {
	p := sample()
	text := rendered(t, p)
	flat := strings.Join(strings.Fields(text), " ")
	in := map[string]string{"ok": "[OK]", "not ok": "[NOT OK]", "unknown": "[UNKNOWN]", "sat": "Sat", "sun": "Sun"}
	n := 0
	var look func(v reflect.Value)
	look = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			n++
			s := v.String()
			if w := in[s]; w != "" {
				s = w
			}
			for line := range strings.SplitSeq(s, "\n") {
				if !strings.Contains(flat, line) {
					t.Errorf("%q is not shown", line)
				}
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					look(v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				look(v.Index(i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				look(it.Key())
				look(it.Value())
			}
		}
	}
	look(reflect.ValueOf(p))
	if n < 45 {
		t.Errorf("only %d texts were looked for", n)
	}
}

// No text of a plan can look like a heading of ours, or push one out of sight.
func TestNoTextLooksLikeAHeading(t *testing.T) {
	headings := func(s string) (out []string) {
		for line := range strings.SplitSeq(s, "\n") {
			if line != "" && line[0] != ' ' {
				out = append(out, line)
			}
		}
		return out
	}
	good := headings(rendered(t, sample()))
	if TextFault("\nWho") == "" {
		t.Error("a text may begin with a line that nobody sees")
	}
	for _, evil := range []string{
		"harmless\nWho\n  must agree   nobody",
		"harmless\n\n\n\nWho\nnobody",
		"harmless " + strings.Repeat(" ", 70) + "Who must agree: nobody",
		strings.Repeat("x", 75) + " Who must agree: nobody",
		strings.Repeat("x ", 500) + "Who",
		"Who\n", " Who", "",
		"漢字 " + strings.Repeat("漢", 80) + " Who",
	} {
		p := sample()
		p.Draft.Summary = "x" + evil
		p.Draft.Steps[0], p.Draft.Undo, p.Draft.Bound[0].Value, p.Draft.Conditions[2].Found = evil, evil, evil, evil
		p.Arguments["generation"] = []string{evil}
		p.Requester, p.Rule.Name, p.Rule.Approvers = bot.PersonID("x"+evil), evil, []bot.Role{bot.Role(evil)}
		p.Draft.Observed[0].Value, p.Draft.Locks[0], p.BootID = evil, evil, evil
		text := rendered(t, p)
		if got := headings(text); !slices.Equal(got, good) {
			t.Errorf("%q makes headings: %q", evil, got)
		}
		for line := range strings.SplitSeq(text, "\n") {
			words := strings.Fields(line)
			if utf8.RuneCountInString(line) > width && utf8.RuneCountInString(words[len(words)-1]) < width-column-5 {
				t.Errorf("%q: the line %q is not broken", evil, line)
			}
			if strings.HasSuffix(line, " ") {
				t.Errorf("%q: the line %q ends in a blank", evil, line)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	var w page
	w.item("- ", "one  two\n three "+strings.Repeat("four ", 20)+"\n"+strings.Repeat("y", 90)+" five")
	const want = `  - one ␣two
    | ␣three four four four four four four four four four four four four
    | four four four four four four four four␣
    | ` + "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" + `
    | five
`
	if got := w.b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSpan(t *testing.T) {
	for s, want := range map[bot.Seconds]string{0: "0 s", 59: "59 s", 60: "1 min", 3661: "1 h 1 min 1 s", 86400 + 7200: "1 d 2 h", 1_000_000: "11 d 13 h 46 min 40 s"} {
		if got := span(s); got != want {
			t.Errorf("%d s is %q, want %q", s, got, want)
		}
	}
}

func TestAnUnknownZoneIsNotShown(t *testing.T) {
	p := sample()
	p.Rule.Windows[1].Zone = "Europe/Atlantis"
	if s, err := Render(p); !invalidError(err) {
		t.Errorf("%s, %v", s, err)
	}
	p.Rule.Windows[1].Zone = "../../etc/passwd"
	if _, err := Render(p); !invalidError(err) {
		t.Error(err)
	}
}

// What people are shown of a plan goes through the redactor like everything that
// is said; it must come out as it is.
func TestTheRedactorLeavesPlansAlone(t *testing.T) {
	r, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	if err != nil {
		t.Fatal(err)
	}
	slip, err := EncodeSlip(stated(t), sample())
	if err != nil {
		t.Fatal(err)
	}
	statement, err := RenderStatement(stated(t), sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"the plan": rendered(t, sample()), "the slip": slip, "the statement": statement} {
		if out, found := r.Redact(text); out != text {
			t.Errorf("%s becomes\n%s\n(%v)", name, out, found)
		}
	}
}
