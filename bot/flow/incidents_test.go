package flow

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// desk has outcomes applied as if alice had given the commands.
type desk struct {
	t    *testing.T
	f    *Flow
	take func(bot.Event)
}

func newDesk(t *testing.T, lists ...Schedule) *desk {
	f, take := newFlow(t)
	configure(f, lists...)
	take(bot.Tick{At: f.clock.now()})
	return &desk{t, f, take}
}

func (d *desk) update(do func(*change) error) {
	d.t.Helper()
	err := d.f.o.Store.Update(d.t.Context(), func(tx *store.Tx) error {
		return do(&change{Tx: tx, f: d.f, s: d.f.settings.Load(), now: d.f.clock.now(), ctx: d.t.Context()})
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// do applies an outcome, and gives what was answered.
func (d *desk) do(o bot.Outcome) (answer string) {
	d.t.Helper()
	d.update(func(c *change) error {
		conv := c.newConversation(bot.ConversationState{Room: "ops", By: "alice"})
		r := store.Request{Person: "alice"}
		apply := c.onIncident
		if _, ok := o.(bot.SetItem); ok {
			apply = c.onChecklist
		}
		if err := apply(conv, r, o); err != nil {
			return err
		}
		said, err := c.Entries(conv.ID, 0, 10)
		for _, e := range said {
			answer += e.Message.Title.String()
		}
		return err
	})
	return answer
}

func (d *desk) after(wait time.Duration) {
	time.Sleep(wait)
	d.take(bot.Tick{At: d.f.clock.now()})
}

func (d *desk) incidents() (out bot.IncidentFacts) {
	d.t.Helper()
	out, err := d.f.world.Incidents(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *desk) newest(list string) bot.Thread {
	all := runs(d.t, d.f, list)
	return all[len(all)-1]
}

func (d *desk) log(id bot.ThreadID) (out string) {
	d.update(func(c *change) error {
		said, err := c.Entries(id, 0, 1000)
		for _, e := range said {
			out += e.Message.Title.String() + "\n"
		}
		return err
	})
	return out
}

// guided is a list that people open.
func guided(name string, lasts, remind time.Duration, items ...bot.Item) Schedule {
	never := func(time.Time) time.Time { return time.Time{} }
	return Schedule{Checklist: bot.Checklist{Name: name, Title: name, Timed: true, Lasts: lasts, Remind: remind, Rooms: []bot.RoomID{"ops"}, Items: items},
		Next: never, Last: func(_, _ time.Time) time.Time { return time.Time{} }, Count: func(_, _ time.Time, _ int) int { return 0 }}
}

// daily comes round.
func daily(name string, items ...bot.Item) Schedule {
	s := every(name, 24*time.Hour, bot.CatchUp, items...)
	s.Cron = "0 0 * * *"
	return s
}

var twoSteps = []bot.Item{{ID: "a", Task: "A", Person: "p"}, {ID: "b", Task: "B", Person: "p"}}

// Neither its last step nor the configuration ends an incident: people do, or its time.
func TestWhatEndsAnIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, guided("incident", 0, 4*time.Hour, twoSteps...), guided("drill", 12*time.Hour, 0, twoSteps...))
		d.do(bot.OpenIncident{Name: "wiki", List: "incident", What: "x"})
		wiki := d.incidents().Open[0]
		if said := d.do(bot.OpenIncident{Name: "WIKI", List: "incident", What: "y"}); !strings.Contains(said, "is open already, by alice") || len(d.incidents().Open) != 1 {
			t.Errorf("opened twice: %s", said)
		}
		d.do(bot.SetItem{Thread: wiki.ID, Number: 1, Status: bot.ItemDone})
		d.do(bot.SetItem{Thread: wiki.ID, Number: 2, Status: bot.ItemDone})
		d.after(time.Minute)
		d.do(bot.OpenIncident{Name: "drill", List: "drill", What: "y"})
		configure(d.f, guided("drill", 12*time.Hour, 0, twoSteps...))
		d.after(9 * time.Hour)
		if open := d.incidents().Open; len(open) != 2 || open[0].ID != wiki.ID {
			t.Fatalf("%d are open", len(open))
		}
		d.after(3*time.Hour + time.Second)
		switch all := d.incidents(); {
		case len(all.Open) != 1 || all.Open[0].ID != wiki.ID:
			t.Errorf("after 12 hours %d are open", len(all.Open))
		case all.Last.State.Checklist.Name != "drill" || all.Last.ClosedAt.Sub(all.Last.OpenedAt) != 12*time.Hour:
			t.Errorf("closed last: %+v", all.Last)
		case !strings.Contains(d.log(all.Last.ID), "drill took 12 h, its time was over"):
			t.Error(d.log(all.Last.ID))
		}
		d.do(bot.CloseIncident{Thread: wiki.ID, Why: "z"})
		if said := d.do(bot.CloseIncident{Thread: wiki.ID}); !strings.Contains(said, "alice has closed it already") {
			t.Errorf("closed twice: %s", said)
		}
		if n := strings.Count(d.log(wiki.ID), "No step is left."); n != 1 {
			t.Errorf("that no step is left is told %d times", n)
		}
		// It is told of as long as its list is configured.
		if n := strings.Count(d.log(wiki.ID), "Open for"); n != 1 {
			t.Errorf("that it is open is told %d times:\n%s", n, d.log(wiki.ID))
		}
	})
}

