package flow

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
	"watchstander/bot/journal"
	"watchstander/bot/store"
)

// noiseWorld is a state that is filled by hand; times are days and minutes before now.
type noiseWorld struct {
	t   *testing.T
	f   *Flow
	now time.Time
	n   int
}

func newNoiseWorld(t *testing.T, hosts ...string) *noiseWorld {
	f, _ := newFlow(t)
	s := *f.settings.Load()
	s.Hosts, s.Host = hosts, func(l bot.Labels) string { return l["host"] }
	f.settings.Store(&s)
	f.started = f.clock.now() // as Run does
	return &noiseWorld{t: t, f: f, now: f.started}
}

func (w *noiseWorld) update(do func(*store.Tx) error) {
	w.t.Helper()
	if err := w.f.o.Store.Update(w.t.Context(), do); err != nil {
		w.t.Fatal(err)
	}
}

// thread opened so long ago, closed so long ago (0: it is open).
func (w *noiseWorld) thread(id bot.ThreadID, opened, closed time.Duration, reopened int) {
	w.t.Helper()
	th := bot.Thread{ID: id, Kind: bot.ThreadAlert, Subject: string(id), Version: 1, OpenedAt: w.now.Add(-opened),
		State: bot.ThreadState{Alert: &bot.AlertState{Alertmanager: "main", Reopened: reopened}}}
	if closed > 0 {
		th.ClosedAt = w.now.Add(-closed)
	}
	w.update(func(tx *store.Tx) error { return tx.PutThread(th, "", th.OpenedAt) })
}

// fires puts an episode that began from before now and ended to before now (0: it fires
// on); change makes it what else it is.
func (w *noiseWorld) fires(thread bot.ThreadID, name, host, severity string, from, to time.Duration, change ...func(*bot.Episode)) {
	w.t.Helper()
	w.n++
	e := bot.Episode{ID: bot.EpisodeID(fmt.Sprint("epi_", w.n)), Thread: thread, Number: 1, Fingerprint: name + host,
		Labels: bot.Labels{"alertname": name, "host": host}, Severity: bot.ParseSeverity(severity), StartsAt: w.now.Add(-from), FirstAt: w.now.Add(-from)}
	e.ChangedAt = e.FirstAt
	if to > 0 {
		e.EndsAt, e.Resolved, e.Ended = w.now.Add(-to), true, bot.EndedByNotice
		e.ChangedAt = e.EndsAt
	}
	for _, c := range change {
		c(&e)
	}
	w.update(func(tx *store.Tx) error { return tx.PutEpisode(e) })
}

func (w *noiseWorld) acked(thread bot.ThreadID, by bot.PersonID, ago time.Duration) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		return tx.Journal(journal.Entry{At: w.now.Add(-ago), Kind: journal.KindAck, By: by, Subject: string(thread), Text: "acked"})
	})
}

