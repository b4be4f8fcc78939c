package flow

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/store"
)

// repairing is a flow with the agents of two hosts, told apart by a label.
func repairing(t *testing.T) (f *Flow, take func(bot.Event)) {
	t.Helper()
	f, take = newFlow(t)
	f.o.Agents = map[string]api.Agent{"vulcan": nobody{}, "mars": nobody{}}
	f.settings.Load().Host = func(l bot.Labels) string { return l["host"] }
	return f, take
}

// nobody is an agent that is never asked.
type nobody struct{ api.Agent }

func fires(host, instance string, start time.Time) bot.Delivery {
	labels := bot.Labels{"alertname": "NginxDown", "host": host, "instance": instance}
	return bot.Delivery{Endpoint: "e", At: time.Now(), Group: bot.Group{Receiver: "r", Labels: bot.Labels{"alertname": "NginxDown", "host": host},
		Alerts: []bot.Alert{{Fingerprint: host + instance, Labels: labels, StartsAt: start}}}}
}

func standing(host string, alerts ...string) bot.Told {
	list := []bot.Standing{}
	for _, a := range alerts {
		list = append(list, bot.Standing{Name: "mend " + a, Operation: "service.restart", When: []bot.Matcher{{Name: "alertname", Op: "=", Value: a}}})
	}
	return bot.Told{Host: host, Standing: &list, At: time.Now()}
}