// One that the bot was away for when its time was over ended then, and says that what fired
// is unknown.
func TestADrillIsOverWhileTheBotIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, guided("drill", time.Hour, 0, twoSteps...))
		d.do(bot.OpenIncident{Name: "drill", List: "drill", What: "y"})
		d.after(5 * time.Hour)
		last := d.incidents().Last
		if last.ClosedAt.Sub(last.OpenedAt) != time.Hour || last.State.Checklist.Incident.Still.Unknown != "I was not running then" {
			t.Errorf("%v, %+v", last.ClosedAt, last.State.Checklist.Incident.Still)
		}
	})
}

// A follow-up is in exactly one run of exactly one list at a time, until somebody ends it:
// over runs, deferrals, pauses of the configuration, and the end of its incident.
func TestFollowUpsDoNotVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		weekly, monthly := daily("weekly", bot.Item{ID: "own", Task: "Own", Person: "p"}), daily("monthly")
		steps := guided("incident", 0, 0, twoSteps...)
		d := newDesk(t, weekly, monthly, steps)
		d.do(bot.OpenIncident{Name: "wiki", List: "incident", What: "x"})
		wiki := d.incidents().Open[0].ID
		d.do(bot.AddFollowUp{Thread: wiki, Text: "one", Owner: "bob"})
		d.do(bot.AddFollowUp{Thread: wiki, Text: "two", List: "monthly"})
		d.do(bot.CloseIncident{Thread: wiki})
		d.do(bot.AddFollowUp{Thread: wiki, Text: "three"})
		tasks := func(list string) (out []string) {
			for _, x := range d.newest(list).State.Checklist.Items {
				if x.FollowUp != nil {
					out = append(out, x.Item.Task+" "+string(x.Status)+" "+string(x.Assigned))
				}
			}
			return out
		}
		want := func(list string, all ...string) {
			t.Helper()
			if got := tasks(list); !slices.Equal(got, all) {
				t.Errorf("%s has %q, want %q", list, got, all)
			}
		}
		d.after(24 * time.Hour)
		want("weekly", "one open bob", "three open ")
		want("monthly", "two open ")
		// Deferred over two runs, with whoever put it off; carried with its age from the beginning.
		until := d.f.clock.now().Add(36 * time.Hour)
		d.do(bot.SetItem{Thread: d.newest("weekly").ID, Number: 2, Status: bot.ItemDeferred, Reason: "r", Until: until})
		d.after(24 * time.Hour)
		want("weekly", "one deferred bob", "three open ")
		if x := d.newest("weekly").State.Checklist.Items[2]; x.Carried != 1 || !x.Since.Equal(x.FollowUp.At) {
			t.Errorf("carried %d since %v", x.Carried, x.Since)
		}
		// Its list is gone: the next that comes round has them.
		configure(d.f, monthly, steps)
		d.after(24 * time.Hour)
		want("monthly", "one open bob", "two open ", "three open ")
		// Done, it is on no list any more, and its thread tells; undone in time, it is again.
		th := d.newest("monthly").ID
		d.do(bot.SetItem{Thread: th, Number: 2, Status: bot.ItemDone, Reason: "r"})
		d.do(bot.SetItem{Thread: th, Number: 1, Status: bot.ItemSkipped, Reason: "s"})
		if left := d.incidents().FollowUps; len(left) != 1 || left[0].Text != "three" || left[0].List != "monthly" {
			t.Errorf("%+v", left)
		}
		d.do(bot.SetItem{Thread: th, Number: 1, Status: bot.ItemOpen})
		d.after(24 * time.Hour)
		want("monthly", "one open bob", "three open ")
		log := d.log(wiki)
		for _, line := range []string{"Follow-up 2 is done by alice, r: two", "Follow-up 1 is skipped by alice, s: one", "Follow-up 1 is open again: one"} {
			if strings.Count(log, line) != 1 {
				t.Errorf("%q is not told once:\n%s", line, log)
			}
		}
		// Without any list that comes round they wait.
		configure(d.f, steps)
		d.after(24 * time.Hour)
		if left := d.incidents().FollowUps; len(left) != 2 || left[0].List != "" {
			t.Errorf("%+v", left)
		}
		configure(d.f, weekly, steps)
		d.take(bot.Tick{At: d.f.clock.now()})
		d.after(24 * time.Hour)
		want("weekly", "one open bob", "three open ")
	})
}

// An incident holds so many findings and follow-ups, and says so.
func TestAnIncidentIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, guided("incident", 0, 0, twoSteps...))
		d.do(bot.OpenIncident{Name: "wiki", List: "incident", What: "x"})
		wiki := d.incidents().Open[0].ID
		var said string
		for range bot.MostFollowUps + 1 {
			said = d.do(bot.AddFollowUp{Thread: wiki, Text: "x"})
		}
		if !strings.Contains(said, "50 follow-ups") || len(d.incidents().FollowUps) != bot.MostFollowUps {
			t.Error(said)
		}
		for range bot.MostFindings + 1 {
			said = d.do(bot.AddFinding{Thread: wiki, Text: "x"})
		}
		if !strings.Contains(said, "100 findings") || len(d.incidents().Open[0].State.Checklist.Incident.Findings) != bot.MostFindings {
			t.Error(said)
		}
	})
}
