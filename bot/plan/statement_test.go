package plan

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// stated is alice's yes to the sample.
func stated(t testing.TB) bot.Statement {
	t.Helper()
	from := sample().MintedAt.Add(5 * time.Minute)
	s, err := NewStatement(sample(), "alice", bot.Approve, "", "K7QF2M", from, from.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// falsified are statements that are not alice's yes to the sample, and how.
func falsified(t testing.TB) map[string]bot.Statement {
	t.Helper()
	out := map[string]bot.Statement{}
	for name, change := range map[string]func(*bot.Statement){
		"another host":      func(s *bot.Statement) { s.Host = "lugh" },
		"another machine":   func(s *bot.Statement) { s.MachineID = strings.Repeat("f", 32) },
		"another plan":      func(s *bot.Statement) { s.Plan += "2" },
		"another nonce":     func(s *bot.Statement) { s.Nonce += "2" },
		"another digest":    func(s *bot.Statement) { s.Digest = strings.Repeat("f", 64) },
		"another verdict":   func(s *bot.Statement) { s.Verdict = bot.Deny },
		"another reason":    func(s *bot.Statement) { s.Reason = "because" },
		"another approver":  func(s *bot.Statement) { s.Approver = "mallory" },
		"another requester": func(s *bot.Statement) { s.Requester = "mallory" },
		"another end":       func(s *bot.Statement) { s.NotAfter = s.NotAfter.Add(time.Hour) },
		"an earlier from":   func(s *bot.Statement) { s.From = s.From.Add(-time.Millisecond) },
		"a later until":     func(s *bot.Statement) { s.Until = s.Until.Add(time.Millisecond) },
		"other words":       func(s *bot.Statement) { s.Rendered = strings.Replace(s.Rendered, "42 to 41", "42 to 43", 1) },
		"a blank more":      func(s *bot.Statement) { s.Rendered += " " },
	} {
		s := stated(t)
		change(&s)
		out[name] = s
	}
	return out
}

// ofThisPlan tells whether only that differs which a plan does not say.
func ofThisPlan(name string) bool {
	switch name {
	case "another nonce", "another verdict", "another reason", "another approver", "an earlier from", "a later until":
		return true
	}
	return false
}

func TestNewStatement(t *testing.T) {
	s := stated(t)
	p := sample()
	if s.Digest != Digest([]byte(canonicalOf(t, p))) || s.Rendered != rendered(t, p) || s.Host != "vulcan" || s.MachineID != p.MachineID ||
		s.Requester != "bob" || s.Approver != "alice" || s.Plan != p.ID || !s.NotAfter.Equal(p.NotAfter) {
		t.Errorf("%+v", s)
	}
	odd := time.FixedZone("", 3600)
	long, err := NewStatement(p, "alice", bot.Deny, "no", "n", p.MintedAt.In(odd).Add(123_456), p.NotAfter.AddDate(1, 0, 0))
	if err != nil || !long.From.Equal(p.MintedAt) || !long.Until.Equal(p.NotAfter) || long.From.Location() != time.UTC {
		t.Errorf("%+v, %v", long, err)
	}
	for name, err := range map[string]error{
		"nobody":        fails(NewStatement(p, "", bot.Approve, "", "n", p.MintedAt, p.NotAfter)),
		"no nonce":      fails(NewStatement(p, "alice", bot.Approve, "", "", p.MintedAt, p.NotAfter)),
		"no verdict":    fails(NewStatement(p, "alice", "perhaps", "", "n", p.MintedAt, p.NotAfter)),
		"no time":       fails(NewStatement(p, "alice", bot.Approve, "", "n", p.MintedAt, p.MintedAt)),
		"no beginning":  fails(NewStatement(p, "alice", bot.Approve, "", "n", time.Time{}, p.NotAfter)),
		"after the end": fails(NewStatement(p, "alice", bot.Approve, "", "n", p.NotAfter, p.NotAfter.Add(time.Minute))),
		"a hidden word": fails(NewStatement(p, "alice", bot.Deny, "n\u200Bo", "n", p.MintedAt, p.NotAfter)),
		"no plan":       fails(NewStatement(bot.Plan{}, "alice", bot.Deny, "", "n", p.MintedAt, p.NotAfter)),
	} {
		if !invalidError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func fails[T any](_ T, err error) error { return err }

func TestAlive(t *testing.T) {
	s := stated(t)
	for at, want := range map[time.Time]bool{
		s.From: true, s.From.Add(-1): false, s.Until: false, s.Until.Add(-1): true, s.Until.Add(time.Hour): false,
	} {
		if Alive(s, at) != want {
			t.Errorf("at %v: %v", at, !want)
		}
	}
	s.Until, s.NotAfter = s.From.Add(time.Hour), s.From.Add(time.Minute) // which no statement has, but for a forger's
	if Alive(s, s.NotAfter) {
		t.Error("it outlives its plan")
	}
}

func TestStatementBytes(t *testing.T) {
	b, err := StatementBytes(stated(t))
	if err != nil {
		t.Fatal(err)
	}
	const start = `{"approver":"alice","digest":"`
	if !strings.HasPrefix(string(b), start) || !strings.HasSuffix(string(b), `,"until":"2026-03-28T20:30:30.12Z","verdict":"approve","version":"1"}`) {
		t.Errorf("%s", b)
	}
	s, err := ParseStatement(b)
	if err != nil || s != stated(t) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "{}", "null", string(b) + "\n", strings.Replace(string(b), `"reason":""`, `"reason":"","rebson":""`, 1),
		strings.Replace(string(b), `"reason":""`, `"Reason":""`, 1), strings.Replace(string(b), `"version":"1"`, `"version":"2"`, 1),
		strings.Replace(string(b), `"verdict":"approve"`, `"verdict":"Approve"`, 1)} {
		if s, err := ParseStatement([]byte(bad)); !invalidError(err) {
			t.Errorf("%.80q: %+v, %v", bad, s, err)
		}
	}
	seen := map[string]bool{string(b): true}
	for name, s := range falsified(t) {
		b, err := StatementBytes(s)
		if err != nil || seen[string(b)] {
			t.Errorf("%s: %v", name, err)
		}
		seen[string(b)] = true
	}
}

func TestCheck(t *testing.T) {
	if err := Check(stated(t), sample()); err != nil {
		t.Error(err)
	}
	for name, s := range falsified(t) {
		err := Check(s, sample())
		if ofThisPlan(name) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if _, rerr := RenderStatement(s, sample()); (rerr == nil) != (err == nil) {
			t.Errorf("%s is shown (%v)", name, rerr)
		}
	}
	// A statement about the plan as it was before it changed (attack 1).
	for _, l := range leaves() {
		p := sample()
		l.change(&p)
		if Check(stated(t), p) == nil {
			t.Errorf("%s may change", l.path)
		}
	}
}

func TestSlip(t *testing.T) {
	text, err := EncodeSlip(stated(t), sample())
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 4000 {
		t.Errorf("a slip of %d bytes", len(text))
	}
	for name, copied := range map[string]string{
		"as it is":          text,
		"with text":         "alice, please sign this harmless thing:\n```\n" + text + "```\nthank you",
		"set in":            "  " + strings.ReplaceAll(text, "\n", "\r\n\t  "),
		"in one line":       strings.ReplaceAll(strings.ReplaceAll(text, "SLIP-----\n", "SLIP-----"), "=\n", "="),
		"in lines of ten":   rebroken(text),
		"from a console":    "12:30   t1 │ · Your statement\n             │   " + strings.ReplaceAll(rebroken(text), "\n", "\n             │   "),
		"from a narrow one": strings.ReplaceAll(strings.ReplaceAll(text, "WATCHSTANDER", "WATCH\n      │ STANDER"), "\n", "\n      │ "),
	} {
		slip, err := DecodeSlip(copied)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if slip.Statement != stated(t) || canonicalOf(t, slip.Plan) != canonicalOf(t, sample()) {
			t.Errorf("%s: %+v", name, slip)
		}
	}
}

func rebroken(text string) string {
	block, _ := pem.Decode([]byte(text))
	body := base64.StdEncoding.EncodeToString(block.Bytes)
	var b strings.Builder
	for i := 0; i < len(body); i += 10 {
		b.WriteString(body[i:min(i+10, len(body))] + "\n")
	}
	return slipBegin + "\n" + b.String() + slipEnd
}

// What a captured bot makes of a slip: the words beside another plan, another
// plan beside the words, two slips, or no end of it (attack 29).
func TestFalseSlips(t *testing.T) {
	for name, s := range falsified(t) {
		if text, err := EncodeSlip(s, sample()); (err == nil) != ofThisPlan(name) {
			t.Errorf("%s: %.60s, %v", name, text, err)
		}
		b, err := StatementBytes(s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = DecodeSlip(packed(t, canonicalOf(t, sample())+"\n"+string(b)))
		if (err == nil) != ofThisPlan(name) {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
	b, err := StatementBytes(stated(t))
	if err != nil {
		t.Fatal(err)
	}
	p := sample()
	p.Arguments = bot.Arguments{"generation": {"1"}}
	good := packed(t, canonicalOf(t, sample())+"\n"+string(b))
	if _, err := DecodeSlip(good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"no end":            strings.TrimSuffix(strings.TrimSpace(good), slipEnd),
		"two":               good + good,
		"two in each other": slipBegin + "\n" + good,
		"no base64":         strings.Replace(good, "\n", "\n!", 1),
		"a part":            strings.Replace(good, good[60:100], "", 1),
		"a changed byte":    strings.Replace(good, good[200:201], "+", 1),
		"no zlib":           slipBegin + "\nAAAA\n" + slipEnd,
		"another plan":      packed(t, canonicalOf(t, p)+"\n"+string(b)),
		"the plan alone":    packed(t, canonicalOf(t, sample())),
		"three":             packed(t, canonicalOf(t, sample())+"\n"+string(b)+"\n"),
		"a plan's break":    packed(t, " "+canonicalOf(t, sample())+"\n"+string(b)),
		"a bomb":            packed(t, strings.Repeat(" ", 64<<20)),
		"no end of text":    strings.Repeat("x", maxSlip+1),
	} {
		if slip, err := DecodeSlip(text); err == nil {
			t.Errorf("%s: %+v", name, slip)
		} else if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeInvalid && e.Code != bot.CodeConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
}
