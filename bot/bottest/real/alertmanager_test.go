package real_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// webhook receives what Alertmanagers send.
type webhook struct {
	mu  sync.Mutex
	got []string // "status alertname", one for each alert
}

func (h *webhook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var payload struct {
		Alerts []struct {
			Status string            `json:"status"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if json.NewDecoder(r.Body).Decode(&payload) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range payload.Alerts {
		h.got = append(h.got, a.Status+" "+a.Labels["alertname"])
	}
}

func (h *webhook) has(want string) func() error {
	return func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, got := range h.got {
			if got == want {
				return nil
			}
		}
		return fmt.Errorf("the webhook has %q", h.got)
	}
}

// notifying starts a webhook and returns a configuration that sends to it.
func notifying(t *testing.T) (*webhook, string) {
	t.Helper()
	h := &webhook{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, fmt.Sprintf(`
route: {receiver: bot, group_by: [alertname], group_wait: 100ms, group_interval: 500ms, repeat_interval: 1h}
receivers:
  - name: bot
    webhook_configs: [{url: %q}]
`, server.URL)
}

func TestAlertmanagerPair(t *testing.T) {
	t.Parallel()
	hook, config := notifying(t)
	pair := real.StartAlertmanagers(t, 2, real.AlertmanagerOptions{Config: config, Args: []string{"--cluster.peer-timeout=1s"}})
	one, other := pair[0], pair[1]

	id := one.SilenceFor(t, time.Hour, "the pool is being scrubbed", real.Equal("alertname", "Quiet"))
	state := func(a *real.Alertmanager, want string) func() error {
		return func() error {
			for _, s := range a.Silences(t) {
				if s.ID == id && s.Status.State == want {
					return nil
				}
			}
			return fmt.Errorf("silence %s is not %s at %s", id, want, a.URL)
		}
	}
	real.Eventually(t, soon, "a silence shows at the other one", state(other, "active"))

	loud := real.Alert{Labels: map[string]string{"alertname": "Loud", "instance": "vulcan"}}
	quiet := real.Alert{Labels: map[string]string{"alertname": "Quiet", "instance": "vulcan"}}
	for _, a := range pair {
		a.Post(t, loud, quiet)
	}
	real.Eventually(t, soon, "the webhook is called", hook.has("firing Loud"))
	real.Eventually(t, soon, "the silenced alert is suppressed", func() error {
		for _, alert := range other.Alerts(t) {
			if alert.Labels["alertname"] == "Quiet" && alert.Status.State == "suppressed" && alert.Receivers[0].Name == "bot" {
				return nil
			}
		}
		return fmt.Errorf("it holds %+v", other.Alerts(t))
	})
	other.Expire(t, id)
	real.Eventually(t, soon, "the silence's end shows at the first one", state(one, "expired"))

	other.Stop(t) // so that one member's word is enough
	loud.EndsAt = time.Now()
	one.Post(t, loud)
	real.Eventually(t, soon, "the webhook hears of the end", hook.has("resolved Loud"))
	other.Start(t)
	real.Eventually(t, soon, "the other one has kept the silence", state(other, "expired"))
}
