package nixos

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"

	"watchstander/bot"
	"watchstander/bot/sys"
)

// touched is noted before something is changed that Undo must put back.
const touched = "touched"

// Commit makes the target what the host starts: profile first, then the boot menu.
// A boot default that cannot be read back is an unknown reading, not a failure.
func (r *Rollback) Commit(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	n := r.n
	number, err := strconv.Atoi(bound(p, factGeneration))
	if err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "The plan names no generation.").Because(err)
	}
	if is := n.runs(bound(p, factTarget)); is.State != bot.OK {
		return []bot.Reading{is}, bot.Errorf(bot.CodeConflict, "Generation %d does not run any more, so that it is not made what %s starts.", number, n.o.Host.Name)
	}
	if err := w.Note(noteProfile, touched); err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "What is about to be changed cannot be written down.").Because(err)
	}
	if err := n.setProfile(ctx, number, bound(p, factTarget)); err != nil {
		return nil, err
	}
	w.Say("The profile points at generation %d.", number)
	if err := w.Note(noteBoot, touched); err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "What is about to be changed cannot be written down.").Because(err)
	}
	if err := n.writeBoot(ctx, bound(p, factTarget)); err != nil {
		return nil, err
	}
	out := []bot.Reading{n.profileIs(number, bound(p, factTarget)), n.bootIs(bound(p, factTarget))}
	for _, is := range out {
		if is.State == bot.NotOK {
			return out, bot.Errorf(bot.CodeUnavailable, "What %s starts is not generation %d, although it was set: %s.", n.o.Host.Name, number, is.Note)
		}
	}
	w.Say("Generation %d is what %s starts from now on.", number, n.o.Host.Name)
	r.release(p, w)
	return out, nil
}

// setProfile makes the profile point at a generation, by its number, and reads it
// back.
func (n *NixOS) setProfile(ctx context.Context, number int, target string) error {
	out, err := n.o.Host.Run.Run(ctx, sys.Command{
		Argv:  []string{n.o.NixEnv, "-p", n.o.Profile, "--switch-generation", strconv.Itoa(number)},
		Limit: n.o.LookLimit,
		Line:  func(_, l string) { n.o.Output(l) },
	})
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("nix-env ended with %d: %s", out.Exit, tame(string(out.Stderr)))
	}
	is := n.profileIs(number, target)
	if err != nil || is.State != bot.OK {
		return bot.Errorf(bot.CodeUnavailable, "The profile of %s could not be set to generation %d.", n.o.Host.Name, number).Because(errors.Join(err, errors.New(is.Note)))
	}
	return nil
}

// profileIs tells whether the profile points at a generation.
func (n *NixOS) profileIs(number int, target string) bot.Reading {
	const what = "profile"
	to, err := n.o.Host.Files.Readlink(n.o.Profile)
	if err != nil {
		return n.reading(what, "", n.o.Profile, bot.Unknown, "it cannot be read")
	}
	at, _ := generationOf(path.Base(to), path.Base(n.o.Profile))
	system := n.resolved(path.Dir(n.o.Profile), path.Base(n.o.Profile))
	value := "generation " + strconv.Itoa(at)
	switch {
	case at != number:
		return n.reading(what, value, n.o.Profile, bot.NotOK, fmt.Sprintf("it should be generation %d", number))
	case system != target:
		return n.reading(what, value, n.o.Profile, bot.NotOK, "its system is another one")
	}
	return n.reading(what, value, n.o.Profile, bot.OK, "")
}

// writeBoot lets a system write the boot menu. Its exit code is not the evidence,
// but where it says that it failed, it did.
func (n *NixOS) writeBoot(ctx context.Context, at string) error {
	a, err := n.activate(ctx, at, "boot", nil)
	switch {
	case err == nil && a.Locked:
		err = errors.New("another one has its lock")
	case err == nil && a.Exit != 0:
		err = fmt.Errorf("switch-to-configuration boot ended with %s", a.ended())
	}
	if err != nil {
		return bot.Errorf(bot.CodeUnavailable, "The boot menu of %s could not be written.", n.o.Host.Name).Because(err)
	}
	return nil
}

// bootIs tells whether the boot loader would start a system.
func (n *NixOS) bootIs(want string) bot.Reading {
	const what = "boot default"
	m, _ := n.mark(want)
	kind, _ := n.loader(want, m)
	is, source, why := n.bootDefault(kind)
	switch {
	case why != "":
		return n.reading(what, "", source, bot.Unknown, why)
	case is != want:
		return n.reading(what, n.words(is), source, bot.NotOK, "it should be "+n.words(want))
	}
	return n.reading(what, n.words(is), source, bot.OK, "")
}
