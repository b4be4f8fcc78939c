package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

var morning = time.Date(2026, 3, 1, 6, 30, 0, 120_456_789, time.FixedZone("CET", 3600))

// hide is a redactor that knows one secret, and takes hashes for secrets too.
func hide(s string) string {
	if len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" {
		return "[redacted: hash]"
	}
	return strings.ReplaceAll(s, "hunter2", "[redacted: password]")
}

func plain(s string) string { return s }

func sealed(t testing.TB, prev Head, e Entry) Entry {
	t.Helper()
	out, err := Seal(prev, e, hide)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The form is written down in doc.go, and other programs read it: it may only
// change together with Version.
func TestTheForm(t *testing.T) {
	e := sealed(t, Head{Seq: 6, Hash: strings.Repeat("ab", 32)}, Entry{At: morning, Kind: KindDecision, Host: "vulcan", By: "alice",
		Subject: "pln_A", Text: "alice agreed <to> it: ✓\n\"yes\"", Fields: map[string]string{"door": "ops", "account": "@alice:example.org"}})
	line, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	const start = `{"at":"2026-03-01T05:30:00.12Z","by":"alice","fields":{"account":"@alice:example.org","door":"ops"},`
	const end = `"host":"vulcan","kind":"decision","prev":"abababababababababababababababababababababababababababababababab",` +
		`"seq":"7","subject":"pln_A","text":"alice agreed <to> it: ✓\n\"yes\"","version":"1"}`
	h := sha256.Sum256([]byte("watchstander journal entry 1\n" + start + end))
	if want := start + `"hash":"` + hex.EncodeToString(h[:]) + `",` + end; string(line) != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	again, err := Decode(line)
	if err != nil || !reflect.DeepEqual(again, e) {
		t.Errorf("read back: %+v, %v", again, err)
	}
}

func TestSealRedactsFirst(t *testing.T) {
	hash := strings.Repeat("0f", 32)
	id := "pln_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	e := sealed(t, Head{}, Entry{At: morning, Kind: KindNote, Subject: id, Text: "password=hunter2",
		Fields: map[string]string{"error": "hunter2 refused", FieldHash: hash, FieldDigest: "hunter2", "other": hash, FieldPlan: id}})
	want := map[string]string{"error": "[redacted: password] refused", FieldHash: hash, FieldDigest: "[redacted: password]",
		"other": "[redacted: hash]", FieldPlan: id}
	if e.Text != "password=[redacted: password]" || !reflect.DeepEqual(e.Fields, want) || e.Subject != id {
		t.Errorf("sealed: %+v", e)
	}
	if e.Seq != 1 || e.Prev != "" || e.Version != Version || !e.At.Equal(morning.Truncate(time.Millisecond)) || e.At.Location() != time.UTC {
		t.Errorf("sealed: %+v", e)
	}
	// The hash is of what was redacted: whoever knows the secret cannot tell it
	// from the hash.
	other := sealed(t, Head{}, Entry{At: morning, Kind: KindNote, Subject: id, Text: "password=[redacted: password]", Fields: want})
	if other.Hash != e.Hash {
		t.Error("the hash tells of what was redacted")
	}
}

// Names can hold what somebody made up: a person or a plan that is not there.
func TestSealRedactsNames(t *testing.T) {
	long := strings.Repeat("é", MaxName/2-4) + "hunter2"
	e := sealed(t, Head{}, Entry{At: morning, Kind: KindRefusal, Host: "hunter2", By: "bob hunter2", Subject: long})
	if e.Host != "[redacted: password]" || e.By != "bob [redacted: password]" || !strings.HasPrefix(e.Subject, "éé") || len(e.Subject) > MaxName || strings.Contains(e.Subject, "hunter2") {
		t.Errorf("sealed: %+v", e)
	}
	id := "pln_" + strings.Repeat("A", 26)
	hides := func(s string) string { return strings.ReplaceAll(s, "A", "…") } // ids, too
	e, err := Seal(Head{}, Entry{At: morning, Kind: KindPlan, Host: "vulcan", By: "alice", Subject: id}, hides)
	if err != nil || e.Host != "vulcan" || e.By != "alice" || e.Subject != id {
		t.Errorf("sealed: %+v, %v", e, err)
	}
}

func TestSealMakesTextsFit(t *testing.T) {
	e := sealed(t, Head{}, Entry{At: morning, Kind: KindNote, Text: "a\xffb", Fields: map[string]string{"x": strings.Repeat("é", MaxText)}})
	if e.Text != "a\uFFFDb" {
		t.Errorf("%q", e.Text)
	}
	if got := e.Fields["x"]; len(got) > MaxText+60 || !strings.HasSuffix(got, "é… (32768 more bytes were cut)") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-60:])
	}
	if e := sealed(t, Head{}, Entry{At: morning, Kind: KindNote, Fields: map[string]string{}}); e.Fields != nil {
		t.Error("no fields have two forms")
	}
	// A secret that would be cut in two is hidden before that.
	e = sealed(t, Head{}, Entry{At: morning, Kind: KindNote, Text: strings.Repeat("x", MaxText-3) + "hunter2"})
	if strings.Contains(e.Text, "hun") {
		t.Error("half of a secret is left")
	}
}

