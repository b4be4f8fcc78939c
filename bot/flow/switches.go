package flow

import (
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/journal"
)

// A switch that no plan made (somebody's nixos-rebuild, a timer's upgrade) is known from
// the host's agent, which tells with its news by what the running system came. The last one
// that was dealt with is kept, so that each is dealt with once, also one that came while
// the bot was down, and none is looked for by the clock.

// switchSettles is how long a switch is left alone before it is dealt with: what is
// switched once more within it, or back at once, begins one list and not two.
const switchSettles = time.Minute

// metaSwitched is the last switch of a host that was dealt with.
func metaSwitched(host string) string { return "switch of " + host }

// newSwitch tells whether a switch is one to deal with now. The first that an agent tells
// of is known at once: it is where the others are counted from.
func newSwitch(x bot.Change, known string, now time.Time) bool {
	age := now.Sub(x.At)
	return x.ID != known && (known == "" || x.Kind == bot.ChangeReboot || age < 0 || age >= switchSettles)
}

// lastSwitch deals with what a host's running system came by: what no plan did is told,
// and the lists that come after a switch begin.
func (c *change) lastSwitch(of string, x bot.Change) error {
	known, err := c.Meta(metaSwitched(of))
	if err != nil || known == x.ID {
		return err
	}
	ours, runs, err := c.switchOfPlan(of, x.At)
	if err != nil || runs {
		return err // it may be the run's, whose end tells
	}
	if err := c.PutMeta(metaSwitched(of), x.ID); err != nil {
		return err
	}
	// A boot is known from elsewhere, and so is what a plan did. What was before the bot
	// ever asked, nobody waits for.
	if x.Kind != bot.ChangeSwitch || known == "" {
		return nil
	}
	// As a look at the host tells of it (looked), so that it stands there once.
	n := bot.Change{ID: of + " " + x.ID, Host: of, Kind: bot.ChangeSwitch, Text: clean.Line(x.Text, mostChangeText), At: x.At}
	added, err := c.AddChange(n)
	if err != nil {
		return err
	}
	if added {
		if err := c.changeRanIn(n); err != nil {
			return err
		}
	}
	if ours {
		return nil
	}
	text := whatChanged(n) + ", by no plan of mine"
	if err := c.journal(journal.Entry{Kind: journal.KindNote, Host: of, Text: text}); err != nil {
		return err
	}
	begun, err := c.validate(n, text)
	if err != nil || begun {
		return err
	}
	subject := "switched " + of
	if err := c.notice(subject, bot.ToneWarning, "The system of "+of+" was switched by no plan of mine",
		strings.ToUpper(text[:1])+text[1:]+", "+c.style().Time(x.At)+". No checklist comes for it, so that nothing was looked at; `status` does. Who did it, the host's own log may tell."); err != nil {
		return err
	}
	return c.closeNoticeAfter(subject, switchNoticeStays)
}

// switchNoticeStays is how long the thread about a switch stays open.
const switchNoticeStays = time.Hour

// switchOfPlan tells whether a plan of the host's switched it at a moment, and whether one
// that may have is not over yet.
func (c *change) switchOfPlan(of string, at time.Time) (ours, runs bool, err error) {
	threads, err := c.ThreadsDuring(bot.ThreadPlan, at, c.now.Add(time.Millisecond))
	if err != nil {
		return false, false, err
	}
	for _, th := range threads {
		p := th.State.Plan.Proposal
		if th.State.Plan.Host != of || !switches(p) || p.StartedAt.IsZero() || at.Before(p.StartedAt) {
			continue
		}
		if !p.State.Over() {
			return false, true, nil
		}
		ours = ours || !at.After(p.EndedAt)
	}
	return ours, false, nil
}

// switches tells whether a plan's operation switches the system.
func switches(p bot.Proposal) bool { return strings.HasPrefix(string(p.Plan.Operation), "nixos.") }

// validate begins the lists that come after a switch, however long ago that was: the host
// was looked at by none of them since. begun: such a list begins, or has begun.
func (c *change) validate(x bot.Change, text string) (begun bool, err error) {
	for _, s := range c.s.Checklists {
		row, comes, looked, err := c.comesAfter(s, x)
		if err != nil {
			return false, err
		}
		begun = begun || comes
		if !comes || looked {
			continue
		}
		if err := c.beginRun(s, &row, x.At, "after: "+text, x.Host); err != nil {
			return false, err
		}
	}
	return begun, nil
}
