package nixos

import (
	"context"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Undo brings back what ran before: profile and boot menu where they were touched,
// the system where the switch may have begun. What it says was looked at afterwards.
// A run that changed nothing is looked at as well, but only once; so are the units
// where the run was told to stop, since it is killed before two looks can agree.
func (r *activating) Undo(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	n := r.n
	former, profile := bound(p, factCurrent), bound(p, factProfile)
	number, err := strconv.Atoi(bound(p, factNumber))
	if err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "The plan does not say where the profile pointed.").Because(err)
	}
	back := goal{system: profile, number: number}
	switched := w.Noted(noteSwitch)
	if switched == "" || switched == switchNone {
		r.release(p, w)
		w.Say("Nothing was switched, so that nothing is to be brought back.")
		return []bot.Reading{n.runs(former), n.profileIs(back)}, nil
	}
	defer r.release(p, w)
	// In a process of its own, which the worker is not, the lock would have to be
	// taken first.
	if err := r.hold(ctx, p, w, time.Time{}); err != nil {
		return nil, err
	}
	var out []bot.Reading
	var failed error
	if w.Noted(noteProfile) == touched {
		w.Say("Setting the profile back to %s.", back)
		_, failed = n.setProfile(ctx, back)
		if made := n.madeFor(p); made > 0 {
			w.Say("Generation %d, which was made for it, stays in the profile's list.", made)
		}
	}
	w.Say("Activating %s again, which ran before.", n.words(former))
	a, err := n.activate(ctx, former, "test", func(l string) { w.Say("%s", l) })
	if err != nil {
		failed = bot.Errorf(bot.CodeUnavailable, "Activating %s again did not come to an end.", n.words(former)).Because(err)
	}
	if w.Noted(noteBoot) == touched {
		if err := n.writeBoot(ctx, profile); err != nil && failed == nil {
			failed = err
		}
		out = append(out, n.bootIs(profile))
	}
	runs := n.runs(former)
	if runs.State == bot.OK {
		runs.Note = "it was activated again"
		w.Say("%s runs again.", n.words(former))
	}
	out = append([]bot.Reading{runs, n.profileIs(back), n.activatedAgain(former, a)}, out...)
	units, ok := noted[map[string]role](w, noteBefore)
	held, okChecks := noted[[]string](w, noteChecks)
	if !ok || !okChecks {
		return append(out, n.reading("units", "", unitSource, bot.Unknown, "how they were before was not written down")), failed
	}
	began, _ := noted[time.Time](w, noteBegan)
	look := watch{units: units, since: began, touched: append(a.Start, a.Restart...), tree: n.treeOf(former), checks: n.checksOf(held)}
	seen, ok := n.settle(ctx, look, w)
	if !ok {
		return append(out, n.reading("units", "", unitSource, bot.Unknown, "the time was over before two looks agreed")), failed
	}
	return append(out, n.readings(look, seen)...), failed
}

// activatedAgain judges the activation of what ran before, like any other.
func (n *NixOS) activatedAgain(former string, a activation) bot.Reading {
	value := "ended with " + a.ended()
	if a.Locked {
		return n.reading("activation", value, "switch-to-configuration", bot.NotOK, "somebody else was switching at that moment")
	}
	return n.judgeActivation(former, value, a.Exit, phrase.Some(a.Snippets, 10), strings.Join(a.Failed, ", "))
}
