package view

import (
	"fmt"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// planRoot shows what was asked for and where it stands: the state in a word,
// who agreed so far and who must, until when, and what came of it. The plan
// itself stands below, whole.
func planRoot(f bot.ThreadFacts, s Style) bot.Message {
	st := f.Thread.State.Plan
	p := st.Proposal
	rule := p.Plan.Rule
	tone, word := planState(*st)
	m := bot.Message{Tone: tone, Note: bot.Line(bot.M(string(p.Plan.ID)), bot.T(" · digest "), bot.M(shortDigest(p.Digest)))}
	m.Title = bot.Line(bot.B(word), bot.T(": "+p.Plan.Draft.Summary))
	switch {
	case p.State == bot.Waiting && len(agreed(p)) == 0 && len(rule.Windows) == 0:
		// Who must agree, and until when, stands in the fields.
	case p.Why != "":
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(p.Why))})
	case st.Closed != "":
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T(st.Closed))})
	}
	m.Blocks = append(m.Blocks, bot.Fields{Fields: planFields(*st, s)})
	if evidence := readingItems(p.Evidence, s); len(evidence) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Evidence"))}, bot.List{Items: evidence})
	}
	if how := howToDecide(*st); how != nil {
		m.Blocks = append(m.Blocks, bot.Para{Text: how})
	}
	m.Actions = planActions(*st)
	return m
}

// planState is the state in a word or two, with its colour.
func planState(st bot.PlanState) (bot.Tone, string) {
	p := st.Proposal
	if p.State.Open() && st.Closed != "" {
		return bot.ToneUnknown, "CANNOT BE APPROVED HERE"
	}
	switch p.State {
	case bot.Proposed:
		return bot.ToneInfo, "ASKED FOR"
	case bot.Waiting:
		if p.Plan.Rule.Unasked() {
			return bot.ToneInfo, "STARTS BY ITSELF"
		}
		n := int(p.Plan.Rule.Count)
		if enough(p) {
			return bot.ToneInfo, "WAITS TO START"
		}
		if n == 1 {
			return bot.ToneWarning, "WAITS FOR AN APPROVAL"
		}
		return bot.ToneWarning, fmt.Sprintf("WAITS FOR %d APPROVALS", n)
	case bot.Queued:
		return bot.ToneInfo, "QUEUED"
	case bot.Running:
		return bot.ToneWarning, "RUNNING"
	case bot.Confirming:
		return bot.ToneWarning, "WAITS FOR A WORD THAT ALL IS WELL"
	case bot.Done:
		return bot.ToneOK, "DONE"
	case bot.Failed:
		return bot.ToneCritical, "FAILED"
	case bot.Undone:
		return bot.ToneCritical, "UNDONE"
	case bot.UndoFailed:
		return bot.ToneCritical, "UNDOING FAILED"
	case bot.Interrupted:
		return bot.ToneCritical, "INTERRUPTED"
	case bot.Denied:
		return bot.ToneMuted, "DENIED"
	case bot.Expired:
		return bot.ToneMuted, "EXPIRED"
	case bot.Cancelled:
		return bot.ToneMuted, "CANCELLED"
	case bot.Stale:
		return bot.ToneMuted, "STALE"
	}
	return bot.ToneUnknown, "UNKNOWN"
}

// PlanWaits is what a plan waits for, in small letters.
func PlanWaits(st bot.PlanState) string {
	_, word := planState(st)
	return strings.ToLower(word)
}

