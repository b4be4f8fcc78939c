package commands

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// alerts lists open threads, searches all, or shows one thread's alerts. A
// thread that it is asked in is its subject.
func alerts(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	which := call.Args["which"].Text
	if words, ok := strings.CutPrefix(which, "find "); ok {
		return findAlerts(ctx, call, words)
	}
	if which == "" {
		which = string(call.Thread)
	}
	if which == "" || which == "all" {
		return openAlerts(ctx, call)
	}
	f, err := call.World.Thread(ctx, bot.ThreadID(which))
	if notFound(err) {
		typed := echo(strings.TrimPrefix(which, "thr_"), echoWord)
		return nil, bot.Errorf(bot.CodeNotFound, "There is no thread `%s`. `alerts` lists the open ones; to search: `alerts find %s`.", typed, typed).Because(err)
	}
	if err != nil {
		return nil, err
	}
	return bot.Say{Message: threadMessage(f, call)}, nil
}

func openAlerts(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	open, err := call.World.OpenThreads(ctx)
	if err != nil {
		return nil, err
	}
	s := summary{untold: call.World.Untold()}
	for _, f := range open {
		s.add(f)
	}
	m := bot.Message{Title: bot.Line(bot.B(s.headline()))}
	heading := ""
	var items []bot.Text
	flush := func() {
		if len(items) > 0 {
			m.Blocks = append(append(m.Blocks, bot.Para{Text: bot.Line(bot.B(heading))}), lists(items)...)
			items = nil
		}
	}
	for _, f := range byRank(open) {
		if h := headings[rankOf(f)]; h != heading {
			flush()
			heading = h
		}
		items = append(items, threadItem(f, call))
	}
	flush()
	m.Blocks = append(m.Blocks, s.untoldBlocks()...)
	if len(open) > 0 {
		m.Note = bot.Quoted("`alerts THREAD` lists a thread's alerts; the first characters of its id do.")
	}
	return bot.Say{Message: m}, nil
}

// Ranks of open threads, the most pressing first.
const (
	rankCritical = iota
	rankMissed
	rankWarning
	rankInfo
	rankOther
	rankHeld
	rankQuiet
)

var headings = map[int]string{rankCritical: "Critical", rankMissed: "Missed heartbeats", rankWarning: "Warning",
	rankInfo: "Info", rankOther: "Other", rankHeld: "Held back", rankQuiet: "Open, but nothing fires"}

func rankOf(f bot.ThreadFacts) int {
	st := f.Thread.State
	switch {
	case st.Heartbeat != nil && !st.Heartbeat.Returned.IsZero():
		return rankQuiet
	case st.Heartbeat != nil:
		return rankMissed
	case st.Alert == nil:
		return rankOther
	case f.Counts.Firing > 0 && f.Thread.Severity == bot.SeverityCritical:
		return rankCritical
	case f.Counts.Firing > 0 && f.Thread.Severity == bot.SeverityInfo:
		return rankInfo
	case f.Counts.Firing > 0:
		return rankWarning
	case f.Counts.Live() > 0:
		return rankHeld
	}
	return rankQuiet
}

// byRank orders threads by how pressing they are, and what is alike by age.
func byRank(fs []bot.ThreadFacts) []bot.ThreadFacts {
	out := slices.Clone(fs)
	slices.SortStableFunc(out, func(a, b bot.ThreadFacts) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), a.Thread.OpenedAt.Compare(b.Thread.OpenedAt))
	})
	return out
}

// threadItem is a thread in one line of a list.
func threadItem(f bot.ThreadFacts, call bot.Call) bot.Text {
	at := func(t bot.Text, s string) bot.Text { return append(t, bot.T(", "+s)) }
	t := bot.Line(bot.B(titleInList(f)))
	st, c := f.Thread.State, f.Counts
	switch {
	case st.Heartbeat != nil:
		t = at(t, "last heard "+clockText(st.Heartbeat.LastAt, call.World.Zone(), call.Now))
	case st.Notice != nil:
		t = append(t, bot.T(": "+st.Notice.Text))
	case st.Alert == nil:
		t = at(t, "since "+clockText(f.Thread.OpenedAt, call.World.Zone(), call.Now))
	default:
		if sev := f.Thread.Severity; c.Live() > 0 {
			t = at(t, sev.String())
		}
		if n := countsText(c); c.Live() > 1 || c.Resolved > 0 || c.Firing == 0 {
			t = at(t, n)
		}
		if !c.Since.IsZero() && c.Live() > 0 {
			t = at(t, "since "+clockText(c.Since, call.World.Zone(), call.Now))
		}
		if c.Doubt > 0 {
			t = at(t, fmt.Sprintf("%d in doubt", c.Doubt))
		}
		if a := st.Alert.Ack; a != nil {
			t = at(t, "acked by "+string(a.By))
		}
		for _, s := range holding(f.Silences, call) {
			t = at(t, "silenced by "+s.CreatedBy+" until "+clockText(s.EndsAt, call.World.Zone(), call.Now))
		}
	}
	if !f.Thread.Open() {
		t = at(t, "over since "+clockText(f.Thread.ClosedAt, call.World.Zone(), call.Now))
	}
	return append(t, bot.T(" · "), bot.M(shortThread(f.Thread.ID)))
}

