package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// A maintenance is a thread with a silence. The thread owns its life: it opens, goes on
// for longer and ends by a word or by its time, whether or not Alertmanager answers; the
// silence follows as soon as it can (maintenance_silence.go). What ran in it, and what
// still fires when it is over, is told here.

const (
	// maintenanceLonger is how much later an end must be for the maintenance to go on for
	// longer: two people who say the same at once mean one.
	maintenanceLonger = time.Minute
	// maintenanceLate is how late an end may be taken and still count as in time.
	maintenanceLate = time.Minute
	// maintenanceAfter is how long after its end something that ran in it, and what still
	// fires, is told in it.
	maintenanceAfter = 7 * 24 * time.Hour
	// mostCovered is how many alerts are named of those that a maintenance covers.
	mostCovered = 10
)

// onMaintenance applies what somebody said of a maintenance.
func (c *change) onMaintenance(conv bot.Thread, r store.Request, o bot.Outcome) error {
	var err error
	switch o := o.(type) {
	case bot.OpenMaintenance:
		err = c.openMaintenance(conv, r, o)
	case bot.CloseMaintenance:
		err = c.closeMaintenance(conv, r, o)
	}
	if err != nil && isPeoples(err) {
		return c.aside(conv, bot.Message{Title: bot.Quoted(bot.ForPeople(err))})
	}
	return err
}

// maintenanceSubject is the same for what is one maintenance: of a host or of matchers, in
// one Alertmanager. In another one nothing would be silenced by it.
func maintenanceSubject(o bot.OpenMaintenance) string {
	if o.Host != "" {
		return "maintenance:" + o.Alertmanager + " " + o.Host
	}
	text := "maintenance:" + o.Alertmanager + " {"
	for _, m := range o.Matchers {
		text += m.String() + ","
	}
	return text + "}"
}

// formerMaintenance is the last one of the same. Those of hosts were once kept without
// their Alertmanager's name.
func (c *change) formerMaintenance(o bot.OpenMaintenance) (bot.Thread, bool, error) {
	th, ok, err := c.LatestThread(maintenanceSubject(o))
	if err != nil || ok || o.Host == "" {
		return th, ok, err
	}
	th, ok, err = c.LatestThread("maintenance:" + o.Host)
	return th, ok && th.State.Maintenance.Alertmanager == o.Alertmanager, err
}

func (c *change) openMaintenance(conv bot.Thread, r store.Request, o bot.OpenMaintenance) error {
	if !o.Until.After(c.now) {
		return bot.Errorf(bot.CodeInvalid, "Its end (%s) has passed in the meantime; nothing was opened.", c.style().Time(o.Until))
	}
	former, ok, err := c.formerMaintenance(o)
	if err != nil {
		return err
	}
	if ok && former.Open() {
		return c.extendMaintenance(conv, r, former, o)
	}
	th := c.newThread(bot.ThreadMaintenance, maintenanceSubject(o))
	th.Severity, th.NextAt = bot.SeverityInfo, o.Until
	if ok {
		th.Former = former.ID
	}
	st := &bot.MaintenanceState{Host: o.Host, By: r.Person, Reason: o.Reason, Since: c.now, Until: o.Until,
		Alertmanager: o.Alertmanager, Matchers: o.Matchers, Covers: o.Covers}
	th.State.Maintenance = st
	if st.Key, err = c.orderMaintenanceSilence(th, r.Person); err != nil {
		return err
	}
	if err := c.PutThread(th, "maintenance "+o.Host+" "+o.Reason, c.now); err != nil {
		return err
	}
	if err := c.journalMaintenance(th, r.Person, "opened the maintenance of "+view.MaintenanceOf(*st)+" until "+c.style().Time(st.Until), o.Reason); err != nil {
		return err
	}
	if err := c.show(th, []bot.RoomID{conv.State.Conversation.Room, c.s.NoticesRoom}); err != nil {
		return err
	}
	return c.confirm(conv, th.ID, "Open: maintenance of "+view.MaintenanceOf(*st)+" until "+c.style().Time(st.Until)+". Alerts that its silence covers now: "+view.CoveredWords(st.Covers)+".")
}