func planFields(st bot.PlanState, s Style) []bot.Field {
	p := st.Proposal
	rule := p.Plan.Rule
	field := func(name, value string) bot.Field { return bot.Field{Name: name, Value: bot.Line(bot.T(value))} }
	out := []bot.Field{field("Host", st.Host), field("Asked for by", string(p.Plan.Requester)), field("Risk", string(rule.Risk))}
	if p.State.Open() {
		out = append(out, field("Needs", needs(rule)))
	}
	var yes []string
	for _, d := range agreed(p) {
		yes = append(yes, string(d.Person)+by(d))
	}
	if len(yes) > 0 {
		out = append(out, field("Agreed", strings.Join(yes, ", ")))
	}
	if st.Mends != "" {
		out = append(out, bot.Field{Name: "For", Value: bot.Line(bot.M(string(st.Mends)))})
	}
	if p.State == bot.Waiting && !p.ShownAt.IsZero() {
		until := p.ShownAt.Add(rule.ApproveWithin.Duration())
		if p.Plan.NotAfter.Before(until) {
			until = p.Plan.NotAfter
		}
		out = append(out, field("Until", s.Time(until)))
	}
	if p.State == bot.Queued {
		out = append(out, field("Window", s.Time(p.QueuedFor)+" to "+s.Time(p.Until)))
	}
	if p.State == bot.Confirming {
		out = append(out, field("Undone after", s.Time(p.ConfirmBy)))
	}
	if !p.StartedAt.IsZero() {
		out = append(out, field("Started", s.Time(p.StartedAt)))
	}
	if !p.EndedAt.IsZero() {
		ended := s.Time(p.EndedAt)
		if !p.StartedAt.IsZero() {
			ended += ", after " + phrase.Duration(p.EndedAt.Sub(p.StartedAt))
		}
		out = append(out, field("Ended", ended))
	}
	if p.Unit != "" && !p.State.Over() {
		out = append(out, bot.Field{Name: "Unit", Value: bot.Line(bot.M(p.Unit))})
	}
	return out
}

// agreed are the words for it that were not taken back.
func agreed(p bot.Proposal) []bot.Decision {
	return slices.DeleteFunc(slices.Clone(p.Decisions), func(d bot.Decision) bool { return d.Verdict != bot.Approve || !d.Withdrawn.IsZero() })
}

// enough tells whether as many agreed as must. Whether they still may, the agent
// judges, and says why where it does not start.
func enough(p bot.Proposal) bool {
	people := map[bot.PersonID]bool{}
	for _, d := range agreed(p) {
		people[d.Person] = true
	}
	return len(people) > 0 && len(people) >= int(p.Plan.Rule.Count)
}

// needs is "2 of: approver; not the one who asked; with a signature".
func needs(r bot.Rule) string {
	if r.Unasked() {
		return "nobody's word"
	}
	roles := make([]string, len(r.Approvers))
	for i, x := range r.Approvers {
		roles[i] = string(x)
	}
	text := phrase.Count(int(r.Count), "person", "people") + " with the role " + strings.Join(roles, " or ")
	if r.RequesterCounts {
		text += "; who asked counts"
	} else {
		text += ", other than who asked"
	}
	if len(r.StepUp) > 0 {
		steps := make([]string, len(r.StepUp))
		for i, x := range r.StepUp {
			steps[i] = stepWords[x]
		}
		text += ", " + strings.Join(steps, " or ")
	}
	return text
}

var stepWords = map[bot.StepUp]string{
	bot.StepTOTP: "with a time-based code",
	bot.StepHost: "on the host itself",
	bot.StepSSH:  "with an SSH signature",
}

// by is how a decision came in, where that says something.
func by(d bot.Decision) string {
	if w := stepWords[d.StepUp]; w != "" {
		return " (" + w + ")"
	}
	if d.Door != "" {
		return " (" + d.Door + ")"
	}
	return ""
}

func shortDigest(d string) string { return d[:min(len(d), 12)] }

// howToDecide tells what to type, as far as buttons do not say it.
func howToDecide(st bot.PlanState) bot.Text {
	p := st.Proposal
	id := shortPlan(p.Plan.ID)
	if p.State == bot.Confirming {
		return bot.Quoted(confirmWays(st, id) + " says that all is well; `cancel " + id + "` has it undone at once.")
	}
	if p.Plan.Rule.Unasked() && p.State.Open() && p.Plan.Rule.Name == "break-glass" {
		return bot.Quoted("Root may start it, and can stop it on the host alone.")
	}
	if p.Plan.Rule.Unasked() && p.State.Open() {
		return bot.Quoted("Nobody is asked. Until it runs, an admin stops it with `cancel " + id + "`.")
	}
	if !p.State.Open() || st.Closed != "" {
		return nil
	}
	if len(st.Shown) == 0 && p.Why != "" {
		return nil // it says so
	}
	if len(st.Shown) == 0 {
		return bot.Line(bot.F("Approvals count once the whole plan stands below."))
	}
	if p.State == bot.Queued {
		return bot.Quoted("It starts by itself when its window opens, after a fresh look. Until then `deny " + id + " because …` stops it.")
	}
	return bot.Quoted("Read the whole plan below. To agree: " + waysToAgree(st) + ". To refuse: `deny " + id + " because …`.")
}

