package nixos

import (
	"context"
	"slices"
	"strconv"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Verify looks whether the target runs, and whether all that was fine still is.
func (r *Rollback) Verify(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	n := r.n
	units, ok := noted[map[string]bool](w, noteBefore)
	if !ok {
		return nil, bot.Errorf(bot.CodeInternal, "How the units were before was not written down, so that nothing can be verified.")
	}
	touched, _ := noted[[]string](w, noteTouched)
	out := []bot.Reading{n.runs(bound(p, factTarget)), n.activated(w)}
	look := watch{units: units, touched: touched, checks: n.o.Checks}
	a, b, ok := n.settle(ctx, look, w.Say)
	if !ok {
		return append(out, n.reading("units", "", unitSource, bot.Unknown, "the time was over before two looks agreed")), nil
	}
	out = append(out, n.readings(look, a, b)...)
	// Again: something may have switched in between.
	if last := n.runs(bound(p, factTarget)); last.State != bot.OK {
		out[0] = last
	}
	held, _ := noted[[]string](w, noteChecks)
	for _, c := range n.o.Checks {
		for i, is := range out {
			if is.What == checkName(c) && is.State != bot.OK && !slices.Contains(held, c.Name) {
				out[i].Note += "; it did not hold before either"
			}
		}
	}
	return out, nil
}

// runs tells whether a system is what runs.
func (n *NixOS) runs(want string) bot.Reading {
	const what = "running system"
	is, err := n.running(currentSystem)
	switch {
	case err != nil:
		return n.reading(what, "", currentSystem, bot.Unknown, "it cannot be read")
	case is != want:
		return n.reading(what, n.words(is), currentSystem, bot.NotOK, "it should be "+n.words(want))
	}
	return n.reading(what, n.words(is), currentSystem, bot.OK, "")
}

// words are a system's generation, as people speak of it, or its path where the
// profile does not have it.
func (n *NixOS) words(at string) string {
	if s, err := n.look(); err == nil {
		if number, special := n.generation(s, at); number > 0 {
			return named(host.Generation{Number: number, Specialisation: tame(special)})
		}
	}
	return tame(at)
}

// activated judges what switch-to-configuration said of itself, as far as that says
// anything: units are judged by looking at them.
func (n *NixOS) activated(w bot.Work) bot.Reading {
	const what, source = "activation", "switch-to-configuration"
	code, err := strconv.Atoi(w.Noted(noteExit))
	if err != nil {
		return n.reading(what, "", source, bot.Unknown, "how it ended was not written down")
	}
	value := "ended with " + strconv.Itoa(code) + " (" + meaning(code) + ")"
	switch code {
	case 0:
		return n.reading(what, value, source, bot.OK, "")
	case 4:
		note := "the looks at the units decide"
		if failed := w.Noted(noteFailed); failed != "" {
			note = "failed right afterwards: " + tame(failed) + "; " + note
		}
		return n.reading(what, value, source, bot.OK, note)
	case 2:
		note := "it did not say which"
		if snippets := w.Noted(noteSnippets); snippets != "" {
			note = "failed: " + tame(snippets)
		}
		return n.reading(what, value, source, bot.NotOK, note)
	}
	return n.reading(what, value, source, bot.NotOK, "the system may not be whole")
}
