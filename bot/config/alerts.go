package config

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"watchstander/bot"
)

func spelt(d time.Duration) string { return model.Duration(d).String() }

func (b *builder) version() {
	if k := b.keys.Version; k.ok && k.v != 1 {
		b.fault(k.place, "this program reads version 1 only")
	}
}

const (
	day         = 24 * time.Hour
	defaultKeep = 365 * day
)

func (b *builder) state() {
	k := &b.keys.State
	path := "/var/lib/watchstander/state.db"
	if dir := firstPath(b.getenv("STATE_DIRECTORY")); dir != "" {
		path = filepath.Join(dir, "state.db")
	}
	path = k.Path.or(path)
	if !filepath.IsAbs(path) {
		b.fault(k.at("path", k.Path), "must be an absolute path")
	}
	b.cfg.State = State{Path: filepath.Clean(path), KeepClosed: time.Duration(k.KeepClosed.or(keep(defaultKeep)))}
	if k.KeepClosed.ok && k.KeepClosed.v > 0 && time.Duration(k.KeepClosed.v) < day {
		b.fault(k.KeepClosed.place, "must be at least 1d, or forever")
	}
}

func (b *builder) alerts() {
	k := &b.keys.Alerts
	a := Alerts{
		ReopenWithin:   k.ReopenWithin.or(30 * time.Minute),
		AckReminder:    k.AckReminder.or(4 * time.Hour),
		SilenceWarning: k.SilenceWarning.or(10 * time.Minute),
		AdoptAfter:     k.AdoptAfter.or(5 * time.Minute),
	}
	b.cfg.Alerts = a
	if k.AdoptAfter.ok && a.AdoptAfter == 0 {
		b.fault(k.AdoptAfter.place, "must be longer than nothing, so that webhooks come first: write 5m")
	}
	if keep := b.cfg.State.KeepClosed; keep > 0 && k.ReopenWithin.ok && a.ReopenWithin > keep {
		b.fault(k.ReopenWithin.place, "is longer than state.keep_closed: a thread that was pruned cannot go on")
	}
}

func (b *builder) notices() {
	k := b.keys.NoticesRoom
	if b.roomNames.known(&b.judge, k) {
		b.cfg.NoticesRoom = bot.RoomID(k.v)
		b.roomUsed[k.v] = true
	}
	switch {
	case k.set:
	case len(b.cfg.Rooms) > 0:
		b.cfg.NoticesRoom = b.cfg.Rooms[0].ID
		b.roomUsed[string(b.cfg.NoticesRoom)] = true
	case len(b.keys.Chats.items) > 0:
		at := b.keys.Rooms.place
		if !b.keys.Rooms.set {
			at = b.keys.key("rooms")
		}
		b.fault(at, "there is no room: name at least one, as in - {name: ops, chat: matrix, id: \"!abc:example.org\"}")
	}
	b.cfg.ApprovalsRoom = b.cfg.NoticesRoom
	if b.roomNames.known(&b.judge, b.keys.ApprovalsRoom) {
		b.cfg.ApprovalsRoom = bot.RoomID(b.keys.ApprovalsRoom.v)
		b.roomUsed[b.keys.ApprovalsRoom.v] = true
	}
}

func (b *builder) unusedRooms() {
	for i := range b.keys.Rooms.items {
		if k := &b.keys.Rooms.items[i]; k.Name.ok && !b.roomUsed[k.Name.v] {
			b.warn(k.place, "no route leads to the room %s", short(k.Name.v))
		}
	}
}

func (b *builder) deadMan() {
	k := b.keys.DeadMan
	if k == nil {
		return
	}
	b.cfg.DeadMan = &DeadMan{URL: b.secret(k.URLFile), Every: k.Every.or(time.Minute)}
	b.atLeast(k.Every, 10*time.Second)
}

func (b *builder) redact() {
	known := newNames("rule")
	for i := range b.keys.Redact.Rules.items {
		k := &b.keys.Redact.Rules.items[i]
		b.named(k.Name)
		known.add(&b.judge, k.Name)
		if !k.Pattern.ok {
			continue
		}
		re, err := regexp.Compile(k.Pattern.v)
		switch {
		case err != nil:
			b.fault(k.Pattern.place, "is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		case re.MatchString(""):
			b.fault(k.Pattern.place, "matches the empty text, and so every place in every message: demand at least one character")
		default:
			b.cfg.Redact = append(b.cfg.Redact, RedactRule{k.Name.v, re})
		}
	}
}

func (b *builder) log() { b.cfg.Log = b.logging(&b.keys.Log) }

func (j *judge) logging(k *logKeys) Log {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[k.Level.or("info")]
	if !ok {
		j.fault(k.Level.place, "there is no level %s%s", short(k.Level.v), choose(k.Level.v, "debug", "info", "warn", "error"))
	}
	format := k.Format.or("text")
	if format != "text" && format != "json" {
		j.fault(k.Format.place, "there is no format %s: write text or json", short(format))
	}
	return Log{Level: level, JSON: format == "json"}
}
