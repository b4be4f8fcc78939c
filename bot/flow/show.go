package flow

import (
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// showAlert gives an alert's thread the views that its routes ask for.
func (c *change) showAlert(g *group) error {
	th := &g.thread
	st := th.State.Alert
	rooms, digests := map[bot.RoomID]bool{}, map[bot.RoomID]bool{}
	for _, e := range g.newest {
		for _, r := range c.s.Route(e.Labels) {
			for _, room := range r.Rooms {
				if r.As == AsThread {
					rooms[room] = true
				} else if r.As == AsDigest {
					digests[room] = true
				}
			}
		}
	}
	changed := false
	for room := range digests {
		if !slices.Contains(st.Digests, room) {
			st.Digests, changed = append(st.Digests, room), true
		}
	}
	for room := range rooms {
		if !slices.Contains(st.Rooms, room) {
			st.Rooms, changed = append(st.Rooms, room), true
		}
	}
	slices.Sort(st.Rooms)
	slices.Sort(st.Digests)
	if err := c.gather(th, &changed); err != nil {
		return err
	}
	if changed {
		if err := c.PutThread(*th, "", c.now); err != nil {
			return err
		}
	}
	if len(st.Rooms) == 0 {
		return nil
	}
	if !g.exists && th.Open() {
		if err := c.lookAtHost(st.Host); err != nil {
			return err
		}
	}
	if st.Gathered != "" {
		return nil
	}
	if err := c.show(*th, st.Rooms); err != nil || g.exists || !th.Open() || c.f.o.Grapher == nil {
		return err
	}
	return c.makeDue(store.Effect{Key: c.f.o.IDs.Effect(), Thread: th.ID, What: bot.DrawGraph{Thread: th.ID}, NextTry: c.now.Add(pictureDelay)})
}

// pictureDelay lets a thread's root go first, and spares the picture of what is
// over in a moment.
const pictureDelay = 3 * time.Second

// show makes a thread's views, or brings their priority up to date.
func (c *change) show(th bot.Thread, rooms []bot.RoomID) error {
	want := slices.Clone(rooms)
	for name, r := range c.s.Rooms {
		if r.Everything && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	have, err := c.Views(th.ID)
	if err != nil {
		return err
	}
	for _, v := range have {
		i := slices.Index(want, v.Room)
		if i >= 0 {
			want = slices.Delete(want, i, i+1)
		}
		if overUnshown(th, v) {
			if _, pending, err := c.UnfinishedSend(v.Thread, v.Room); err != nil {
				return err
			} else if !pending {
				if err := c.DropView(v.Thread, v.Room); err != nil {
					return err
				}
				continue
			}
		}
		v.Priority = priorityOf(th)
		switch {
		case v.Root != "" && unasked(th):
			v.NotBefore = time.Time{} // only what nobody has seen is held back
		case th.Open() && !v.NotBefore.IsZero():
			v.NotBefore = c.s.Quiet(c.now, th.Severity)
		}
		if err := c.PutView(v, th, c.now); err != nil {
			return err
		}
	}
	if !th.Open() {
		return nil
	}
	for _, room := range want {
		if _, ok := c.s.Rooms[room]; !ok {
			continue // a room that is no longer configured
		}
		v := store.View{Thread: th.ID, Room: room, OwnRoot: true, Priority: priorityOf(th)}
		if unasked(th) {
			v.NotBefore = c.s.Quiet(c.now, th.Severity)
		}
		if err := c.PutView(v, th, c.now); err != nil {
			return err
		}
	}
	return nil
}

// unasked tells whether nobody asked for the thread, so that quiet hours may hold
// it back: an alert's, and that of a repair.
func unasked(th bot.Thread) bool {
	return th.Kind == bot.ThreadAlert || th.State.Plan != nil && th.State.Plan.Mends != ""
}

// overUnshown tells whether an alert was over before the room could show it. A
// critical one is shown all the same; of the others the digest tells.
func overUnshown(th bot.Thread, v store.View) bool {
	return th.Kind == bot.ThreadAlert && !th.Open() && v.Root == "" && v.Remade == 0 && th.Severity != bot.SeverityCritical
}

func priorityOf(th bot.Thread) store.Priority {
	switch {
	case th.Kind == bot.ThreadStorm:
		return store.PriorityStorm
	case th.Kind == bot.ThreadDigest, th.Kind == bot.ThreadBrief:
		return store.PriorityDigest
	case th.Kind == bot.ThreadPlan:
		return store.PriorityCritical // somebody waits for it, and for what came of it
	case !th.Open():
		return store.PriorityOver
	case th.Severity == bot.SeverityCritical:
		return store.PriorityCritical
	case th.Severity == bot.SeverityInfo:
		return store.PriorityInfo
	}
	return store.PriorityWarning
}
