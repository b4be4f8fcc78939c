package flow

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/bot/gate"
	"watchstander/bot/journal"
	"watchstander/bot/phrase"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// What repairs itself: an alert begins to fire that a standing approval of its
// host's agent is for, and the agent is asked to use it, once for each episode.
// Whether it may be used, and whether it helped, is the agent's to say; here it is
// told in the alert's own thread.

// repairWithin is how long after an alert began to fire an agent may still be asked.
// Later, people have taken it up, or nobody thinks of it any more.
const repairWithin = 15 * time.Minute

// keptRepairs are how many a thread remembers; one that flaps has many.
const keptRepairs = 10

// standingTold takes up which standing approvals a host has. What began to fire a
// moment ago, while that was not known, is looked at again.
func (c *change) standingTold(host string, list []bot.Standing) error {
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	name := "standing " + host
	if before, err := c.Meta(name); err != nil || before == string(body) {
		return err
	}
	if err := c.PutMeta(name, string(body)); err != nil {
		return err
	}
	delete(c.standing, host)
	young, err := c.YoungEpisodes(c.now.Add(-repairWithin))
	if err != nil {
		return err
	}
	for i, n := 0, 0; i < len(young); i = n {
		id := young[i].Thread
		var live []*bot.Episode
		for n = i; n < len(young) && young[n].Thread == id; n++ {
			live = append(live, &young[n])
		}
		if err := c.each("repairs of "+string(id), func() error {
			th, ok, err := c.Thread(id)
			if err != nil || !ok || !th.Open() || th.State.Alert == nil {
				return err
			}
			return c.repairs(&th, live)
		}); err != nil {
			return err
		}
	}
	return nil
}

// standingOf are the standing approvals of a host, as its agent told them last.
func (c *change) standingOf(host string) ([]bot.Standing, error) {
	if list, read := c.standing[host]; read {
		return list, nil
	}
	text, err := c.Meta("standing " + host)
	if err != nil {
		return nil, err
	}
	var list []bot.Standing
	if text != "" {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("the standing approvals of %s: %w", host, err)
		}
	}
	if c.standing == nil {
		c.standing = map[string][]bot.Standing{}
	}
	c.standing[host] = list
	return list, nil
}

// repairsOf is repairs for a thread whose episodes are not at hand.
func (c *change) repairsOf(th *bot.Thread) error {
	es, err := c.Episodes(th.ID)
	if err != nil {
		return err
	}
	var live []*bot.Episode
	for _, e := range es {
		if !e.Resolved {
			live = append(live, &e)
		}
	}
	return c.repairs(th, live)
}

// repairs asks the agents to repair what fires in a thread, where a standing approval
// is for it and nothing speaks against it.
func (c *change) repairs(th *bot.Thread, live []*bot.Episode) error {
	if len(c.f.o.Agents) == 0 {
		return nil
	}
	asked := false
	for _, e := range live {
		if whyNot(*th, *e, c.now) != "" {
			continue
		}
		host := c.s.Host(e.Labels)
		if host == "" || c.f.o.Agents[host] == nil {
			continue
		}
		list, err := c.standingOf(host)
		if err != nil {
			return err
		}
		// The first that fits, as with rules.
		i := slices.IndexFunc(list, func(s bot.Standing) bool { return gate.Fires(s.When, e.Labels) })
		if i < 0 {
			continue
		}
		fresh, err := c.repair(th, *e, host, list[i])
		if err != nil {
			return err
		}
		asked = asked || fresh
	}
	if !asked {
		return nil
	}
	th.Version++
	return c.PutThread(*th, "", c.now)
}

// repair asks once. One that is under way in the thread is for all that fire in it.
func (c *change) repair(th *bot.Thread, e bot.Episode, host string, s bot.Standing) (fresh bool, err error) {
	st := th.State.Alert
	for _, r := range st.Repairs {
		if r.Host == host && r.Standing == s.Name && (!r.Over() || r.EndedAt.After(e.FirstAt)) {
			return false, nil
		}
	}
	key := repairKey(host, s.Name, e)
	if _, there, err := c.Effect(key); err != nil || there {
		return false, err
	}
	if err := c.makeDue(store.Effect{Key: key, Thread: th.ID,
		What: bot.Trigger{Thread: th.ID, Episode: e.ID, Host: host, Standing: s.Name, Operation: s.Operation, Arguments: s.Arguments, Alert: e.Labels, Since: e.Since()}}); err != nil {
		return false, err
	}
	st.Repairs = append(st.Repairs, bot.Repair{Key: key, Episode: e.ID, Host: host, Standing: s.Name, Operation: s.Operation, Arguments: s.Arguments, At: c.now})
	if n := len(st.Repairs) - keptRepairs; n > 0 {
		st.Repairs = slices.Delete(st.Repairs, 0, n)
	}
	return true, c.journalRepair(journal.KindRequest, *th, host, key, e.Name()+" fires: the standing approval "+s.Name+" is asked for", s.Name)
}

// repairKey is the same for one firing of one alert, whichever thread, receiver or
// Alertmanager it came by: nothing is repaired twice for it.
func repairKey(host, standing string, e bot.Episode) bot.EffectKey {
	h := sha256.Sum256(fmt.Appendf(nil, "repair\x00%s\x00%s\x00%s\x00%d", host, standing, e.Fingerprint, e.StartsAt.UnixMilli()))
	return bot.EffectKey("eff_" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:16]))
}

