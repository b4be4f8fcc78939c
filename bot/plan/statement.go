package plan

import (
	"bytes"
	"regexp"
	"strings"
	"time"

	"watchstander/bot"
)

// NewStatement is what approver says of the plan, ready to be signed. The nonce
// is the agent's, and random; from and until bound the statement's own life, cut
// to whole milliseconds and to the plan's end; a run that waits for somebody's
// word (bot.AllIsWell) may have outlived that.
func NewStatement(p bot.Plan, approver bot.PersonID, verdict bot.Verdict, reason, nonce string, from, until time.Time) (bot.Statement, error) {
	b, err := Canonical(p)
	if err != nil {
		return bot.Statement{}, err
	}
	rendered, err := Render(p)
	if err != nil {
		return bot.Statement{}, err
	}
	s := bot.Statement{Version: bot.PlanVersion, Host: p.Host, MachineID: p.MachineID, Plan: p.ID, Nonce: nonce, Digest: Digest(b),
		Verdict: verdict, Reason: reason, Approver: approver, Requester: p.Requester, NotAfter: p.NotAfter.UTC(),
		From: from.UTC().Truncate(time.Millisecond), Until: until.UTC().Truncate(time.Millisecond), Rendered: rendered}
	if s.Until.After(s.NotAfter) && verdict != bot.AllIsWell {
		s.Until = s.NotAfter
	}
	if _, err := StatementBytes(s); err != nil {
		return bot.Statement{}, err
	}
	return s, nil
}

// Alive tells whether a signature under the statement counts at this moment:
// from From on, before Until, and, but for bot.AllIsWell, before the plan's end.
func Alive(s bot.Statement, now time.Time) bool {
	return !now.Before(s.From) && now.Before(s.Until) && (now.Before(s.NotAfter) || s.Verdict == bot.AllIsWell)
}

// StatementBytes are the bytes that are signed: the statement's canonical form.
func StatementBytes(s bot.Statement) ([]byte, error) {
	b, err := canonical("statement", s)
	if err != nil {
		return nil, err
	}
	if err := statementFault(s); err != nil {
		return nil, err
	}
	return b, nil
}

// ParseStatement reads what StatementBytes wrote, and nothing else. That the
// statement fits a plan is told by Check alone.
func ParseStatement(b []byte) (bot.Statement, error) {
	var s bot.Statement
	if err := parse("statement", b, &s); err != nil {
		return bot.Statement{}, err
	}
	again, err := StatementBytes(s)
	if err != nil {
		return bot.Statement{}, err
	}
	if !bytes.Equal(b, again) {
		return bot.Statement{}, notCanonical("statement")
	}
	return s, nil
}

// Check tells whether the statement is about this very plan, and says of it what
// the plan itself says. An agent checks against the plan that it keeps.
func Check(s bot.Statement, p bot.Plan) error {
	want, err := NewStatement(p, s.Approver, s.Verdict, s.Reason, s.Nonce, s.From, s.Until)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		what      string
		got, want string
	}{
		{"the plan", string(s.Plan), string(want.Plan)},
		{"the host", s.Host, want.Host},
		{"the machine id", s.MachineID, want.MachineID},
		{"the digest", s.Digest, want.Digest},
		{"the requester", string(s.Requester), string(want.Requester)},
		{"the plan's end", s.NotAfter.UTC().String(), want.NotAfter.String()},
		{"the statement's end", s.Until.UTC().String(), want.Until.String()},
		{"the plan in words", s.Rendered, want.Rendered},
	} {
		if x.got != x.want {
			return bot.Errorf(bot.CodeConflict, "The statement is not about this plan: %s is another.", x.what)
		}
	}
	got, err := StatementBytes(s)
	if err != nil {
		return err
	}
	if b, err := StatementBytes(want); err != nil || !bytes.Equal(got, b) {
		return bot.Errorf(bot.CodeConflict, "The statement is not about this plan.")
	}
	return nil
}

// RenderStatement is what an approver reads before signing: the plan in words,
// and what the signature will say of it. A statement about anything else is an
// error.
func RenderStatement(s bot.Statement, p bot.Plan) (string, error) {
	if err := Check(s, p); err != nil {
		return "", err
	}
	var w page
	w.b.WriteString(s.Rendered)
	w.heading("What is signed (form %d)", s.Version)
	w.named("who says it", string(s.Approver))
	says := strings.ToUpper(string(s.Verdict))
	if s.Verdict == bot.AllIsWell {
		says += ": it ran, and all is well; it is not to be undone"
	}
	w.named("says", says)
	if s.Reason != "" {
		w.named("because", s.Reason)
	}
	w.named("of plan", string(s.Plan))
	w.named("on host", s.Host+", machine id "+s.MachineID)
	w.named("asked by", string(s.Requester))
	w.instant("counts from", s.From, nil)
	w.instant("until", s.Until, nil)
	w.instant("plan's end", s.NotAfter, nil)
	w.named("nonce", s.Nonce)
	w.text("of the digest")
	w.raw(Grouped(s.Digest))
	return w.b.String(), nil
}

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func statementFault(s bot.Statement) error {
	if s.Version != bot.PlanVersion {
		return invalid("The statement is of version %d; this program knows %d.", s.Version, bot.PlanVersion)
	}
	for what, text := range map[string]string{"host": s.Host, "machine id": s.MachineID, "plan": string(s.Plan), "nonce": s.Nonce,
		"approver": string(s.Approver), "requester": string(s.Requester), "plan in words": s.Rendered} {
		if text == "" {
			return invalid("The statement has no %s.", what)
		}
	}
	switch {
	case !digestForm.MatchString(s.Digest):
		return invalid("The statement has no digest.")
	case s.Verdict != bot.Approve && s.Verdict != bot.Deny && s.Verdict != bot.AllIsWell:
		return invalid("The statement says neither yes nor no (%.40q).", s.Verdict)
	case s.From.IsZero() || !s.Until.After(s.From):
		return invalid("The statement must end after it begins.")
	case s.Until.After(s.NotAfter) && s.Verdict != bot.AllIsWell:
		return invalid("The statement must end with its plan.")
	}
	return nil
}
