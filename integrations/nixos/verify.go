package nixos

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
)

// Verify looks whether the target runs, and whether all that was fine still is.
func (r *activating) Verify(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	n := r.n
	units, ok := noted[map[string]role](w, noteBefore)
	if !ok {
		return nil, bot.Errorf(bot.CodeInternal, "How the units were before was not written down, so that nothing can be verified.")
	}
	touched, _ := noted[[]string](w, noteTouched)
	listed, _ := noted[[]string](w, noteListed)
	trouble, _ := noted[[]string](w, noteTrouble)
	listed = slices.DeleteFunc(listed, func(name string) bool { return slices.Contains(trouble, name) })
	out := []bot.Reading{n.runs(bound(p, factTarget)), n.activated(bound(p, factTarget), w)}
	began, _ := noted[time.Time](w, noteBegan)
	look := watch{units: units, since: began, touched: touched, listed: listed, tree: n.treeOf(bound(p, factTarget)), checks: n.o.Checks}
	seen, ok := n.settle(ctx, look, w)
	if !ok {
		return append(out, n.reading("units", "", unitSource, bot.Unknown, "the time was over before two looks agreed")), nil
	}
	out = append(out, n.readings(look, seen)...)
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

// activated judges whether the activation came to its end, by what it left. Its exit
// code alone is no verdict, whichever it is: units are judged by looking at them.
func (n *NixOS) activated(target string, w bot.Work) bot.Reading {
	code, err := strconv.Atoi(w.Noted(noteExit))
	if err != nil {
		return n.reading("activation", "", "switch-to-configuration", bot.Unknown, "how it ended was not written down")
	}
	value := "ended with " + strconv.Itoa(code) + " (" + meaning(code) + ")"
	return n.judgeActivation(target, value, code, w.Noted(noteSnippets), w.Noted(noteFailed))
}

// judgeActivation: a part of the activation script that failed by name, work that was
// left undone, and an /etc of another system are failures; nothing else is.
func (n *NixOS) judgeActivation(target, value string, code int, snippets, failed string) bot.Reading {
	reading := func(st bot.ReadingState, note string) bot.Reading {
		return n.reading("activation", value, "switch-to-configuration", st, note)
	}
	if snippets != "" {
		return reading(bot.NotOK, "failed: "+tame(snippets))
	}
	left, err := n.leftOver()
	switch {
	case len(left) > 0:
		return reading(bot.NotOK, "it was cut off: "+strings.Join(left, ", ")+" of it is left to be done")
	case err != nil:
		return reading(bot.Unknown, "whether something of it is left to be done cannot be read")
	}
	// Where /etc is made in another way, there is nothing to compare.
	if want := n.resolved(target, "etc"); want != "" {
		if is, err := n.o.Host.Files.Resolve("/etc/static"); err == nil && is != want {
			return reading(bot.NotOK, "/etc is another system's ("+tame(n.storeName(is))+")")
		}
	}
	const decide = "the looks at the units decide"
	switch {
	case failed != "":
		return reading(bot.OK, "failed right afterwards: "+tame(failed)+"; "+decide)
	case code == 4:
		return reading(bot.OK, decide)
	case code != 0:
		return reading(bot.OK, "it left nothing undone, and names nothing that failed; "+decide)
	}
	return reading(bot.OK, "")
}