// whyNot says why an alert is not to be repaired by itself now, "" when it may.
// Whoever silenced or acked it knows of it, and may be at work there.
func whyNot(th bot.Thread, e bot.Episode, now time.Time) string {
	st := th.State.Alert
	switch {
	case e.Resolved && e.Ended == bot.EndedByMove:
		return "the alert goes on in another thread"
	case e.Resolved:
		return "the alert is over"
	case len(e.SilencedBy) > 0, len(e.MutedBy) > 0:
		return "the alert is silenced"
	case len(e.InhibitedBy) > 0:
		return "the alert is inhibited by another one"
	case e.Doubt:
		return "it is in doubt whether the alert fires"
	case st.Ack != nil:
		return string(st.Ack.By) + " has acked it"
	case st.Gathered != "":
		return "its host has just booted"
	case now.Sub(e.Since()) > repairWithin:
		return "the alert has fired for longer than " + phrase.Duration(repairWithin)
	}
	return ""
}

// errUnwanted is why an agent is no longer asked for a repair.
var errUnwanted = errors.New("the repair is not wanted any more")

// unwanted looks at the alert once more before the agent is asked.
func (f *Flow) unwanted(ctx context.Context, o bot.Trigger) error {
	why := "the alert is no longer known"
	err := f.o.Store.View(ctx, func(tx *store.Tx) error {
		th, ok, err := tx.Thread(o.Thread)
		if err != nil || !ok || th.State.Alert == nil {
			return err
		}
		es, err := tx.Episodes(th.ID)
		if i := slices.IndexFunc(es, func(e bot.Episode) bool { return e.ID == o.Episode }); i >= 0 {
			why = whyNot(th, es[i], f.clock.now())
		}
		return err
	})
	if err != nil || why == "" {
		return ownState(err)
	}
	return bot.Errorf(bot.CodeConflict, "%s.", why).Because(errUnwanted)
}

// mended is the alert's thread for which a standing approval lets a proposal run.
func (c *change) mended(p bot.Proposal) (bot.Thread, bool, error) {
	x, ok, err := c.Effect(p.Key)
	if err != nil || !ok {
		return bot.Thread{}, false, err
	}
	if o, ok := x.What.(bot.Trigger); !ok || o.Host != p.Plan.Host {
		return bot.Thread{}, false, nil
	}
	th, ok, err := c.Thread(x.Thread)
	return th, ok && th.State.Alert != nil, err
}

// repairNews tells in the alert's thread what becomes of a repair. Each step of it
// stands in the plan's own.
func (c *change) repairNews(p bot.Proposal) error {
	if p.State == bot.Proposed {
		return nil // whether it may be used is not judged yet
	}
	th, ok, err := c.mended(p)
	if err != nil || !ok {
		return err
	}
	r := repairOf(&th, p.Key)
	if r == nil || r.Plan == p.Plan.ID && r.State == p.State {
		return nil
	}
	first := r.Plan == ""
	r.Plan, r.State, r.Why, r.EndedAt = p.Plan.ID, p.State, p.Why, time.Time{}
	var told *bot.Message
	switch {
	case p.State.Over():
		r.EndedAt = c.now
		m := view.RepairOver(*r, p, c.style())
		told = &m
	case first:
		m := view.Repairing(p)
		told = &m
	}
	return c.tellRepair(&th, told)
}

// notRepaired tells why an agent was not asked, or did not do it.
func (c *change) notRepaired(x store.Effect, o bot.Trigger, why error) error {
	if why == nil {
		return nil // its plan tells
	}
	th, ok, err := c.Thread(x.Thread)
	if err != nil || !ok || th.State.Alert == nil {
		return err
	}
	r := repairOf(&th, x.Key)
	if r == nil || r.Plan != "" {
		return nil
	}
	// A word of the agent's is a sentence; ours goes into one.
	r.Why, r.EndedAt = strings.TrimSuffix(bot.ForPeople(why), "."), c.now
	unwanted := errors.Is(why, errUnwanted)
	if err := c.journalRepair(journal.KindRefusal, th, o.Host, x.Key, "the standing approval "+o.Standing+" is not used: "+r.Why, o.Standing); err != nil {
		return err
	}
	m := view.NotRepaired(*r, !unwanted)
	return c.tellRepair(&th, &m)
}

// mending tells whether something was to be repaired by itself: what came of it is told
// below the root with what people can do now, which the root has no place for.
func mending(th bot.Thread) bool { return th.State.Alert != nil && len(th.State.Alert.Repairs) > 0 }

func repairOf(th *bot.Thread, key bot.EffectKey) *bot.Repair {
	for i := range th.State.Alert.Repairs {
		if r := &th.State.Alert.Repairs[i]; r.Key == key {
			return r
		}
	}
	return nil
}

func (c *change) tellRepair(th *bot.Thread, m *bot.Message) error {
	if m != nil {
		if err := c.log(th, "", *m); err != nil {
			return err
		}
	}
	th.Version++
	return c.PutThread(*th, "", c.now)
}

func (c *change) journalRepair(kind journal.Kind, th bot.Thread, host string, key bot.EffectKey, text, standing string) error {
	return c.journal(journal.Entry{Kind: kind, Host: host, Subject: string(key), Text: text,
		Fields: map[string]string{journal.FieldThread: string(th.ID), journal.FieldKey: string(key), "standing": standing}})
}