// extendMaintenance has an open one go on for longer, or its silence be made again where
// that is gone. It never makes it shorter: whoever came second may not know of the first.
func (c *change) extendMaintenance(conv bot.Thread, r store.Request, th bot.Thread, o bot.OpenMaintenance) error {
	st := th.State.Maintenance
	longer := o.Until.Sub(st.Until) >= maintenanceLonger
	if x, ok, err := c.Effect(st.Key); err != nil {
		return err
	} else if again := st.Silence == "" && (!ok || x.State != store.EffectDue); !longer && !again {
		return bot.Errorf(bot.CodeConflict, "It is open already, by %s since %s, until %s. A later end extends it, and `maintenance stop` ends it.",
			st.By, c.style().Time(st.Since), c.style().Time(st.Until))
	}
	said, did := view.MaintenanceAgain(r.Person), "asked for another silence for"
	if longer {
		st.Until = o.Until
		said, did = view.MaintenanceExtended(*st, r.Person, o.Reason, c.style()), "extended"
	}
	st.Former = append(st.Former, st.Key)
	st.Matchers, st.Covers, st.Trouble = o.Matchers, o.Covers, ""
	var err error
	if st.Key, err = c.orderMaintenanceSilence(th, r.Person); err != nil {
		return err
	}
	th.NextAt = st.Until
	if err := c.journalMaintenance(th, r.Person, did+" the maintenance of "+view.MaintenanceOf(*st)+" until "+c.style().Time(st.Until), o.Reason); err != nil {
		return err
	}
	if err := c.log(&th, r.Person, said); err != nil {
		return err
	}
	if err := c.putMaintenance(&th); err != nil {
		return err
	}
	return c.confirm(conv, th.ID, "Open: maintenance of "+view.MaintenanceOf(*st)+" until "+c.style().Time(st.Until)+".")
}

func (c *change) closeMaintenance(conv bot.Thread, r store.Request, o bot.CloseMaintenance) error {
	th, ok, err := c.Thread(o.Thread)
	if err != nil {
		return err
	}
	if !ok || th.State.Maintenance == nil {
		return bot.Errorf(bot.CodeNotFound, "That is no maintenance; `maintenance` lists those that are open.")
	}
	st := th.State.Maintenance
	if !th.Open() {
		by := "Its time"
		if st.EndedBy != "" {
			by = string(st.EndedBy)
		}
		return bot.Errorf(bot.CodeConflict, "%s has ended it already, %s.", by, c.style().Time(st.EndedAt))
	}
	if err := c.endMaintenance(&th, c.now, r.Person, o.Reason); err != nil {
		return err
	}
	return c.confirm(conv, th.ID, "Ended: maintenance of "+view.MaintenanceOf(*st)+".")
}

// dueMaintenance ends one whose time is over; one that was over while the bot was away
// ended then, and not now.
func (c *change) dueMaintenance(th bot.Thread) error {
	st := th.State.Maintenance
	if !th.Open() || st.Until.After(c.now) {
		if th.NextAt = (time.Time{}); th.Open() {
			th.NextAt = st.Until
		}
		return c.PutThread(th, "", c.now)
	}
	why := ""
	if c.now.Sub(st.Until) > maintenanceLate {
		why = "I was not running then."
	}
	return c.endMaintenance(&th, st.Until, "", why)
}

func (c *change) endMaintenance(th *bot.Thread, at time.Time, by bot.PersonID, why string) error {
	st := th.State.Maintenance
	st.EndedAt, st.EndedBy, st.Trouble = at, by, ""
	th.ClosedAt, th.NextAt = at, time.Time{}
	if err := c.endMaintenanceSilences(*th, by); err != nil {
		return err
	}
	text := "the maintenance of " + view.MaintenanceOf(*st) + " ended, its time was over"
	if by != "" {
		text = "ended the maintenance of " + view.MaintenanceOf(*st)
	}
	if err := c.journalMaintenance(*th, by, text, why); err != nil {
		return err
	}
	if err := c.log(th, by, view.MaintenanceEnded(*st, why, c.style())); err != nil {
		return err
	}
	if st.Host != "" {
		// What changed in it, its agent may know and has not been asked.
		if err := c.lookAtHost(st.Host); err != nil {
			return err
		}
	}
	c.after = append(c.after, func() { c.f.pollSoon(st.Alertmanager) })
	return c.putMaintenance(th)
}

func (c *change) putMaintenance(th *bot.Thread) error {
	th.Version++
	if err := c.PutThread(*th, "", c.now); err != nil {
		return err
	}
	return c.show(*th, nil)
}

func (c *change) journalMaintenance(th bot.Thread, by bot.PersonID, text, reason string) error {
	return c.journal(journal.Entry{Kind: journal.KindMaintenance, Host: th.State.Maintenance.Host, By: by, Subject: string(th.ID), Text: text,
		Fields: map[string]string{journal.FieldThread: string(th.ID), "reason": reason}})
}

// maintenances are the open ones, and those that ended not long ago.
func (c *change) maintenances() ([]bot.Thread, error) {
	return c.ThreadsDuring(bot.ThreadMaintenance, c.now.Add(-maintenanceAfter), c.now.Add(time.Millisecond))
}

