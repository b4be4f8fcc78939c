package flow

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
)

// How approvals went: of the plans that were asked for in a time, what became of each, who
// agreed to them and how long that took. It is counted from the plans' threads.

// approvalSpans are the readings of it, for lists that come each week, month and quarter.
var approvalSpans = []struct {
	what string
	span time.Duration
}{
	{"approvals 7 d", 7 * 24 * time.Hour},
	{"approvals 30 d", 30 * 24 * time.Hour},
	{"approvals 90 d", 90 * 24 * time.Hour},
}

// mostBlind is how many plans are named that are not well.
const mostBlind = 3

// approvals are figures of plans.
type approvals struct {
	asked, approved, denied, expired, open, other int
	ran, done, failed, undone, going              int
	// alone were agreed to by whoever asked, and by nobody else.
	alone int
	// waits are the times from the question to the word that decided it.
	waits []time.Duration
	// by counts the approvals of each person, standing the uses of each standing approval.
	by, standing map[string]int
	glass        int // runs that root began past the policy
	// blind ended as done without evidence, lost without anybody knowing how, or with what
	// was before not back.
	blind, lost []string
}

// countApprovals reads the plans that were asked for in [from, to).
func countApprovals(tx *store.Tx, from, to time.Time) (approvals, error) {
	a := approvals{by: map[string]int{}, standing: map[string]int{}}
	threads, err := tx.ThreadsOpened(bot.ThreadPlan, from, to)
	for _, th := range threads {
		if th.State.Plan != nil {
			a.add(th.State.Plan.Proposal)
		}
	}
	return a, err
}

func (a *approvals) add(p bot.Proposal) {
	name, standing := strings.CutPrefix(string(p.Plan.Requester), "standing:")
	glass := !standing && p.Plan.Rule.Unasked()
	a.asked++
	switch {
	case standing:
		a.standing[name]++
	case glass:
		a.glass++
	default:
		a.decided(p)
	}
	if p.StartedAt.IsZero() {
		return
	}
	a.ran++
	named := cmp.Or(p.Plan.Draft.Summary, string(p.Plan.Operation)) + on(p.Plan.Host)
	switch p.State {
	case bot.Done:
		a.done++
		if len(p.Evidence) == 0 {
			a.blind = append(a.blind, named)
		}
	case bot.Failed:
		a.failed++
	case bot.Undone:
		a.undone++
	case bot.UndoFailed, bot.Interrupted:
		a.failed++
		a.lost = append(a.lost, named)
	default:
		a.going++
	}
}

// decided counts what people said of a plan.
func (a *approvals) decided(p bot.Proposal) {
	var last time.Time
	agreed := map[bot.PersonID]bool{}
	for _, d := range p.Decisions {
		switch {
		case !d.Withdrawn.IsZero():
		case d.Verdict == bot.Approve:
			a.by[string(d.Person)]++
			agreed[d.Person] = true
			last = d.At
		case d.Verdict == bot.Deny && p.State == bot.Denied:
			last = d.At
		}
	}
	switch {
	case !p.StartedAt.IsZero(), p.State == bot.Queued:
		a.approved++
		if len(agreed) == 1 && agreed[p.Plan.Requester] {
			a.alone++
		}
	case p.State == bot.Denied:
		a.denied++
	case p.State == bot.Expired:
		a.expired++
		return
	case p.State.Open():
		a.open++
		return
	default: // taken back, or the host was another one by then
		a.other++
		return
	}
	if wait := last.Sub(p.Plan.MintedAt); !last.IsZero() && wait >= 0 {
		a.waits = append(a.waits, wait)
	}
}

// words tell the figures in a line.
func (a *approvals) words() string {
	if a.asked == 0 {
		return "no plan was asked for"
	}
	var parts []string
	part := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	part("%d asked for", a.asked)
	counts := func(head string, of ...any) {
		var some []string
		for i := 0; i < len(of); i += 2 {
			if n := of[i].(int); n > 0 {
				some = append(some, fmt.Sprintf("%d %s", n, of[i+1]))
			}
		}
		if len(some) > 0 {
			part("%s%s", head, strings.Join(some, ", "))
		}
	}
	counts("", a.approved, "approved", a.denied, "denied", a.expired, "expired", a.other, "taken back or stale", a.open, "waiting")
	if a.ran > 0 {
		counts(fmt.Sprintf("%d ran: ", a.ran), a.done, "done", a.failed, "failed", a.undone, "undone", a.going, "not over")
	}
	if n := len(a.waits); n > 0 {
		waits := slices.Sorted(slices.Values(a.waits))
		part("decided after %s (median), %s at most", phrase.Duration((waits[(n-1)/2]+waits[n/2])/2), phrase.Duration(waits[n-1]))
	}
	if len(a.by) > 0 {
		part("approvals by %s", most(a.by))
	}
	if a.alone > 0 {
		part("%d agreed to by who asked alone", a.alone)
	}
	if len(a.standing) > 0 {
		part("standing approvals used: %s", most(a.standing))
	}
	if a.glass > 0 {
		part("%d by break-glass", a.glass)
	}
	return strings.Join(parts, "; ")
}

// most are names with their counts, the highest first, at most five.
func most(of map[string]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b)) })
	var out []string
	for _, name := range names[:min(len(names), 5)] {
		out = append(out, fmt.Sprintf("%s %d", name, of[name]))
	}
	if more := len(names) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, ", ")
}

// approvalsOver is the reading of a span until now. It is not well where something ran
// without evidence, or nobody knows how it ended; and unknown where the state does not
// reach back, or an agent that may have run something does not answer.
func (f *Flow) approvalsOver(ctx context.Context, what string, span time.Duration) bot.Reading {
	now := f.clock.now()
	r := bot.Reading{What: what, Source: "the bot's threads of plans", At: now, State: bot.OK}
	from := now.Add(-span)
	var a approvals
	var since time.Time
	err := f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		if since, err = stateKnown(tx, f.settings.Load(), now); err != nil {
			return err
		}
		if since.Before(from) {
			since = from
		}
		a, err = countApprovals(tx, since, now.Add(time.Millisecond))
		return err
	})
	if err != nil {
		r.State, r.Note = bot.Unknown, "the state cannot be read; see the log of the bot"
		return r
	}
	r.Value = a.words()
	r = r.With(float64(a.asked), bot.FigureCount)
	var why []string
	judge := func(s bot.ReadingState, text string) {
		why = append(why, text)
		if s == bot.NotOK || r.State == bot.OK {
			r.State = s
		}
	}
	if len(a.blind) > 0 {
		judge(bot.NotOK, "done without evidence: "+phrase.Some(a.blind, mostBlind))
	}
	if len(a.lost) > 0 {
		judge(bot.NotOK, "not known how it ended, or not undone: "+phrase.Some(a.lost, mostBlind))
	}
	if since.After(from) {
		judge(bot.Unknown, "known for "+phrase.Duration(now.Sub(since))+" alone")
	}
	for _, host := range slices.Sorted(maps.Keys(f.o.Agents)) {
		if h := f.agentHealth(host, now); h.State != bot.OK {
			judge(bot.Unknown, "the agent of "+host+" does not answer; what it did meanwhile is not counted")
		}
	}
	r.Note = strings.Join(why, "; ")
	return r
}
