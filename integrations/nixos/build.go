package nixos

import (
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/phrase"
)

// Build is a unit of the host's own that builds its configuration, as somebody without
// rights, and never switches to it. The agent only looks at what it leaves.
type Build struct {
	// Unit is the service; "" for none.
	Unit string
	// Result is the link that it leaves (--out-link), new after each build that worked.
	Result string
	// Commit is a file that it leaves beside that, "" for none: {"commit": of the
	// configuration that it built, "changed": how many of its files are in no commit, "at":
	// seconds since 1970}; null is what it could not tell.
	Commit string
	// MaxAge is how old the newest one that worked may be.
	MaxAge time.Duration
}

// built is what the link leads to.
type built struct {
	there  bool
	at     time.Time // when the link was made
	target string    // "" where it leads nowhere
	why    string    // it cannot be looked at
}

// configurationBuild tells whether the host's configuration still builds. That the unit
// ended well is not believed alone: the system that it built must be there, whole, and not
// older than the unit's last start. False where no unit is configured.
func (n *NixOS) configurationBuild(ctx context.Context, d host.Drift) (bot.Reading, bool) {
	o := n.o.Build
	if o.Unit == "" {
		return bot.Reading{}, false
	}
	r := n.reading("configuration build", "", tame(o.Unit)+", "+tame(o.Result), bot.OK, "")
	b := n.lookAtResult(o.Result)
	u, err := n.o.Host.Units.Unit(ctx, o.Unit)
	ran := !u.Started.IsZero()
	runs := u.Active == "activating" || u.Active == "active" && u.Sub == "running"
	failed := u.Active == "failed" || ran && !runs && u.Result != "" && u.Result != "success"
	var why []string
	judge := func(s bot.ReadingState, text string) {
		why = append(why, text)
		if s == bot.NotOK || r.State == bot.OK {
			r.State = s
		}
	}
	if failed {
		text := "the last build failed (" + tame(u.Result) + ")"
		if !u.Since.IsZero() {
			text += " " + phrase.Duration(max(0, r.At.Sub(u.Since))) + " ago"
		}
		judge(bot.NotOK, text+": `journalctl -u "+tame(o.Unit)+"` on the host says why")
	}
	switch {
	case err != nil:
		judge(bot.Unknown, "systemd does not tell how the last build ended")
	case u.Load == "not-found":
		judge(bot.Unknown, "there is no unit "+tame(o.Unit))
	}
	switch {
	case b.why != "":
		judge(bot.Unknown, b.why)
	case b.there:
		n.judgeBuilt(&r, b, d, judge)
		// A link of before the last start is not what that one built.
		if err == nil && ran && !runs && !failed && b.at.Before(u.Started.Truncate(time.Second)) {
			judge(bot.Unknown, "its last run ended well, and has left no new result")
		}
		if err == nil && u.Load != "not-found" && !ran {
			why = append(why, "it has not run since the boot") // how a run before it ended is forgotten
		}
	case failed:
		judge(bot.NotOK, "none that worked has left a result")
	case ran && !runs:
		judge(bot.Unknown, "its last run ended well, and there is no result at "+tame(o.Result))
	case !runs && err == nil && u.Load != "not-found":
		judge(bot.Unknown, "it never ran")
	case runs:
		judge(bot.Unknown, "nothing was built before")
	}
	if runs {
		why = append(why, "a build is running")
	}
	r.Note = strings.Join(why, "; ")
	return r, true
}

// commitFinding: is all of the configuration in a commit?
func (n *NixOS) commitFinding(d *host.Drift) {
	const what = "configuration"
	o := n.o.Build
	if o.Commit == "" {
		return
	}
	var told struct {
		Commit  string
		Changed *int
		At      int64
	}
	data, err := n.o.Host.Files.Read(o.Commit, 64<<10)
	if err == nil {
		err = json.Unmarshal(data, &told)
	}
	age := time.Since(time.Unix(told.At, 0))
	switch {
	case isMissing(err):
		add(d, what, o.Commit, bot.Unknown, "the build has not told yet of which commit it is")
	case err != nil:
		add(d, what, o.Commit, bot.Unknown, "of which commit it is cannot be read")
	case age < -time.Hour:
		add(d, what, o.Commit, bot.Unknown, "of which commit it is was told at a time that is still to come")
	case age > o.MaxAge:
		add(d, what, o.Commit, bot.Unknown, "of which commit it is was told "+phrase.Duration(age)+" ago, which is longer than "+phrase.Duration(o.MaxAge))
	case !commitForm.MatchString(told.Commit) || told.Changed == nil || *told.Changed < 0:
		add(d, what, o.Commit, bot.Unknown, "the build could not tell of which commit it is; is it in git?")
	case *told.Changed > 0:
		add(d, what, o.Commit, bot.NotOK, phrase.Count(*told.Changed, "file of it is", "files of it are")+" in no commit, beside "+told.Commit[:12]+": nobody else could build it")
	default:
		add(d, what, o.Commit, bot.OK, "it is that of the commit "+told.Commit[:12])
	}
}

// lookAtResult follows the link that a build leaves. Whoever builds may have put anything
// there: only where it leads is read of it.
func (n *NixOS) lookAtResult(link string) built {
	dir, name := path.Split(link)
	entries, err := n.o.Host.Files.List(path.Clean(dir))
	if isMissing(err) {
		return built{}
	}
	if err != nil {
		return built{why: tame(path.Clean(dir)) + " cannot be read"}
	}
	for _, e := range entries {
		if e.Name() != name {
			continue
		}
		info, err := e.Info() // of the link itself
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return built{why: tame(link) + " is no link, as a build leaves it"}
		}
		b := built{there: true, at: info.ModTime()}
		b.target, _ = n.o.Host.Files.Resolve(link)
		return b
	}
	return built{}
}

// judgeBuilt tells of the newest system that was built: when, and whether it is the one
// that runs and the one that the next boot starts.
func (n *NixOS) judgeBuilt(r *bot.Reading, b built, d host.Drift, judge func(bot.ReadingState, string)) {
	age := max(0, r.At.Sub(b.at))
	r.Value = "built " + phrase.Duration(age) + " ago"
	*r = r.With(age.Seconds(), bot.FigureSeconds)
	if age > n.o.Build.MaxAge {
		judge(bot.NotOK, "that is longer than "+phrase.Duration(n.o.Build.MaxAge))
	}
	if b.target == "" {
		judge(bot.Unknown, "what was built is not there any more")
		return
	}
	if name := n.storeName(b.target); b.target != path.Join(n.o.Store, name) {
		judge(bot.NotOK, "what was built is nothing of the Nix store")
		return
	}
	if missing := n.missing(b.target); len(missing) > 0 {
		judge(bot.NotOK, "what was built is no whole system: it lacks "+phrase.Some(missing, 3))
		return
	}
	r.Value += ", " + systemName(b.target)
	switch {
	case b.target == d.Current.StorePath && (d.BootDefault == "" || d.BootDefault == b.target):
		r.Value += ": the one that runs"
	case b.target == d.Current.StorePath:
		r.Value += ": the one that runs, and another one than the next boot starts"
	case b.target == d.BootDefault:
		r.Value += ": another one than runs, and the one that the next boot starts"
	default:
		r.Value += ": another one than runs, not switched to"
	}
}

// systemName is a store path's name without its hash.
func systemName(p string) string {
	_, name, _ := strings.Cut(path.Base(p), "-")
	return tame(name)
}
