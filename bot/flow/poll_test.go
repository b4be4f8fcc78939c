package flow

import (
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// A poll's answer is older than the webhooks that came while it was under way: it
// neither ends nor changes what they told, however often it comes.
func TestAPollKnowsNothingOfWhatCameAfterItsQuestion(t *testing.T) {
	f, take := newFlow(t)
	st, ctx := f.o.Store, t.Context()
	live := func() (n int) {
		t.Helper()
		if err := st.View(ctx, func(tx *store.Tx) error {
			es, err := tx.LiveEpisodes()
			n = len(es)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	start := time.Now().Add(-time.Second)
	deliver := func(resolved bool) {
		take(bot.Delivery{Endpoint: "e", At: time.Now(), Group: bot.Group{Receiver: "ws", Labels: bot.Labels{"alertname": "A"},
			Alerts: []bot.Alert{{Fingerprint: "f", Labels: bot.Labels{"alertname": "A"}, StartsAt: start, EndsAt: time.Now(), Resolved: resolved}}}})
	}
	empty := func(mark int64) bot.Polled {
		return bot.Polled{Alertmanager: "main", Receivers: []string{"ws"}, Mark: mark, At: time.Now(), Settled: true}
	}

	asked := st.Mark() // the poll's question, and then the webhook
	deliver(false)
	for range 3 {
		take(empty(asked))
	}
	if live() != 1 {
		t.Fatal("an answer that is older than the notice ended what it told")
	}
	for range 2 {
		take(empty(st.Mark()))
	}
	if live() != 0 {
		t.Fatal("two answers that are newer did not end it")
	}

	// The other way round: a listed alert does not begin anew what ended meanwhile.
	start = time.Now()
	deliver(false)
	asked = st.Mark()
	listed := empty(asked)
	listed.Groups = []bot.PolledGroup{{Receiver: "ws", Labels: bot.Labels{"alertname": "A"},
		Alerts: []bot.PolledAlert{{Alert: bot.Alert{Fingerprint: "f", Labels: bot.Labels{"alertname": "A"}, StartsAt: start.Add(2 * time.Second)}}}}}
	deliver(true)
	take(listed)
	if live() != 0 {
		t.Error("an answer that is older than the end began it anew")
	}
}

// A silence that is under way, and is listed before its effect knows that it is made, is
// ours; one that carries a key which nobody waits for was made, or copied, elsewhere.
func TestASilenceUnderWayIsOurs(t *testing.T) {
	f, take := newFlow(t)
	st, ctx := f.o.Store, t.Context()
	effect := store.Effect{Key: "eff_WAITS", Thread: "thr_X", Lane: "l", State: store.EffectDue, At: time.Now(), NextTry: time.Now().Add(time.Hour),
		What: bot.MakeSilence{Alertmanager: "main"}}
	put := func() {
		if err := st.Update(ctx, func(tx *store.Tx) error { return tx.PutEffect(effect) }); err != nil {
			t.Fatal(err)
		}
	}
	put()
	threads := func() (n int) {
		if err := st.View(ctx, func(tx *store.Tx) error {
			ths, err := tx.OpenThreads(bot.ThreadSilence)
			n = len(ths)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var listed []bot.Silence
	poll := func() {
		take(bot.Polled{Alertmanager: "main", Mark: st.Mark(), At: time.Now(), Settled: true, Silences: listed})
	}
	silence := func(id, comment string) {
		listed = append(listed, bot.Silence{ID: id, State: "active", Comment: comment, CreatedBy: "alice", StartsAt: time.Now(), EndsAt: time.Now().Add(time.Hour)})
		poll()
	}
	poll() // what stands before the bot first looks needs no word
	if silence("s1", "maintenance: disks [eff_WAITS]"); threads() != 0 {
		t.Error("a silence under way counts as made elsewhere")
	}
	effect.State, effect.Result = store.EffectDone, "s1"
	put()
	if silence("s2", "maintenance: disks [eff_WAITS]"); threads() != 1 {
		t.Error("a copy of a silence counts as ours")
	}
	if silence("s3", "made up [eff_NOBODY]"); threads() != 2 {
		t.Error("a made up key counts as ours")
	}
}