// ranIn tells the maintenances of a host what ran in them. One that was opened with
// matchers may be of any host, and names it.
func (c *change) ranIn(host string, at time.Time, text string) error {
	if host == "" {
		return nil
	}
	all, err := c.maintenances()
	if err != nil {
		return err
	}
	for _, th := range all {
		st := th.State.Maintenance
		if st.Host != "" && st.Host != host || at.Before(st.Since) || !th.Open() && !at.Before(st.EndedAt) {
			continue
		}
		x := bot.RanIn{At: at, Text: text}
		if st.Host == "" {
			x.Text = host + ": " + text
		}
		i := len(st.Ran)
		for i > 0 && st.Ran[i-1].At.After(at) {
			i-- // an agent tells of what was before, too
		}
		st.Ran = slices.Insert(slices.Clone(st.Ran), i, x)
		if more := len(st.Ran) - bot.MaintenanceRan; more > 0 {
			st.Ran, st.RanMore = st.Ran[more:], st.RanMore+more
		}
		if err := c.log(&th, "", view.RanIn(x, c.style())); err != nil {
			return err
		}
		if err := c.putMaintenance(&th); err != nil {
			return err
		}
	}
	return nil
}

// planRanIn tells of a plan's start and of its end.
func (c *change) planRanIn(st bot.PlanState, before bot.ProposalState) error {
	p := st.Proposal
	if p.StartedAt.IsZero() {
		return nil
	}
	name := p.Plan.Draft.Summary + " (" + string(p.Plan.ID) + ")"
	if p.State == bot.Running || before.Open() {
		if err := c.ranIn(st.Host, p.StartedAt, "started: "+name); err != nil {
			return err
		}
	}
	if !p.State.Over() {
		return nil
	}
	at := p.EndedAt
	if at.IsZero() {
		at = c.now
	}
	return c.ranIn(st.Host, at, string(p.State)+": "+name)
}

// changeRanIn tells of a change on a host: a switch, a reboot.
func (c *change) changeRanIn(x bot.Change) error {
	return c.ranIn(x.Host, x.At, string(x.Kind)+": "+x.Text)
}

// maintenancesPolled takes what Alertmanager told: which alerts those that are open cover,
// what still fires after those that are over, and what became of their silences.
func (c *change) maintenancesPolled(p bot.Polled, n *silenceNews) error {
	all, err := c.maintenances()
	if err != nil {
		return err
	}
	for _, th := range all {
		st := th.State.Maintenance
		if st.Alertmanager != p.Alertmanager {
			continue
		}
		changed, err := c.maintenanceSilencePolled(&th, n)
		if err != nil {
			return err
		}
		// Only where it is news: there may be thousands of alerts, and all maintenances of
		// the last days are looked at with every poll.
		switch {
		case th.Open():
			if now := coveredOf(p, st.Matchers); st.Covers == nil || !sameCovered(*st.Covers, now) {
				st.Covers, changed = &now, true
			}
		case st.Still == nil && p.Settled && !p.At.Before(st.EndedAt):
			now := coveredOf(p, st.Matchers)
			st.Still, changed = &now, true
			if err := c.log(&th, "", view.StillAfter(now)); err != nil {
				return err
			}
		}
		if !changed {
			continue
		}
		if err := c.putMaintenance(&th); err != nil {
			return err
		}
	}
	return nil
}

// coveredOf are the alerts that fire now, held back or not, and that matchers cover: each
// once, though it may be in several groups.
func coveredOf(p bot.Polled, ms []bot.Matcher) bot.Covered {
	out := bot.Covered{At: p.At}
	seen, fits := map[string]bool{}, gate.Matching(ms)
	for _, g := range p.Groups {
		for _, a := range g.Alerts {
			if seen[a.Fingerprint] || !fits(a.Labels) {
				continue
			}
			seen[a.Fingerprint] = true
			out.Alerts++
			if bot.ParseSeverity(a.Labels["severity"]) == bot.SeverityCritical {
				out.Critical++
			}
			name := a.Labels["alertname"]
			if i := a.Labels["instance"]; i != "" {
				name += " on " + i
			}
			out.Names = append(out.Names, name)
		}
	}
	slices.Sort(out.Names)
	out.Names = slices.Compact(out.Names)
	out.Names = out.Names[:min(len(out.Names), mostCovered)]
	return out
}

func sameCovered(a, b bot.Covered) bool {
	return a.Alerts == b.Alerts && a.Critical == b.Critical && slices.Equal(a.Names, b.Names)
}
