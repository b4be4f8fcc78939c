package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// approvals lists the plans that wait, run, or are queued; with an id, and in a
// plan's thread, one plan as it stands.
func approvals(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, one, err := planNamed(ctx, call)
	if err != nil {
		return nil, err
	}
	if _, all := call.Args["all"]; one && !all {
		return bot.Say{Message: planInFull(th, call)}, nil
	}
	waiting, err := call.World.Plans(ctx)
	if err != nil {
		return nil, err
	}
	if len(waiting) == 0 {
		return bot.Say{Message: bot.Message{Title: bot.Line(bot.T("Nothing waits for an approval, and nothing runs."))}}, nil
	}
	m := bot.Message{Title: bot.Line(bot.B(phrase.Count(len(waiting), "plan", "plans") + " not over"))}
	var items []bot.Text
	for _, th := range waiting {
		items = append(items, planItem(th, call))
	}
	m.Blocks = lists(items)
	m.Note = bot.Quoted("`approvals PLAN` shows one whole.")
	return bot.Say{Message: m}, nil
}

func planItem(th bot.Thread, call bot.Call) bot.Text {
	st := th.State.Plan
	p := st.Proposal
	t := bot.Line(bot.B(string(p.State)), bot.T(": "+p.Plan.Draft.Summary+", asked for by "+string(p.Plan.Requester)))
	if p.State.Open() {
		if len(p.Plan.Rule.Approvers) > 0 {
			t = append(t, bot.T(fmt.Sprintf("; %d of %d agreed", agreed(p), int(p.Plan.Rule.Count))))
		} else {
			t = append(t, bot.T("; nobody is asked"))
		}
		if last := lastMoment(p); !last.IsZero() {
			t = append(t, bot.T(", until "+clockText(last, call.World.Zone(), call.Now)))
		}
	}
	if p.State == bot.Confirming && !p.ConfirmBy.IsZero() {
		t = append(t, bot.T("; undone unless somebody says by "+clockText(p.ConfirmBy, call.World.Zone(), call.Now)+" that all is well"))
	}
	return append(t, bot.T(" · "), bot.M(string(p.Plan.ID)))
}

// lastMoment is when it ends by itself.
func lastMoment(p bot.Proposal) (t time.Time) {
	t = p.Plan.NotAfter
	if !p.ShownAt.IsZero() && p.State == bot.Waiting {
		if within := p.ShownAt.Add(p.Plan.Rule.ApproveWithin.Duration()); within.Before(t) {
			t = within
		}
	}
	if p.State == bot.Queued && !p.Until.IsZero() {
		t = p.Until
	}
	if p.State == bot.Confirming && !p.ConfirmBy.IsZero() {
		t = p.ConfirmBy
	}
	return t
}

func agreed(p bot.Proposal) int {
	n := 0
	for _, d := range p.Decisions {
		if d.Verdict == bot.Approve && d.Withdrawn.IsZero() {
			n++
		}
	}
	return n
}

// planInFull shows the whole plan again. It opens no approvals: only the plan's
// own thread does.
func planInFull(th bot.Thread, call bot.Call) bot.Message {
	st := th.State.Plan
	m := bot.Message{Title: planItem(th, call), Note: bot.Line(bot.T("digest "), bot.M(st.Proposal.Digest))}
	if st.Proposal.Why != "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(st.Proposal.Why))})
	}
	if st.Rendered == "" {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Quoted(st.Closed)})
		return m
	}
	m.Blocks = append(m.Blocks, bot.Pre{Body: st.Rendered})
	return m
}

// planNamed is the plan that a command names, or in whose thread it was said; ok is
// false where that is none.
func planNamed(ctx context.Context, call bot.Call) (th bot.Thread, ok bool, err error) {
	if id, named := call.Args["plan"]; named {
		th, err = call.World.Plan(ctx, bot.PlanID(id.Text))
		return th, err == nil, err
	}
	if call.Thread == "" {
		return bot.Thread{}, false, nil
	}
	f, err := call.World.Thread(ctx, call.Thread)
	if err != nil && !notFound(err) { // a thread that is none of ours
		return bot.Thread{}, false, err
	}
	return f.Thread, err == nil && f.Thread.State.Plan != nil, nil
}

// planMeant is that plan for commands that are about one.
func planMeant(ctx context.Context, call bot.Call) (bot.Thread, error) {
	th, ok, err := planNamed(ctx, call)
	if err != nil || ok {
		return th, err
	}
	return bot.Thread{}, bot.Errorf(bot.CodeInvalid, "Which plan? Write `%s pln_ABCD`; `approvals` lists them.", call.Command)
}

func approve(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := planMeant(ctx, call)
	if err != nil {
		return nil, err
	}
	out := bot.Decide{Plan: th.State.Plan.Proposal.Plan.ID, Verdict: bot.Approve}
	out.Code, out.Signature = proofOf(call)
	return out, nil
}

// proofOf is what came with a word, one or the other.
func proofOf(call bot.Call) (code, signature string) {
	proof := call.Args["proof"].Text
	if strings.HasPrefix(proof, signatureBegin) {
		return "", proof
	}
	return proof, ""
}

func deny(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := planMeant(ctx, call)
	if err != nil {
		return nil, err
	}
	return bot.Decide{Plan: th.State.Plan.Proposal.Plan.ID, Verdict: bot.Deny, Reason: call.Args["reason"].Text}, nil
}

// Words that keep a plan from being run.
const (
	nameDeny   = "deny"
	nameCancel = "cancel"
)

