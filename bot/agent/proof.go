package agent

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/bot/plan"
)

// proof is what the agent itself found of a word's worth. Nothing in it is what
// the bot claims, but the name of the chat.
type proof struct {
	step bot.StepUp
	door string
	// statement is the one that was signed, nil without a signature.
	statement *bot.Statement
}

// given is what came with a word: what it is about, and its proof.
type given struct {
	plan      bot.PlanID
	verdict   bot.Verdict
	code      string
	signature string
	said      api.Said
}

// proven looks at what came with a word. What is there and wrong is an error;
// what is not there proves nothing.
func (c *Core) proven(caller Caller, person Person, q given) (proof, error) {
	chat := proof{door: short(q.said.Door)}
	switch {
	case caller.kind == callerHuman && (q.code != "" || q.signature != ""):
		return proof{door: doorHost}, bot.Errorf(bot.CodeInvalid, "At the host neither a code nor a signature is needed.")
	case caller.kind == callerHuman:
		return proof{step: bot.StepHost, door: doorHost}, nil
	case q.said.Door == gate.DoorHost || q.said.Door == gate.DoorSSH:
		return proof{}, bot.Errorf(bot.CodeForbidden, "What comes from the bot does not come by %s.", q.said.Door)
	case q.code != "" && q.signature != "":
		return chat, bot.Errorf(bot.CodeInvalid, "Give a code or a signature, not both.")
	case q.code != "":
		if err := c.spend(person, q); err != nil {
			return chat, err
		}
		return proof{step: bot.StepTOTP, door: chat.door}, nil
	case q.signature != "":
		statement, err := c.signed(person, q)
		if err != nil {
			return chat, err
		}
		return proof{step: bot.StepSSH, door: gate.DoorSSH, statement: statement}, nil
	}
	return chat, nil
}

// Bounds of statements that wait for a signature.
const (
	statementLife       = 10 * time.Minute
	maxStatements       = 20 // of one plan, used ones too
	maxStatementsPerson = 5  // of one plan and person, unused
)

// signed finds the statement that was signed: one that this agent made for this
// person and this verdict, that lives, and that was not used.
func (c *Core) signed(person Person, q given) (*bot.Statement, error) {
	r, err := c.find(q.plan)
	if err != nil {
		return nil, err
	}
	if len(person.Keys) == 0 {
		return nil, bot.Errorf(bot.CodeForbidden, "The agent of %s knows no SSH key of %s.", c.o.Host.Name, person.ID)
	}
	rendered, err := plan.Render(r.Proposal.Plan)
	if err != nil {
		return nil, err
	}
	why := bot.Errorf(bot.CodeForbidden, "The signature does not count: no statement of %s about %s waits for one, or its time is over. Ask for a new one.", person.ID, r.id())
	for _, s := range r.Statements {
		x := s.Statement
		if x.Approver != person.ID || x.Verdict != q.verdict || !s.UsedAt.IsZero() || !plan.Alive(x, c.now()) {
			continue
		}
		x.Rendered = rendered
		if err := plan.Check(x, r.Proposal.Plan); err != nil {
			return nil, err
		}
		if err := plan.VerifySignature(x, q.signature, person.Keys); err == nil {
			return &x, nil
		} else {
			why = bot.Errorf(bot.CodeForbidden, "The signature does not count: it is of no statement that waits for one.").Because(err)
		}
	}
	return nil, why
}

// use marks a statement as used.
func (r *record) use(nonce string, at time.Time) error {
	i := slices.IndexFunc(r.Statements, func(s statement) bool { return s.Statement.Nonce == nonce && s.UsedAt.IsZero() })
	if i < 0 {
		return bot.Errorf(bot.CodeConflict, "This statement was used already.")
	}
	r.Statements[i].UsedAt = at
	return nil
}

// Statement makes what a person may sign about a plan. It lives ten minutes, so
// that a denial that a captured bot holds back cannot be outlived by an approval;
// or, where the plan waits for its window, until that window ends.
func (c *Core) Statement(_ context.Context, caller Caller, q api.Statement) (bot.Statement, error) {
	person, err := c.who(caller, q.Person)
	if err != nil {
		return bot.Statement{}, err
	}
	if len(person.Keys) == 0 {
		return bot.Statement{}, bot.Errorf(bot.CodeForbidden, "The agent of %s knows no SSH key of %s: add one to its file of people.", c.o.Host.Name, person.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.pace(caller); err != nil {
		return bot.Statement{}, err
	}
	r, err := c.find(q.Plan)
	switch {
	case err != nil:
		return bot.Statement{}, err
	case q.Verdict == bot.AllIsWell && r.Proposal.State != bot.Confirming:
		return bot.Statement{}, notConfirming(r.Proposal)
	case q.Verdict != bot.AllIsWell && !r.Proposal.State.Open():
		return bot.Statement{}, late(r.Proposal)
	case r.Standing != "" || r.Glass != "":
		return bot.Statement{}, bot.Errorf(bot.CodeConflict, "Nobody is asked to agree to this one.")
	case len([]rune(q.Reason)) > api.MaxReason:
		return bot.Statement{}, bot.Errorf(bot.CodeInvalid, "The reason is longer than %d characters.", api.MaxReason)
	}
	now := c.now()
	r = r.copied()
	r.Statements = slices.DeleteFunc(r.Statements, func(s statement) bool { return s.UsedAt.IsZero() && !plan.Alive(s.Statement, now) })
	theirs := 0
	for _, s := range r.Statements {
		if s.Statement.Approver == person.ID && s.UsedAt.IsZero() {
			theirs++
		}
	}
	if theirs >= maxStatementsPerson || len(r.Statements) >= maxStatements {
		return bot.Statement{}, bot.Errorf(bot.CodeConflict, "Enough statements about %s wait for a signature already; use one, or wait %s.", r.id(), phrase.Duration(statementLife))
	}
	until := now.Add(statementLife)
	if rule := r.Proposal.Plan.Rule; q.Verdict != bot.AllIsWell && rule.Queue && len(rule.Windows) > 0 {
		if _, _, open := gate.Open(rule.Windows, now); !open {
			if _, end, ok := gate.NextOpen(rule.Windows, now); ok {
				until = end
			}
		}
	}
	s, err := plan.NewStatement(r.Proposal.Plan, person.ID, q.Verdict, q.Reason, rand.Text(), now, until)
	if err != nil {
		return bot.Statement{}, err
	}
	kept := s
	kept.Rendered = "" // the plan is there, and what it is in words follows from it
	r.Statements = append(r.Statements, statement{Statement: kept})
	e := c.entry(journal.KindNote, r.id(), "%s was given a statement to sign (%s), until %s.", person.ID, s.Verdict, phrase.Moment(s.Until, time.UTC, now))
	e.By = person.ID
	e.Fields[journal.FieldDigest] = s.Digest
	if err := c.commit(r, e); err != nil {
		return bot.Statement{}, err
	}
	return s, nil
}