// ProofWanted is where a word goes that lacks the proof which the rule wants.
func ProofWanted(st bot.PlanState) string { return "To agree: " + waysToAgree(st) + "." }

// waysToAgree are what to type, and where.
func waysToAgree(st bot.PlanState) string {
	id := shortPlan(st.Proposal.Plan.ID)
	var ways []string
	steps := st.Proposal.Plan.Rule.StepUp
	if len(steps) == 0 {
		ways = append(ways, "`approve "+id+"`")
	}
	if slices.Contains(steps, bot.StepTOTP) {
		ways = append(ways, "`approve "+id+" CODE`")
	}
	if slices.Contains(steps, bot.StepHost) {
		ways = append(ways, "`watchstander approve "+id+"` on "+st.Host+" itself")
	}
	if slices.Contains(steps, bot.StepSSH) {
		ways = append(ways, "`statement "+id+"`, signed with `watchstander approve`")
	}
	return strings.Join(ways, ", or ")
}

// confirmWays are those in which somebody can say that all is well: with as much
// proof as an approval, or at the host.
func confirmWays(st bot.PlanState, id string) string {
	steps := st.Proposal.Plan.Rule.StepUp
	if len(steps) == 0 {
		return "`confirm " + id + "`"
	}
	var ways []string
	if slices.Contains(steps, bot.StepTOTP) {
		ways = append(ways, "`confirm "+id+" CODE`")
	}
	ways = append(ways, "on "+st.Host+": `watchstander approve --confirm "+id+"`")
	if slices.Contains(steps, bot.StepSSH) {
		ways = append(ways, "`statement "+id+"`, signed with `watchstander approve`")
	}
	words := strings.Join(ways, ", or ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// shortPlan is as much of a plan's id as people type.
func shortPlan(id bot.PlanID) string {
	const short = 6
	text := strings.TrimPrefix(string(id), "pln_")
	return "pln_" + text[:min(len(text), short)]
}

// The buttons of a plan's thread. Those that let something run are careful, by the
// rule's risk.
var (
	ActionApprove = bot.Action{Name: "approve", Emoji: "✅", Label: "Approve"}
	ActionDeny    = bot.Action{Name: "deny", Emoji: "❌", Label: "Deny", Form: &bot.Form{Questions: []bot.Question{{Word: "because", Label: "Why?", Hint: "Everybody in the thread reads it.", Long: true}}}}
	ActionConfirm = bot.Action{Name: "confirm", Emoji: "👍", Label: "All is well"}
)

// careful asks for a second press, but for what the rule says has little risk.
func careful(a bot.Action, p bot.Plan, then string) bot.Action {
	if p.Rule.Risk != bot.RiskLow {
		a.Danger, a.Then = true, then
	}
	return a
}

// planActions are the buttons that make sense now. An approval, or a confirmation,
// that needs a proof has none: a tap would not count.
func planActions(st bot.PlanState) []bot.Action {
	p := st.Proposal
	switch {
	case p.State == bot.Confirming && len(p.Plan.Rule.StepUp) == 0:
		return []bot.Action{careful(ActionConfirm, p.Plan, "You have looked, and all is well: what was done stays.")}
	case p.State == bot.Confirming:
		return nil
	case !p.State.Open() || st.Closed != "" || len(st.Shown) == 0 || p.Plan.Rule.Unasked():
		return nil
	case len(p.Plan.Rule.StepUp) > 0, p.State == bot.Queued:
		return []bot.Action{ActionDeny}
	}
	return []bot.Action{careful(ActionApprove, p.Plan, "You have read the whole plan. It runs on "+st.Host+" once enough people have agreed, and its time has come."), ActionDeny}
}

func readingItems(rs []bot.Reading, s Style) []bot.Text {
	most := max(s.limit(40), 3)
	var items []bot.Text
	for i, r := range rs {
		if i == most {
			items = append(items, bot.Line(bot.F(fmt.Sprintf("and %d more", len(rs)-most))))
			break
		}
		t := bot.Line(bot.B(string(r.State)), bot.T(" · "+r.What))
		if r.Value != "" {
			t = append(t, bot.T(": "+r.Value))
		}
		if r.Note != "" {
			t = append(t, bot.T(" ("+r.Note+")"))
		}
		items = append(items, t)
	}
	return items
}
