package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// startedUp prepares what waits for a time, and notes the start: an operator
// who looks for causes wants to know that the bot itself was away.
func (c *change) startedUp(e bot.Started) error {
	if _, err := c.AddChange(bot.Change{ID: "bot " + e.At.Format(time.RFC3339Nano), Kind: bot.ChangeBot,
		Text: "watchstander " + e.Version + " started", At: e.At}); err != nil {
		return err
	}
	if err := c.listens(); err != nil {
		return err
	}
	beats, err := c.Heartbeats()
	if err != nil {
		return err
	}
	for _, r := range c.s.Heartbeats {
		known := slices.ContainsFunc(beats, func(h store.Heartbeat) bool {
			found, ok := routeOf(c.s, h.Name)
			return ok && found.Name == r.Name
		})
		if !known {
			// A heartbeat that never came is missed too.
			if err := c.PutHeartbeat(store.Heartbeat{Name: r.Name}); err != nil {
				return err
			}
		}
	}
	for name, first := range map[string]time.Time{metaDigest: c.s.NextDigest(c.now), metaDigestFrom: c.now, metaPrune: c.now.Add(time.Hour), metaKnown: c.now} {
		at, err := metaTime(c.Tx, name)
		if err != nil {
			return err
		}
		if at.IsZero() {
			if err := c.putMetaTime(name, first); err != nil {
				return err
			}
		}
	}
	return nil
}

// booted compares a host's boot with the one before.
func (c *change) booted(e bot.Booted) error {
	before, err := c.Meta("boot " + e.Host)
	if err != nil || before == e.Boot {
		return err
	}
	if err := c.PutMeta("boot "+e.Host, e.Boot); err != nil || before == "" {
		return err
	}
	return c.changed(bot.Change{ID: "boot " + e.Boot, Host: e.Host, Kind: bot.ChangeReboot, Text: "rebooted", At: e.At})
}

// changed notes a change on a host. A reboot opens the thread in which the
// host's alerts gather until its grace time is over.
func (c *change) changed(x bot.Change) error {
	fresh, err := c.AddChange(x)
	if err != nil || !fresh {
		return err
	}
	if err := c.changeRanIn(x); err != nil {
		return err
	}
	if err := c.runAfter(x); err != nil || x.Kind != bot.ChangeReboot {
		return err
	}
	grace := c.s.RebootGrace(x.Host)
	until := x.At.Add(grace)
	if grace <= 0 || !until.After(c.now) {
		return nil
	}
	th := c.newThread(bot.ThreadReboot, "reboot:"+x.Host)
	th.Severity, th.NextAt = bot.SeverityInfo, until
	th.State.Reboot = &bot.RebootState{Host: x.Host, At: x.At, Until: until}
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.show(th, []bot.RoomID{c.s.NoticesRoom})
}

// gather lets the after-reboot thread of its host speak for a new thread.
func (c *change) gather(th *bot.Thread, changed *bool) error {
	st := th.State.Alert
	if st.Host == "" {
		return nil
	}
	reboot, ok, err := c.LatestThread("reboot:" + st.Host)
	if err != nil || !ok || !reboot.Open() {
		return err
	}
	r := reboot.State.Reboot
	if st.Gathered == "" {
		views, err := c.Views(th.ID)
		if err != nil || len(views) > 0 || !th.Open() || th.OpenedAt.Before(r.At) {
			return err // it stood before the reboot, or is over
		}
		st.Gathered, *changed = reboot.ID, true
		r.Threads = append(r.Threads, th.ID)
	}
	if th.Severity.Rank() > reboot.Severity.Rank() {
		reboot.Severity = th.Severity
	}
	reboot.Version++
	if err := c.PutThread(reboot, "", c.now); err != nil {
		return err
	}
	return c.show(reboot, append([]bot.RoomID{c.s.NoticesRoom}, st.Rooms...))
}

// endReboot ends the grace time: what still fires speaks for itself.
func (c *change) endReboot(reboot bot.Thread) error {
	r := reboot.State.Reboot
	for _, id := range r.Threads {
		th, ok, err := c.Thread(id)
		if err != nil {
			return err
		}
		if !ok || th.State.Alert == nil || th.State.Alert.Gathered != reboot.ID {
			continue
		}
		th.State.Alert.Gathered = ""
		if err := c.PutThread(th, "", c.now); err != nil {
			return err
		}
		if th.Open() {
			r.Still++
		}
		if th.Open() && len(th.State.Alert.Rooms) > 0 {
			if err := c.show(th, th.State.Alert.Rooms); err != nil {
				return err
			}
		}
		if err := c.repairsOf(&th); err != nil {
			return err
		}
	}
	r.Over = true
	reboot.ClosedAt = c.now
	reboot.Version++
	if err := c.PutThread(reboot, "", c.now); err != nil {
		return err
	}
	return c.show(reboot, nil)
}
