package flow

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// notice opens, or adds to, the thread about one of the bot's own troubles.
func (c *change) notice(subject string, tone bot.Tone, title, text string) error {
	th, ok, err := c.LatestThread("notice:" + subject)
	if err != nil {
		return err
	}
	if !ok || !th.Open() {
		th = c.newThread(bot.ThreadNotice, "notice:"+subject)
		th.State.Notice = &bot.NoticeState{Tone: tone}
		if tone == bot.ToneCritical {
			th.Severity = bot.SeverityCritical
		} else {
			th.Severity = bot.SeverityWarning
		}
	} else {
		th.Version++
	}
	n := th.State.Notice
	n.Title, n.Text, n.Last = title, text, c.now
	n.Count++
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.show(th, []bot.RoomID{c.s.NoticesRoom})
}

// trouble opens the thread about one of the bot's own troubles that lasts, and
// leaves it alone while it says the same.
func (c *change) trouble(subject string, tone bot.Tone, title, text string) error {
	th, ok, err := c.LatestThread("notice:" + subject)
	if err != nil {
		return err
	}
	if ok && th.Open() {
		n := th.State.Notice
		if n.Title == title && n.Text == text {
			return nil
		}
		n.Title, n.Text = title, text
		th.Version++
		return c.PutThread(th, "", c.now)
	}
	return c.notice(subject, tone, title, text)
}

// noticeOver closes the thread about a trouble that has passed.
func (c *change) noticeOver(subject string) error {
	return c.close("notice:" + subject)
}

// close closes the newest thread about a subject, if it is open.
func (c *change) close(subject string) error {
	th, ok, err := c.LatestThread(subject)
	if err != nil || !ok || !th.Open() {
		return err
	}
	th.ClosedAt = c.now
	th.Version++
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.show(th, nil)
}

// refused tells people of a webhook that was turned away for good: Alertmanager
// will not send it again before its group changes or repeats.
func (c *change) refused(r bot.Refused) error {
	err := c.notice(fmt.Sprintf("refused %s %d", r.Endpoint, r.Status), bot.ToneWarning,
		fmt.Sprintf("A notice of Alertmanager was refused (%d)", r.Status),
		fmt.Sprintf("What posts to webhook %q sent something that cannot be taken: %s. It is not tried again; until the group's next notice, alerts may be missing here.",
			r.Endpoint, strings.TrimRight(r.Reason, ".")))
	if err != nil {
		return err
	}
	return c.closeNoticeAfter(fmt.Sprintf("refused %s %d", r.Endpoint, r.Status), refusalStays)
}

// refusalStays is how long the thread about refused webhooks stays open after
// the last one.
const refusalStays = time.Hour

func (c *change) closeNoticeAfter(subject string, d time.Duration) error {
	th, ok, err := c.LatestThread("notice:" + subject)
	if err != nil || !ok {
		return err
	}
	th.NextAt = c.now.Add(d)
	return c.PutThread(th, "", c.now)
}

// beat counts a delivery of a heartbeat, every one, duplicates included: its
// startsAt never changes, so what would count as a repetition elsewhere is the
// news here.
func (c *change) beat(r Route, a bot.Alert, at time.Time) error {
	name := r.Name + " " + a.Labels.Canonical()
	// The placeholder for one that never came has done its work.
	if err := c.DropHeartbeat(r.Name); err != nil {
		return err
	}
	if err := c.endHeartbeat(r.Name, at); err != nil {
		return err
	}
	if err := c.PutHeartbeat(store.Heartbeat{Name: name, LastAt: at, Stopped: a.Resolved}); err != nil {
		return err
	}
	if a.Resolved {
		return c.missHeartbeat(store.Heartbeat{Name: name, LastAt: at, Stopped: true}, r)
	}
	return c.endHeartbeat(name, at)
}

// missHeartbeat opens the thread about a heartbeat that does not come.
func (c *change) missHeartbeat(h store.Heartbeat, r Route) error {
	subject := "heartbeat:" + h.Name
	th, ok, err := c.LatestThread(subject)
	if err != nil {
		return err
	}
	if ok && th.Open() {
		if th.State.Heartbeat.Stopped == h.Stopped {
			return nil
		}
		th.State.Heartbeat.Stopped = h.Stopped
		th.Version++
	} else {
		th = c.newThread(bot.ThreadHeartbeat, subject)
		th.Severity = bot.SeverityCritical
		th.State.Heartbeat = &bot.HeartbeatState{Name: heartbeatName(h.Name, r), LastAt: h.LastAt, Every: r.AbsentAfter, Stopped: h.Stopped}
	}
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.show(th, r.Rooms)
}

func (c *change) endHeartbeat(name string, at time.Time) error {
	th, ok, err := c.LatestThread("heartbeat:" + name)
	if err != nil || !ok || !th.Open() {
		return err
	}
	th.ClosedAt = c.now
	th.State.Heartbeat.Returned = at
	th.Version++
	if err := c.log(&th, "", view.Heard(*th.State.Heartbeat, c.style())); err != nil {
		return err
	}
	if err := c.PutThread(th, "", c.now); err != nil {
		return err
	}
	return c.show(th, nil)
}

// heartbeatName is what people call a heartbeat: its alert's name and labels,
// or its route's matchers when it never came.
func heartbeatName(name string, r Route) string {
	rest, ok := strings.CutPrefix(name, r.Name+" ")
	var l bot.Labels
	if !ok || json.Unmarshal([]byte(rest), &l) != nil {
		return r.Name
	}
	var parts []string
	for _, n := range l.Names() {
		if n != "alertname" && n != "severity" {
			parts = append(parts, n+"="+l[n])
		}
	}
	if len(parts) == 0 {
		return bot.AlertName(l)
	}
	return bot.AlertName(l) + " (" + strings.Join(parts, ", ") + ")"
}
