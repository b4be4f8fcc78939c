package alertmanager_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

func TestRefusalsAreCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t, nil)
		reasons := func() (out []string) {
			e.inbox.mu.Lock()
			defer e.inbox.mu.Unlock()
			for _, ev := range e.inbox.events {
				out = append(out, ev.(bot.Refused).Reason)
			}
			return out
		}
		refuse := func(body string) {
			t.Helper()
			if w := e.post(body, "Authorization", "Bearer "+token); w.Code/100 != 4 {
				t.Fatalf("status %d", w.Code)
			}
		}
		const notJSON = "the delivery is not what Alertmanager sends: the body is not JSON (at byte 1)"
		refuse("{")
		if got := reasons(); !reflect.DeepEqual(got, []string{notJSON}) {
			t.Fatalf("the first is told %q", got)
		}
		for range 7 {
			time.Sleep(time.Second)
			refuse("{")
		}
		if got := reasons(); len(got) != 1 {
			t.Fatalf("told at once: %q", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := reasons(); len(got) != 2 || got[1] != notJSON+" (and 6 more like it, not told one by one)" {
			t.Fatalf("after a minute: %q", got)
		}

		time.Sleep(time.Hour) // quiet: nothing more is said
		if got := reasons(); len(got) != 2 {
			t.Fatalf("later: %q", got)
		}
		refuse("{")
		if got := reasons(); len(got) != 3 || got[2] != notJSON {
			t.Fatalf("after an hour: %q", got)
		}

		// One that was held back and could not be told is told later.
		refuse("{")
		e.inbox.failNext(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := reasons(); len(got) != 3 {
			t.Fatalf("the sink failed, yet: %q", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := reasons(); len(got) != 4 {
			t.Fatalf("a minute after the failure: %q", got)
		}

		// So is one that waits while its own word, and then a new one's, fail.
		refuse("{")
		e.inbox.failNext(2)
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if w := e.post("{", "Authorization", "Bearer "+token); w.Code != 503 {
			t.Fatalf("nobody heard of it, and it is answered %d", w.Code)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := reasons(); len(got) != 5 || got[4] != notJSON {
			t.Fatalf("a minute after the second failure: %q", got)
		}
	})
}

func TestUnauthorizedIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEndpoint(t, nil)
		for range 100 {
			e.post("{")
			time.Sleep(time.Second)
		}
		if n := strings.Count(e.log.String(), "\n"); n != 2 || !strings.Contains(e.log.String(), "unlogged_before=59") {
			t.Errorf("%d lines: %s", n, e.log)
		}
		if len(e.results) != 100 || len(e.inbox.events) != 0 {
			t.Errorf("%d counted, events %+v", len(e.results), e.inbox.events)
		}
	})
}