// triggers are the effects that an agent is due to be asked by.
func triggers(t *testing.T, f *Flow) (out []store.Effect) {
	t.Helper()
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) error {
		out = nil
		for _, host := range slices.Sorted(maps.Keys(f.o.Agents)) {
			due, err := tx.DueEffects("repairs of "+host, time.Now().Add(time.Hour), 100)
			if err != nil {
				return err
			}
			out = append(out, due...)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func alertThread(t *testing.T, f *Flow, id bot.ThreadID) (th bot.Thread) {
	t.Helper()
	if err := f.o.Store.View(t.Context(), func(tx *store.Tx) (err error) { th, _, err = tx.Thread(id); return err }); err != nil {
		t.Fatal(err)
	}
	return th
}

// An alert may fire before it is known which standing approvals its host has: it is
// looked at again, if it is young. One host's approvals are not another's.
func TestRepairsAreAskedForOnce(t *testing.T) {
	f, take := repairing(t)
	start := time.Now().Add(-time.Minute)
	take(fires("vulcan", "a", start))
	take(fires("mars", "a", start))
	take(fires("vulcan", "old", time.Now().Add(-time.Hour)))
	if n := len(triggers(t, f)); n != 0 {
		t.Fatalf("%d without any approval", n)
	}
	take(standing("mars", "DiskFull"))
	take(standing("vulcan", "NginxDown", "NginxDown"))
	got := triggers(t, f)
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	o := got[0].What.(bot.Trigger)
	if o.Host != "vulcan" || o.Standing != "mend NginxDown" || o.Alert["instance"] != "a" || !o.Since.Equal(start.Truncate(time.Millisecond)) {
		t.Errorf("%+v", o)
	}
	// Told again, by another group, by another list: it is the same firing.
	take(fires("vulcan", "a", start))
	again := fires("vulcan", "a", start)
	again.Group.Receiver = "another"
	take(again)
	take(standing("vulcan"))
	take(standing("vulcan", "NginxDown"))
	if n := len(triggers(t, f)); n != 1 {
		t.Errorf("%d after the same alert was told again", n)
	}
}

// The plan of a repair is told in its alert's thread, and only by its own agent.
func TestRepairsAreToldByTheirOwnAgentAlone(t *testing.T) {
	f, take := repairing(t)
	take(standing("vulcan", "NginxDown"))
	take(fires("vulcan", "a", time.Now()))
	x := triggers(t, f)[0]
	plan := func(host string, id bot.PlanID, s bot.ProposalState, stamp int64) bot.Told {
		p := bot.Proposal{Plan: bot.Plan{ID: id, Host: host, Draft: bot.Draft{Summary: "restart"}}, Digest: "d", Key: x.Key, State: s, Stamp: stamp}
		if s.Over() {
			p.EndedAt = time.Now()
		}
		return bot.Told{Host: host, Proposals: []bot.Proposal{p}, At: time.Now()}
	}
	take(plan("mars", "pln_M", bot.Done, 1))
	if r := alertThread(t, f, x.Thread).State.Alert.Repairs; len(r) != 1 || r[0].Plan != "" {
		t.Errorf("after mars spoke: %+v", r)
	}
	take(plan("vulcan", "pln_V", bot.Waiting, 1))
	seq := alertThread(t, f, x.Thread).LastSeq
	take(plan("vulcan", "pln_V", bot.Running, 2))
	if th := alertThread(t, f, x.Thread); th.State.Alert.Repairs[0].State != bot.Running || th.LastSeq != seq {
		t.Errorf("while it runs: %+v", th)
	}
	take(plan("vulcan", "pln_V", bot.Done, 3))
	take(plan("vulcan", "pln_V", bot.Done, 4)) // more was read later
	th := alertThread(t, f, x.Thread)
	if r := th.State.Alert.Repairs[0]; r.Plan != "pln_V" || r.State != bot.Done || !r.Over() || th.LastSeq != seq+1 {
		t.Errorf("at its end: %+v", th)
	}
	// An answer that comes after all that changes nothing.
	take(bot.Affected{Key: x.Key, Err: bot.Errorf(bot.CodeConflict, "too late"), Final: true, At: time.Now()})
	if again := alertThread(t, f, x.Thread); again.LastSeq != th.LastSeq || again.State.Alert.Repairs[0].State != bot.Done {
		t.Errorf("after a late answer: %+v", again)
	}
}

// Whatever speaks against it is looked at once more before the agent is asked.
func TestRepairsThatAreNotWantedAnyMore(t *testing.T) {
	now := time.Now()
	fine := bot.Episode{StartsAt: now.Add(-time.Minute), FirstAt: now.Add(-time.Minute)}
	for _, x := range []struct {
		name   string
		change func(*bot.Episode, *bot.AlertState)
		want   string
	}{
		{"wanted", func(*bot.Episode, *bot.AlertState) {}, ""},
		{"over", func(e *bot.Episode, _ *bot.AlertState) { e.Resolved = true }, "the alert is over"},
		{"moved", func(e *bot.Episode, _ *bot.AlertState) { e.Resolved, e.Ended = true, bot.EndedByMove }, "the alert goes on in another thread"},
		{"silenced", func(e *bot.Episode, _ *bot.AlertState) { e.SilencedBy = []string{"s"} }, "the alert is silenced"},
		{"muted", func(e *bot.Episode, _ *bot.AlertState) { e.MutedBy = []string{"s"} }, "the alert is silenced"},
		{"inhibited", func(e *bot.Episode, _ *bot.AlertState) { e.InhibitedBy = []string{"s"} }, "the alert is inhibited by another one"},
		{"in doubt", func(e *bot.Episode, _ *bot.AlertState) { e.Doubt = true }, "it is in doubt whether the alert fires"},
		{"acked", func(_ *bot.Episode, st *bot.AlertState) { st.Ack = &bot.Ack{By: "alice"} }, "alice has acked it"},
		{"after a reboot", func(_ *bot.Episode, st *bot.AlertState) { st.Gathered = "thr_R" }, "its host has just booted"},
		{"old", func(e *bot.Episode, _ *bot.AlertState) { e.StartsAt = now.Add(-repairWithin - time.Second) }, "the alert has fired for longer than 15 min"},
	} {
		e, st := fine, bot.AlertState{}
		x.change(&e, &st)
		if got := whyNot(bot.Thread{State: bot.ThreadState{Alert: &st}}, e, now); got != x.want {
			t.Errorf("%s: %q", x.name, got)
		}
	}
	f, _ := repairing(t)
	if err := f.unwanted(context.Background(), bot.Trigger{Thread: "thr_gone"}); err == nil {
		t.Error("an alert that is not known is repaired")
	}
}
