package slack

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchstander/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when tests happen that have no real Slack's clock.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const (
	botToken = "xoxb-1-2-abcdefghijkl"
	appToken = "xapp-1-A1-2-abcdefghijkl"
	signing  = "8f742231b10e8888abcd99yyyzzz85a5"
)

// options are those of a chat in one channel, over Socket Mode.
func options() Options {
	return Options{Chat: "slack", Team: "T024BE7LD", BotToken: botToken + "\n", AppToken: appToken,
		Rooms: map[bot.RoomID]string{"ops": "C024BE91L"}, Now: func() time.Time { return noon }}
}

// idle is a chat that knows who it is and asks Slack nothing.
func idle(t testing.TB, change func(*Options)) *Chat {
	t.Helper()
	o := options()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.identity.Store(&identity{user: "U0BOT", bot: "B0BOT"})
	return c
}

func TestNew(t *testing.T) {
	_, err := New(Options{Team: "acme", BotToken: "secret-bot", AppToken: "secret-app", SigningSecret: "secret", Connections: 11,
		Rooms: map[bot.RoomID]string{"a": "#ops", "b": "C1AA", "c": "C1AA"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"has no name", `"acme" is no id`, `Room "a": "#ops" is no id`, `Rooms "b" and "c" are the same`,
		"The bot token is none", "The app-level token is none", "events would come twice", "11 connections", "The signing secret is none"} {
		if want == "The signing secret is none" {
			continue // told once the one too many is gone
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret-") {
		t.Errorf("it tells a secret:\n%v", err)
	}
	for _, change := range []func(*Options){
		func(o *Options) { o.AppToken = "" },
		func(o *Options) { o.AppToken, o.SigningSecret = "", "short" },
		func(o *Options) { o.BotToken = "xoxp-1-2" },
		func(o *Options) { o.Rooms = nil },
	} {
		o := options()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%+v has no fault", o.Rooms)
		}
	}
}

// door is the address at which Slack finds whichever bot runs now.
type door struct {
	mu     sync.Mutex
	h      http.Handler
	locked bool
}

func (d *door) open(h http.Handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.h = h
}

func (d *door) lock(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locked = yes
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	h, locked := d.h, d.locked
	d.mu.Unlock()
	if h == nil || locked {
		http.Error(w, "nobody is there", http.StatusBadGateway)
		return
	}
	h.ServeHTTP(w, r)
}
