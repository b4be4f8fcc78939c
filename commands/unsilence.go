package commands

import (
	"context"
	"strings"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// unsilence ends silences. What else they hold is said before, not after: a
// silence that is over for one thread is over for all.
func unsilence(ctx context.Context, call bot.Call) (bot.Outcome, error) {
	which := call.Args["which"].Text
	if isSilenceID(which) {
		out, err := unsilenceID(ctx, call, which)
		if !notFound(err) || call.Thread != "" || strings.ContainsAny(which, "-0189") {
			return out, err
		}
		// Letters that are an id's beginning of either kind.
		if out, err := unsilenceThread(ctx, call, bot.ThreadID("thr_"+which), false); err == nil {
			return out, nil
		}
		return nil, err
	}
	if beginning, ok := strings.CutPrefix(which, "thr_"); ok {
		out, err := unsilenceThread(ctx, call, bot.ThreadID(which), false)
		if notFound(err) {
			return nil, bot.Errorf(bot.CodeNotFound, "`%s` is no silence's id and no thread's. `silences` lists the silences, `alerts` the threads.", echo(beginning, echoWord)).Because(err)
		}
		return out, err
	}
	id := call.Thread
	switch {
	case id == "" && which == "all":
		return nil, bot.Errorf(bot.CodeInvalid, "`unsilence all` works in a thread: it ends every silence over its alerts. Here, say which: `unsilence ID` or `unsilence THREAD`. `silences` lists them.")
	case id == "":
		return nil, bot.Errorf(bot.CodeInvalid, "Outside a thread, say which silence: `unsilence ID` or `unsilence THREAD`. `silences` lists them.")
	}
	return unsilenceThread(ctx, call, id, which == "all")
}

// unsilenceThread ends the one silence over a thread's alerts. Where there are
// several, or it holds other threads too, it asks back, unless all was said.
func unsilenceThread(ctx context.Context, call bot.Call, id bot.ThreadID, all bool) (bot.Outcome, error) {
	f, err := call.World.Thread(ctx, id)
	if err != nil {
		return nil, err
	}
	held := holding(f.Silences, call)
	if len(held) == 0 {
		// What goes on over alerts that have ended would hold the next ones.
		held = holding(f.Kept, call)
	}
	if len(held) == 0 {
		return nil, bot.Errorf(bot.CodeConflict, "No silence holds this thread's alerts now.")
	}
	am, err := alertmanagerOf(call, f)
	if err != nil {
		return nil, err
	}
	out := bot.EndSilence{Thread: f.Thread.ID, Alertmanager: am}
	for _, s := range held {
		out.IDs = append(out.IDs, s.ID)
	}
	if all {
		return out, nil
	}
	others := othersHeld(ctx, call, f.Thread.ID, held)
	if len(held) == 1 && len(others[held[0].ID]) == 0 {
		return out, nil
	}
	return bot.Say{Message: whichSilence(call, held, others)}, nil
}

// whichSilence asks back.
func whichSilence(call bot.Call, held []bot.Silence, others map[string][]string) bot.Message {
	m := bot.Message{Title: bot.Line(bot.B(phrase.Count(len(held), "silence holds", "silences hold")+" these alerts"), bot.T("; I have ended none yet. Say which: "))}
	short := shortSilences(held)
	for i, s := range held {
		if i > 0 {
			m.Title = append(m.Title, bot.T(" or "))
		}
		m.Title = append(m.Title, bot.M("unsilence "+short[s.ID]))
	}
	if len(held) > 1 && call.Thread != "" {
		m.Title = append(m.Title, bot.T(" or "), bot.M("unsilence all"))
	}
	var items []bot.Text
	for _, s := range held {
		t := silenceItem(s, short[s.ID], call)
		if also := others[s.ID]; len(also) > 0 {
			t = append(t, bot.B("; it also holds "+strings.Join(also, ", ")))
		}
		items = append(items, t)
	}
	m.Blocks = lists(items)
	return m
}

// othersHeld names the other open threads under each silence. When they cannot
// be read, it names none: the silence was asked for in this thread's name.
func othersHeld(ctx context.Context, call bot.Call, id bot.ThreadID, held []bot.Silence) map[string][]string {
	open, err := call.World.OpenThreads(ctx)
	if err != nil {
		return nil
	}
	out := map[string][]string{}
	for _, f := range open {
		if f.Thread.ID == id || f.Thread.State.Alert == nil {
			continue
		}
		for _, s := range held {
			for _, o := range f.Silences {
				if o.ID == s.ID {
					out[s.ID] = append(out[s.ID], title(f))
				}
			}
		}
	}
	return out
}

// unsilenceID ends the silence whose id begins so, wherever it is.
func unsilenceID(ctx context.Context, call bot.Call, beginning string) (bot.Outcome, error) {
	var found []bot.Silence
	var on string
	for _, am := range call.World.Alertmanagers() {
		all, err := call.World.Silences(ctx, am)
		if err != nil {
			return nil, err // what is unique can only be told when all have answered
		}
		for _, s := range all {
			if strings.HasPrefix(strings.ToLower(s.ID), beginning) {
				found, on = append(found, s), am
			}
		}
	}
	var live []bot.Silence
	for _, s := range found {
		if s.State != "expired" {
			live = append(live, s)
		}
	}
	switch {
	case len(found) == 0:
		return nil, bot.Errorf(bot.CodeNotFound, "There is no silence `%s`. `silences` lists them.", echo(beginning, echoWord))
	case len(live) == 0:
		return nil, bot.Errorf(bot.CodeConflict, "That silence ended %s.", clockText(found[0].EndsAt, call.World.Zone(), call.Now))
	case len(live) > 1:
		return nil, bot.Errorf(bot.CodeInvalid, "%d silences begin with `%s`: %s. Write as much of the id.", len(live), echo(beginning, echoWord), shortList(live))
	}
	return bot.EndSilence{Alertmanager: on, IDs: []string{live[0].ID}}, nil
}