func TestSealRefuses(t *testing.T) {
	good := Entry{At: morning, Kind: KindNote}
	many := map[string]string{}
	for i := range MaxFields + 1 {
		many["f"+strings.Repeat("x", i)] = ""
	}
	long := map[string]string{}
	for i := range MaxFields {
		long["f"+strings.Repeat("x", i)] = strings.Repeat("\x01", MaxText)
	}
	for name, spoil := range map[string]func(*Entry){
		"no time":                func(e *Entry) { e.At = time.Time{} },
		"no kind":                func(e *Entry) { e.Kind = "" },
		"a kind with a blank":    func(e *Entry) { e.Kind = "a b" },
		"a person with a break":  func(e *Entry) { e.By = "alice\n" },
		"a host that is no text": func(e *Entry) { e.Host = "\xff" },
		"a long subject":         func(e *Entry) { e.Subject = strings.Repeat("x", MaxName+1) },
		"a name in capitals":     func(e *Entry) { e.Fields = map[string]string{"Hash": "x"} },
		"a name that is a text":  func(e *Entry) { e.Fields = map[string]string{"the password is hunter2": "x"} },
		"many fields":            func(e *Entry) { e.Fields = many },
		"a long line":            func(e *Entry) { e.Fields = long },
		"a far year":             func(e *Entry) { e.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		e := good
		spoil(&e)
		if got, err := Seal(Head{}, e, plain); err == nil {
			t.Errorf("%s: sealed as %.100v", name, got)
		}
	}
	if _, err := Seal(Head{}, good, nil); err == nil {
		t.Error("sealed without a redactor")
	}
}

func TestKindsHaveTheirForm(t *testing.T) {
	seen := map[Kind]bool{}
	for _, k := range Kinds() {
		sealed(t, Head{}, Entry{At: morning, Kind: k})
		if seen[k] {
			t.Errorf("%s is there twice", k)
		}
		seen[k] = true
	}
}

func TestDecodeReadsOneSpelling(t *testing.T) {
	e := sealed(t, Head{}, Entry{At: morning, Kind: KindNote, Text: "é", Fields: map[string]string{"a": "b"}})
	line, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	good := string(line)
	for name, bad := range map[string]string{
		"a blank":              " " + good,
		"a break":              good + "\n",
		"something behind":     good + "{}",
		"an escape":            strings.Replace(good, "é", `\u00e9`, 1),
		"another case":         strings.Replace(good, `"kind"`, `"Kind"`, 1),
		"a member twice":       strings.Replace(good, `"by":""`, `"by":"","by":""`, 1),
		"a member of no use":   strings.Replace(good, `"by":""`, `"by":"","bz":""`, 1),
		"a number as number":   strings.Replace(good, `"seq":"1"`, `"seq":1`, 1),
		"a number otherwise":   strings.Replace(good, `"seq":"1"`, `"seq":"01"`, 1),
		"null for fields":      strings.Replace(good, `"fields":{"a":"b"}`, `"fields":null`, 1),
		"a member missing":     strings.Replace(good, `"by":"",`, ``, 1),
		"a time in a zone":     strings.Replace(good, "T05:30:00.12Z", "T06:30:00.12+01:00", 1),
		"a time with a zero":   strings.Replace(good, "00.12Z", "00.120Z", 1),
		"a half character":     strings.Replace(good, "é", `\ud800`, 1),
		"no JSON":              good[1:],
		"another order":        strings.Replace(`{"by":"",`+good[1:], `"by":"","fields"`, `"fields"`, 1),
		"a character replaced": strings.Replace(good, "é", "\xff", 1),
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if got, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

func TestFilter(t *testing.T) {
	e := Entry{At: morning, Kind: KindDecision, Host: "vulcan", By: "alice", Subject: "pln_AB", Text: "Alice agreed.", Fields: map[string]string{"door": "ops"}}
	for name, f := range map[string]Filter{
		"all":     {},
		"kind":    {Kinds: []Kind{KindStart, KindDecision}},
		"person":  {By: "alice", Host: "vulcan"},
		"subject": {Subject: "pln_A"},
		"words":   {Words: "AGREED ops door alice decision"},
		"since":   {Since: morning, Until: morning.Add(1)},
	} {
		if !f.Match(e) {
			t.Errorf("%s: it is not chosen", name)
		}
	}
	for name, f := range map[string]Filter{
		"kind":    {Kinds: []Kind{KindStart}},
		"person":  {By: "alic"},
		"host":    {Host: "vulcan2"},
		"subject": {Subject: "ln_A"},
		"words":   {Words: "agreed denied"},
		"since":   {Since: morning.Add(1)},
		"until":   {Until: morning},
	} {
		if f.Match(e) {
			t.Errorf("%s: it is chosen", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e, err := Seal(Head{}, Entry{At: morning, Kind: KindNote, By: bot.PersonID("alice"), Text: "<é>", Fields: map[string]string{"a": "b"}}, plain)
	if err != nil {
		f.Fatal(err)
	}
	line, err := Encode(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"version":"1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(e)
		if err != nil || string(again) != string(b) {
			t.Errorf("%q is read, and written as %q (%v)", b, again, err)
		}
	})
}
