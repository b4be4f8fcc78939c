package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"watchstander/bot"
	"watchstander/integrations/matrix"
)

// registerMatrix puts what a Matrix chat did not hear, or did not obey, among the
// figures.
func registerMatrix(registry prometheus.Registerer, id bot.ChatID, chat *matrix.Chat) {
	for _, x := range []struct {
		name, help string
		of         func(matrix.Stats) int64
	}{
		{"foreign_events", "Events of rooms that are not configured.", func(s matrix.Stats) int64 { return s.ForeignEvents }},
		{"undecodable_events", "Events that could not be read, encrypted ones among them.", func(s matrix.Stats) int64 { return s.Undecodable }},
		{"rejected_invitations", "Invitations to rooms that are not configured.", func(s matrix.Stats) int64 { return s.Rejected }},
		{"timeline_gaps", "Holes in what the homeserver told, which were read back.", func(s matrix.Stats) int64 { return s.Gaps }},
		{"timeline_gaps_lost", "Holes that were too long to be read back: what was said in them was not heard.", func(s matrix.Stats) int64 { return s.Lost }},
		{"failed_syncs", "Long polls that failed.", func(s matrix.Stats) int64 { return s.FailedSyncs }},
	} {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "watchstander_matrix_" + x.name + "_total", Help: x.help,
			ConstLabels: prometheus.Labels{"chat": string(id)}}, func() float64 { return float64(x.of(chat.Stats())) }))
	}
}
