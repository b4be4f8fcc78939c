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