func (w *noiseWorld) noise(span time.Duration) bot.NoiseFacts {
	w.t.Helper()
	n, err := w.f.world.Noise(w.t.Context(), w.now.Add(-span))
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func groupsText(n bot.NoiseFacts) string {
	var b strings.Builder
	for _, g := range n.Groups {
		fmt.Fprintf(&b, "%s@%s %s alerts=%d fired=%d live=%d firing=%v acks=%d%v acked=%d unread=%d short=%d again=%d silenced=%.2f flaps=%t\n",
			g.Alert, g.Host, g.Severity, g.Alerts, g.Fired, g.Live, g.Firing, g.Acks, g.Ackers, g.Acked, g.Unread, g.Short, g.Again, g.Silenced, g.Flaps())
	}
	for _, h := range n.Hosts {
		fmt.Fprintf(&b, "%s critical=%v longest=%v times=%d\n", h.Host, h.Critical, h.Longest, h.Times)
	}
	return b.String()
}

const day = 24 * time.Hour

func TestNoise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNoiseWorld(t, "vulcan", "mars")
		w.thread("thr_OLD", 20*day, 15*day, 9)
		w.fires("thr_OLD", "Long", "vulcan", "critical", 20*day, 15*day) // before the span

		// Three short ones, far from each other: it flaps by their number.
		w.thread("thr_FLAP", 3*day, day, 0)
		for _, ago := range []time.Duration{3 * day, 2 * day, day + 5*time.Minute} {
			w.fires("thr_FLAP", "Flap", "mars", "warning", ago, ago-5*time.Minute)
		}

		// One critical firing was acked and then un-acked, one by nobody: an ack given
		// before it, or after its end, is none of it.
		w.thread("thr_DISK", 5*day, 4*day, 1)
		w.fires("thr_DISK", "Disk", "vulcan", "critical", 5*day, 5*day-time.Hour)
		w.fires("thr_DISK", "Disk", "vulcan", "critical", 5*day-90*time.Minute, 4*day)
		w.acked("thr_DISK", "alice", 5*day-10*time.Minute)
		w.acked("thr_DISK", "bob", 5*day-20*time.Minute)
		w.acked("thr_DISK", "bob", 5*day-30*time.Minute)
		w.acked("thr_DISK", "alice", 5*day-70*time.Minute)
		w.acked("thr_DISK", "carol", 3*day)

		// It began before the span, goes on in another thread, and is silenced for most
		// of its time; a second critical alert of the host overlaps it.
		w.thread("thr_A", 8*day, 2*day, 0)
		w.thread("thr_B", 2*day, 0, 0)
		start := func(e *bot.Episode) { e.StartsAt = w.now.Add(-8 * day) }
		w.fires("thr_A", "Pool", "mars", "critical", 8*day, 2*day, func(e *bot.Episode) { e.Ended, e.SilencedFor = bot.EndedByMove, 4*day })
		w.fires("thr_B", "Pool", "mars", "critical", 2*day, 0, start, func(e *bot.Episode) {
			e.SilencedBy, e.SilencedSince = []string{"s"}, w.now.Add(-2*day)
		})
		w.thread("thr_C", day, 0, 0)
		w.fires("thr_C", "Other", "mars", "critical", day, 0)

		n := w.noise(7 * day)
		want := `Flap@mars warning alerts=1 fired=3 live=0 firing=15m0s acks=0[] acked=0 unread=0 short=3 again=0 silenced=0.00 flaps=true
Disk@vulcan critical alerts=1 fired=2 live=0 firing=23h30m0s acks=3[alice bob] acked=1 unread=1 short=0 again=1 silenced=0.00 flaps=false
Pool@mars critical alerts=1 fired=1 live=1 firing=168h0m0s acks=0[] acked=0 unread=0 short=0 again=0 silenced=0.75 flaps=false
Other@mars critical alerts=1 fired=1 live=1 firing=24h0m0s acks=0[] acked=0 unread=1 short=0 again=0 silenced=0.00 flaps=false
vulcan critical=23h30m0s longest=22h30m0s times=2
mars critical=168h0m0s longest=168h0m0s times=1
`
		if got := groupsText(n); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if n.Firings != 7 || n.Unread() != 2 || n.Flapping() != 1 || len(n.Doubts) > 0 || n.Since != n.Asked || n.Short != "" {
			t.Errorf("%+v", n)
		}
	})
}

// Firing again with the old start leaves one episode; the thread alone knows of it, and
// blames only the alert that it is of.
func TestNoiseOfReopenedThreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNoiseWorld(t)
		w.thread("thr_BEFORE", 9*day, 0, 7)
		w.fires("thr_BEFORE", "Before", "", "warning", 2*day, day)
		w.thread("thr_ONE", 2*day, day, 4)
		w.fires("thr_ONE", "One", "", "warning", 2*day, day)
		w.thread("thr_TWO", 2*day, day, 5)
		w.fires("thr_TWO", "Left", "", "warning", 2*day, day)
		w.fires("thr_TWO", "Right", "", "critical", 2*day, day)
		n := w.noise(7 * day)
		for _, g := range n.Groups {
			if want := map[string]int{"One": 4}[g.Alert]; g.Again != want || g.Flaps() != (want > 0) {
				t.Errorf("%s fired again %d times, not %d", g.Alert, g.Again, want)
			}
		}
		if len(n.Hosts) != 1 || n.Hosts[0].Host != "" || n.Hosts[0].Critical != day {
			t.Errorf("of no configured host: %+v", n.Hosts)
		}
	})
}