// Stops tells whether a line denies or cancels a plan, by its words alone: which of the
// two it is, and which plan, by its id or a beginning of it, "" for the one in whose
// thread it is said. A line that does not read whole stops nothing.
func (i *Interpreter) Stops(line string, inThread bool) (word string, plan bot.PlanID, ok bool) {
	line, _ = withoutPrefix(clean(line))
	if len(line) > lineMost {
		return "", "", false
	}
	c, _, after := i.resolve(reader{line: line})
	if c == nil || c.Name != nameDeny && c.Name != nameCancel {
		return "", "", false
	}
	p := parser{command: c, line: line, r: after, inThread: inThread}
	args, err := p.parse()
	plan = bot.PlanID(args["plan"].Text)
	return c.Name, plan, err == nil && (plan != "" || inThread)
}

// Agrees tells whether a line, as far as it can be read, lets something run: an approval,
// or a word that all is well. It must not pass a word against it on its way.
func (i *Interpreter) Agrees(line string) bool {
	line, _ = withoutPrefix(clean(line))
	if len(line) > lineMost {
		return false
	}
	c, _, _ := i.resolve(reader{line: line})
	return c != nil && (c.Name == "approve" || c.Name == "confirm")
}

func cancel(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := planMeant(ctx, call)
	if err != nil {
		return nil, err
	}
	return bot.Cancel{Plan: th.State.Plan.Proposal.Plan.ID, Reason: call.Args["reason"].Text}, nil
}

func confirm(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := planMeant(ctx, call)
	if err != nil {
		return nil, err
	}
	if s := th.State.Plan.Proposal.State; s != bot.Confirming {
		return nil, bot.Errorf(bot.CodeConflict, "Nothing waits for that word: it is %s.", s)
	}
	out := bot.Confirm{Plan: th.State.Plan.Proposal.Plan.ID}
	out.Code, out.Signature = proofOf(call)
	return out, nil
}

// statement gives what somebody signs with `watchstander approve`.
func statement(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	th, err := planMeant(ctx, call)
	if err != nil {
		return nil, err
	}
	p := th.State.Plan.Proposal
	id, verdict := p.Plan.ID, bot.Approve
	if p.State == bot.Confirming {
		verdict = bot.AllIsWell
	}
	if steps := p.Plan.Rule.StepUp; (p.State.Open() || p.State == bot.Confirming) && !slices.Contains(steps, bot.StepSSH) {
		return nil, bot.Errorf(bot.CodeConflict, "There is nothing to sign: the rule of this plan wants no signature. %s", withoutSignature(verdict, id, steps))
	}
	slip, err := call.World.Slip(ctx, id, call.By.ID, verdict, "")
	if err != nil {
		return nil, err
	}
	m := bot.Message{Title: bot.Line(bot.B("Your statement"), bot.T(" on "), bot.M(string(id)), bot.T(", for "+string(call.By.ID)+" alone")),
		Blocks: []bot.Block{bot.Para{Text: bot.Quoted("Give it to `watchstander approve` where your key is. It shows the plan, and you sign what it shows; then paste what it prints here, as `" + string(verdict) + " " + string(id) + "` and the signature below.")},
			bot.Pre{Body: slip}}}
	return bot.Say{Message: m}, nil
}

// withoutSignature is how somebody agrees to a plan that wants none.
func withoutSignature(v bot.Verdict, id bot.PlanID, steps []bot.StepUp) string {
	switch word := string(v) + " " + string(id); {
	case len(steps) == 0:
		return "`" + word + "` is enough."
	case slices.Contains(steps, bot.StepTOTP):
		return "`" + word + " CODE` gives the code that it wants."
	default:
		return "It wants a word on the host itself."
	}
}

const signatureBegin = "-----BEGIN SSH SIGNATURE-----"
const signatureEnd = "-----END SSH SIGNATURE-----"

// plan reads a plan's id, as thread does a thread's.
func (p *parser) plan(w word) (id string, ok bool) {
	const prefix, least, most = "pln_", 4, 64
	if w.quoted || len(w.text) > most {
		return "", false
	}
	text := w.text
	named := len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
	if named {
		text = text[len(prefix):]
	}
	if !named && (p.inThread || len(text) < least || strings.Trim(text, "0123456789") == "" || w.is("because", "by", "find", "kind", "since")) {
		return "", false // a code has digits alone
	}
	if !named && p.shape && !strings.ContainsAny(text, "234567") {
		return "", false // more likely a word than a part of an id
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return "", false
		}
	}
	return prefix + strings.ToUpper(text), true
}

// because reads a reason: all that follows the word.
func (p *parser) because(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	if !w.is("because") {
		return v, false, nil
	}
	why := unquoted(ahead.rest())
	if why == "" {
		return v, false, p.wrong(w, "needs a reason behind it.")
	}
	ahead.at = len(ahead.line)
	return bot.Value{Text: why}, true, nil
}

// proof reads a code, or an SSH signature as `watchstander approve` prints it.
func (p *parser) proof(w word, ahead *reader) (v bot.Value, fits bool, err error) {
	rest := strings.TrimSpace(strings.Trim(strings.TrimSpace(p.r.rest()), "`"))
	if strings.HasPrefix(rest, signatureBegin) {
		if !strings.HasSuffix(rest, signatureEnd) {
			return v, false, p.wrong(w, "begins a signature that has no end; paste all of it.")
		}
		ahead.at = len(ahead.line)
		return bot.Value{Text: rest}, true, nil
	}
	rest = strings.TrimFunc(rest, func(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) })
	if c := codesOf(rest); len(c) != 1 || c[0] != rest {
		return v, false, nil
	}
	ahead.at = len(ahead.line)
	return bot.Value{Text: digitsOf(rest)}, true, nil
}
