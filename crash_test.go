package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// besides lets a test that mostly waits for others' programs run beside its like. CI
// runs them one by one: there they take long, and one of them looks at the clock.
func besides(t *testing.T) {
	if os.Getenv(real.RequireEnv) != "1" {
		t.Parallel()
	}
}

// crashRounds is how often the bot is killed: 50 in CI, once in each of the ways
// (TestKilledAtEveryKindOfMoment) in everyday work.
func crashRounds(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("WATCHSTANDER_CRASH_ROUNDS")); err == nil {
		return n
	}
	if os.Getenv(real.RequireEnv) == "1" && !testing.Short() {
		return 50
	}
	return 4
}

// stream posts alerts as fast as they are taken, each of a group of its own, and
// remembers which of them got a 200. Like Alertmanager it tries again on
// everything else.
type stream struct {
	w     *whole
	mu    sync.Mutex
	taken []string
}

func (s *stream) run(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("Stream%05d", n)
		start := time.Now() // one alert however often it is posted
		for ctx.Err() == nil {
			if s.post(ctx, name, start) {
				s.mu.Lock()
				s.taken = append(s.taken, name)
				s.mu.Unlock()
				break
			}
			wait(ctx, 20*time.Millisecond)
		}
		wait(ctx, 150*time.Millisecond)
	}
}

func (s *stream) post(ctx context.Context, name string, start time.Time) bool {
	labels := map[string]string{"alertname": name, "severity": "warning"}
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": name, "status": "firing", "receiver": "watchstander", "groupLabels": map[string]string{"alertname": name},
		"commonLabels": labels, "commonAnnotations": map[string]string{}, "externalURL": "http://am.example.org", "truncatedAlerts": 0,
		"alerts": []any{map[string]any{"status": "firing", "labels": labels, "annotations": map[string]string{}, "generatorURL": "",
			"startsAt": start.UTC().Format(time.RFC3339Nano), "endsAt": "0001-01-01T00:00:00Z"}},
	})
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.w.url+"/webhook/main", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Authorization", "Bearer "+s.w.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (s *stream) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.taken...)
}

// TestKilledAtEveryKindOfMoment kills the real binary with SIGKILL while alerts
// stream in: mostly while a proxy holds back the homeserver's reply to a message
// that it has accepted, or a message that it has not seen yet, sometimes at
// random. Afterwards every alert that got a 200 shows in its thread exactly once.
func TestKilledAtEveryKindOfMoment(t *testing.T) {
	besides(t)
	w := newWhole(t)
	proxy := real.StartProxy(t, w.hs.URL)
	// An Alertmanager that is not there: what it would say is unknown, and must
	// not matter.
	more := `
alertmanagers:
  - {name: main, urls: ["http://127.0.0.1:1"], receivers: [watchstander], poll: 1h}
routes:
  - {rooms: [ops]}
`
	w.start(t, proxy.URL, more)
	s := &stream{w: w}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.run(ctx) }()
	defer func() { stop(); <-done }()

	rounds := crashRounds(t)
	kinds := map[string]int{}
	for round := range rounds {
		sends := real.OfKind("send")
		var hold *real.Hold
		switch kind := []string{"reply held", "reply held", "request held", "at random"}[round%4]; kind {
		case "at random":
			kinds[kind]++
			wait(t.Context(), time.Duration(rand.Int64N(int64(400*time.Millisecond))))
		default:
			kinds[kind]++
			n := 1 + rand.IntN(3)
			if kind == "reply held" {
				hold = proxy.HoldReply(n, sends)
			} else {
				hold = proxy.HoldRequest(n, sends)
			}
			hold.Wait(t, time.Minute)
		}
		w.Kill(t)
		if hold != nil {
			hold.Cut()
		}
		w.Start(t)
	}
	// A round may end before it takes one.
	real.Eventually(t, time.Minute, "the stream goes on", func() error {
		if n := len(s.names()); n < rounds {
			return fmt.Errorf("%d alerts were taken in %d rounds", n, rounds)
		}
		return nil
	})
	stop()
	<-done
	names := s.names()
	t.Logf("%d rounds (%v), %d alerts taken", rounds, kinds, len(names))
	count := func() (missing, twice []string) {
		roots := map[string]int{}
		for _, m := range w.seen(t) {
			if m.Thread != "" {
				continue
			}
			for f := range strings.FieldsSeq(firstLine(m.Body)) {
				if strings.HasPrefix(f, "Stream") {
					roots[strings.TrimRight(f, ",:")]++
				}
			}
		}
		for _, n := range names {
			switch roots[n] {
			case 0:
				missing = append(missing, n)
			case 1:
			default:
				twice = append(twice, n)
			}
		}
		return missing, twice
	}
	real.Eventually(t, 2*time.Minute, "every taken alert is shown", func() error {
		if missing, _ := count(); len(missing) > 0 {
			return fmt.Errorf("%d of %d are not: %v", len(missing), len(names), missing[:min(len(missing), 5)])
		}
		return nil
	})
	if _, twice := count(); len(twice) > 0 {
		t.Errorf("%d alerts are shown twice: %v", len(twice), twice)
	}
	w.Stop(t)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