// The figures say how far back they reach, and what was let go of within.
func TestNoiseSaysHowFarItReaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNoiseWorld(t)
		if n := w.noise(7 * day); !n.Since.Equal(w.f.started) || n.Short != "before that the bot's state knows nothing" || len(n.Groups) > 0 {
			t.Errorf("a new state: %+v", n)
		}
		w.thread("thr_OPEN", 30*day, 0, 0)
		for _, ago := range []time.Duration{29 * day, 20 * day, 9 * day, 3 * day} {
			w.fires("thr_OPEN", "Often", "", "warning", ago, ago-time.Hour)
		}
		w.fires("thr_OPEN", "Always", "", "warning", 30*day, 0)
		w.thread("thr_SHORT", 12*day, 11*day, 0)
		w.fires("thr_SHORT", "Short", "", "warning", 12*day, 11*day)
		w.update(func(tx *store.Tx) error { _, err := tx.Prune(w.now, time.Time{}); return err })
		doubt := "A thread that is open for more than 7 d lets go of what ended in it before; the figures may be too low for Always, Often."
		if n := w.noise(28 * day); n.Since != n.Asked || strings.Join(n.Doubts, "|") != doubt || n.Firings != 3 {
			t.Errorf("a month: %d firings since %v, %q", n.Firings, n.Since, n.Doubts)
		}
		if n := w.noise(7 * day); len(n.Doubts) > 0 || n.Firings != 2 {
			t.Errorf("a week: %d firings, %q", n.Firings, n.Doubts)
		}
		if n := w.noise(90 * day); !n.Since.Equal(w.now.Add(-30*day)) || n.Short == "" {
			t.Errorf("before the state began: since %v, %q", n.Since, n.Short)
		}
		s := *w.f.settings.Load()
		s.KeepClosed = 10 * day
		w.f.settings.Store(&s)
		if n := w.noise(28 * day); !n.Since.Equal(w.now.Add(-10*day)) || !strings.HasPrefix(n.Short, "threads are let go of 10 d after their end") {
			t.Errorf("with threads let go of: since %v, %q", n.Since, n.Short)
		}
	})
}

// As evidence a week is well only when all of it is known.
func TestNoiseAsEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newNoiseWorld(t)
		said := func(ctx context.Context) string {
			r := w.f.noisy(ctx)
			return fmt.Sprintf("%s %s (%s) %v", r.State, r.Value, r.Note, r.Figure)
		}
		w.thread("thr_A", 2*day, day, 0)
		w.fires("thr_A", "A", "", "warning", 2*day, day)
		if got := said(t.Context()); got != "unknown  (known for 2 d alone: 1 alert fired 1 time) 0" {
			t.Error(got)
		}
		w.fires("thr_A", "A", "", "critical", day+time.Hour, day)
		if got := said(t.Context()); got != "not ok 1 alert fired 2 times, 1 critical and never acked (known for 2 d alone) 1" {
			t.Error(got)
		}
		w.thread("thr_OLD", 20*day, 19*day, 0)
		if got := said(t.Context()); got != "not ok 1 alert fired 2 times, 1 critical and never acked () 1" {
			t.Error(got)
		}
		w.acked("thr_A", "alice", day+time.Minute)
		if got := said(t.Context()); got != "ok 1 alert fired 2 times () 1" {
			t.Error(got)
		}
		gap := func(from, to time.Duration) {
			w.update(func(tx *store.Tx) error {
				return tx.AddGap("", bot.Interval{From: w.now.Add(-from), To: w.now.Add(-to)})
			})
		}
		gap(20*day, 10*day)
		gap(6*day, 6*day-time.Hour)
		if got := said(t.Context()); got != "ok 1 alert fired 2 times () 1" {
			t.Error(got)
		}
		gap(5*day, 3*day)
		if got := said(t.Context()); got != "unknown 1 alert fired 2 times (not all alerts could be heard for 2 d 1 h) 1" {
			t.Error(got)
		}
		if n := w.noise(7 * day); n.Deaf != 2*day+time.Hour {
			t.Errorf("deaf for %v", n.Deaf)
		}
		for i := range 3 {
			w.fires("thr_A", "B", "", "warning", time.Duration(5-i)*time.Hour, time.Duration(5-i)*time.Hour-time.Minute)
		}
		if got := said(t.Context()); got != "not ok 2 alerts fired 5 times, 1 flapping (not all alerts could be heard for 2 d 1 h) 2" {
			t.Error(got)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if got := said(ctx); got != "unknown  (the state cannot be read; see the log of the bot) 0" {
			t.Error(got)
		}
	})
}
