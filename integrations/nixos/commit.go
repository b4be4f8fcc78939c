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
func (r *activating) Commit(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	n := r.n
	to := goalOf(p)
	if is := n.runs(to.system); is.State != bot.OK {
		return []bot.Reading{is}, bot.Errorf(bot.CodeConflict, "%s does not run any more, so that it is not made what %s starts.", to.first(), n.o.Host.Name)
	}
	if err := w.Note(noteProfile, touched); err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "What is about to be changed cannot be written down.").Because(err)
	}
	number, err := n.setProfile(ctx, to)
	if err != nil {
		return nil, err
	}
	to.number = number // the proposed system has one now
	w.Say("The profile points at %s.", to)
	if err := w.Note(noteBoot, touched); err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "What is about to be changed cannot be written down.").Because(err)
	}
	if err := n.writeBoot(ctx, to.system); err != nil {
		return nil, err
	}
	out := []bot.Reading{n.profileIs(to), n.bootIs(to.system)}
	for _, is := range out {
		if is.State == bot.NotOK {
			return out, bot.Errorf(bot.CodeUnavailable, "What %s starts is not %s, although it was set: %s.", n.o.Host.Name, to, is.Note)
		}
	}
	w.Say("%s is what %s starts from now on.", to.first(), n.o.Host.Name)
	r.release(p, w)
	return out, nil
}

// setProfile makes the profile point at a generation, by its number, or at a system that
// becomes one by that, and reads back which it is.
func (n *NixOS) setProfile(ctx context.Context, to goal) (number int, err error) {
	change := []string{"--switch-generation", strconv.Itoa(to.number)}
	if to.number == 0 {
		change = []string{"--set", to.system}
	}
	out, err := n.o.Host.Run.Run(ctx, sys.Command{
		Argv:  append([]string{n.o.NixEnv, "-p", n.o.Profile}, change...),
		Limit: n.o.LookLimit,
		Line:  func(_, l string) { n.o.Output(l) },
	})
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("nix-env ended with %d: %s", out.Exit, tame(string(out.Stderr)))
	}
	is := n.profileIs(to)
	if err != nil || is.State != bot.OK {
		return 0, bot.Errorf(bot.CodeUnavailable, "The profile of %s could not be set to %s.", n.o.Host.Name, to).Because(errors.Join(err, errors.New(is.Note)))
	}
	return n.profileAt(), nil
}

// profileAt is the number of the generation that the profile points at, 0 where that
// cannot be read.
func (n *NixOS) profileAt() int {
	to, _ := n.o.Host.Files.Readlink(n.o.Profile)
	number, _ := generationOf(path.Base(to), path.Base(n.o.Profile))
	return number
}

// profileIs tells whether the profile points at a generation; at whichever, where the
// system is none yet.
func (n *NixOS) profileIs(want goal) bot.Reading {
	const what = "profile"
	if _, err := n.o.Host.Files.Readlink(n.o.Profile); err != nil {
		return n.reading(what, "", n.o.Profile, bot.Unknown, "it cannot be read")
	}
	at := n.profileAt()
	system := n.resolved(path.Dir(n.o.Profile), path.Base(n.o.Profile))
	value := "generation " + strconv.Itoa(at)
	switch {
	case want.number > 0 && at != want.number:
		return n.reading(what, value, n.o.Profile, bot.NotOK, "it should be "+want.String())
	case system != want.system:
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
