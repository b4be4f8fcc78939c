package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"sync"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/redact"
)

// newLogger makes a log in which hide looks at every message and every value: what
// others wrote, errors among it, may hold a secret.
func newLogger(w io.Writer, c config.Log, hide func(string) string) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(c.Level)
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return hidden(a, hide) }}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(w, o)), level
	}
	return slog.New(slog.NewTextHandler(w, o)), level
}

// ownDigest is a SHA-256, which looks like a secret where something is called one.
var ownDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// hidden is an attribute as it may stand in a log; slog asks for the message, too,
// and for each member of a group. What is no text of its own is looked at as it would
// be printed, and left as it is where there is nothing to hide.
func hidden(a slog.Attr, hide func(string) string) slog.Attr {
	text := ""
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		text = v.String()
	case slog.KindAny:
		if v.Any() == nil {
			return a
		}
		switch x := v.Any().(type) {
		case slog.Level:
			return a
		case error:
			text = fmt.Sprint(x) // which outlives an error that cannot say what it is
		case []byte:
			text = string(x)
			a = slog.String(a.Key, text) // and not in base64
		default:
			text = fmt.Sprintf("%+v", x)
			// What is printed as an address is told whole in JSON.
			if b, err := json.Marshal(x); err == nil && hide(string(b)) != string(b) {
				return slog.String(a.Key, hide(text))
			}
		}
	default: // numbers, times, true and false
		return a
	}
	if a.Key == "digest" && ownDigest.MatchString(text) {
		return a
	}
	if out := hide(text); out != text {
		return slog.String(a.Key, out)
	}
	return a
}

// unknowing redacts what shows by its form that it is secret, while no configuration
// is there to tell of secrets.
var unknowing = sync.OnceValue(func() *redact.Redactor {
	r, err := redact.New(redact.Options{IDPrefixes: bot.IDPrefixes})
	if err != nil {
		panic(err) // it hangs on nothing from outside
	}
	return r
})