func countsText(c bot.EpisodeCounts) string { return cmp.Or(c.Words(), "no alerts") }

// threadMessage shows one thread with all of its alerts.
func threadMessage(f bot.ThreadFacts, call bot.Call) bot.Message {
	m := bot.Message{Title: threadItem(f, call)}
	common := commonLabels(f.Episodes)
	if len(f.Episodes) > 1 && len(common) > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.T("All have "), bot.M(labelsText(common, nil)))})
	}
	var items []bot.Text
	for _, e := range f.Episodes {
		items = append(items, episodeItem(e, len(f.Episodes), common, call))
	}
	if rest := f.Counts.Live() + f.Counts.Resolved - len(f.Episodes); rest > 0 && len(f.Episodes) > 0 {
		items = append(items, bot.Line(bot.F("and "+fmt.Sprint(rest)+" more that are not listed")))
	}
	for _, g := range f.Gathered {
		items = append(items, threadItem(g, call))
	}
	m.Blocks = append(m.Blocks, lists(items)...)
	if a := f.Thread.State.Alert; a != nil && a.Truncated > 0 {
		m.Blocks = append(m.Blocks, bot.Para{Text: bot.Line(bot.B("Not the whole list: "),
			bot.T("Alertmanager left "+phrase.Count(a.Truncated, "alert", "alerts")+" out of its notice."))})
	}
	m.Note = bot.Line(bot.M(string(f.Thread.ID)))
	return m
}

func episodeItem(e bot.Episode, of int, common bot.Labels, call bot.Call) bot.Text {
	zone := call.World.Zone()
	own := ""
	if of > 1 {
		own = labelsText(withoutSeverity(e.Labels, e.Severity), common)
	} else {
		own = labelsText(withoutSeverity(e.Labels, e.Severity), bot.Labels{"alertname": e.Labels["alertname"]})
	}
	t := bot.Line(bot.B(fmt.Sprintf("#%d ", e.Number)), bot.T(cmp.Or(own, e.Name())))
	switch {
	case e.Resolved && e.Ended == bot.EndedByMove:
		t = append(t, bot.T(", in another thread since "+clockText(e.EndsAt, zone, call.Now)))
	case e.Resolved && e.Ended == bot.EndedByAbsence:
		t = append(t, bot.T(", no longer listed since "+clockText(e.EndsAt, zone, call.Now)))
	case e.Resolved:
		t = append(t, bot.T(", resolved "+clockText(e.EndsAt, zone, call.Now)+" after "+phrase.Duration(e.EndsAt.Sub(e.StartsAt))))
	default:
		state := "firing"
		switch {
		case e.Doubt:
			state = "in doubt"
		case len(e.SilencedBy) > 0:
			state = "silenced"
		case len(e.MutedBy) > 0:
			state = "muted by " + strings.Join(e.MutedBy, ", ")
		case len(e.InhibitedBy) > 0:
			state = "inhibited"
		}
		t = append(t, bot.T(", "+e.Severity.String()+", "+state+", since "+clockText(e.StartsAt, zone, call.Now)))
	}
	return t
}

func commonLabels(es []bot.Episode) bot.Labels {
	out := bot.Labels{}
	for i, e := range es {
		if i == 0 {
			maps.Copy(out, e.Labels)
		}
		for n, v := range out {
			if w, ok := e.Labels[n]; !ok || w != v {
				delete(out, n)
			}
		}
	}
	return out
}

// findMost is how many threads a search shows.
const findMost = 20

func findAlerts(ctx context.Context, call bot.Call, words string) (bot.Outcome, error) {
	found, err := call.World.FindThreads(ctx, words, findMost+1)
	if err != nil {
		return nil, err
	}
	m := bot.Message{}
	if len(found) == 0 {
		m.Title = bot.Line(bot.T("No thread has all of these words in its labels and annotations: "), bot.M(echo(words, echoLine)))
		return bot.Say{Message: m}, nil
	}
	if more := len(found) > findMost; more {
		found = found[:findMost]
		m.Title = bot.Line(bot.B(fmt.Sprintf("The newest %d threads", findMost)), bot.T(" with "), bot.M(echo(words, echoLine)), bot.T("; more words find fewer"))
	} else {
		m.Title = bot.Line(bot.B(phrase.Count(len(found), "thread", "threads")), bot.T(" with "), bot.M(echo(words, echoLine)))
	}
	zone := call.World.Zone()
	var items []bot.Text
	for _, f := range found {
		t := bot.Line(bot.T(clockText(f.Thread.OpenedAt, zone, call.Now)+" "), bot.B(titleInList(f)), bot.T(", "+f.Thread.Severity.String()))
		if f.Thread.Open() {
			t = append(t, bot.T(", open: "+countsText(f.Counts)))
		} else {
			t = append(t, bot.T(", over after "+phrase.Duration(f.Thread.ClosedAt.Sub(f.Thread.OpenedAt))))
		}
		items = append(items, append(t, bot.T(" · "), bot.M(shortThread(f.Thread.ID))))
	}
	m.Blocks = lists(items)
	return bot.Say{Message: m}, nil
}
