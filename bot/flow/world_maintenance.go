package flow

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
)

// Hosts are the configured ones.
func (w *world) Hosts() []string { return slices.Clone(w.f.settings.Load().Hosts) }

// MaintenanceScope is what a silence over a host's alerts has as matchers.
func (w *world) MaintenanceScope(host string, given []bot.Matcher) ([]bot.Matcher, error) {
	return w.f.settings.Load().Scope(host, given)
}

// Maintenances are the threads of those that overlap a time.
func (w *world) Maintenances(ctx context.Context, from, to time.Time) (out []bot.Thread, err error) {
	err = w.f.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		out, err = tx.ThreadsDuring(bot.ThreadMaintenance, from, to)
		return err
	})
	return out, err
}

// Windows asks a host's agent.
func (w *world) Windows(ctx context.Context, host string) (out []bot.NextWindow, err error) {
	found, err := w.Look(ctx, host, bot.LookWindows, nil)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(found, &out)
}
