package flow

import "github.com/prometheus/client_golang/prometheus"

// Metrics are flow's own figures. Their names are part of the manual.
type Metrics struct {
	Taken       *prometheus.CounterVec // result
	Sent        *prometheus.CounterVec // chat, kind
	ChatErrors  *prometheus.CounterVec // chat, reason
	Found       *prometheus.CounterVec // result: found, absent
	Undecodable prometheus.Counter
	Panics      prometheus.Counter
	GivenUp     prometheus.Counter
	Polls       *prometheus.CounterVec // alertmanager, result
	Commands    *prometheus.CounterVec // result
	Storms      prometheus.Counter
	Pace        *prometheus.GaugeVec // room: seconds until the next post may go
}

// NewMetrics makes the figures, and registers them where r is not nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Taken:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_events_total", Help: "Events taken into the state, by result."}, []string{"result"}),
		Sent:        prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_sent_total", Help: "Messages that a chat confirmed, by chat and kind."}, []string{"chat", "kind"}),
		ChatErrors:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_chat_errors_total", Help: "Failures of a chat, by chat and reason."}, []string{"chat", "reason"}),
		Found:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_lookups_total", Help: "Sends of unknown outcome that were looked for, by result."}, []string{"result"}),
		Undecodable: prometheus.NewCounter(prometheus.CounterOpts{Name: "watchstander_events_rejected_total", Help: "Events that could not be read or applied, and were passed."}),
		Panics:      prometheus.NewCounter(prometheus.CounterOpts{Name: "watchstander_panics_total", Help: "Recovered panics."}),
		GivenUp:     prometheus.NewCounter(prometheus.CounterOpts{Name: "watchstander_sends_given_up_total", Help: "Messages that a chat rejected even as a bare marker."}),
		Polls:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_polls_total", Help: "Polls of Alertmanager, by name and result."}, []string{"alertmanager", "result"}),
		Commands:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "watchstander_commands_total", Help: "Commands run, by result."}, []string{"result"}),
		Storms:      prometheus.NewCounter(prometheus.CounterOpts{Name: "watchstander_storms_total", Help: "Times that a room fell behind its pace."}),
		Pace:        prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "watchstander_room_wait_seconds", Help: "How long the room's next post has to wait for its pace, as of the last one."}, []string{"room"}),
	}
	if r != nil {
		r.MustRegister(m.Taken, m.Sent, m.ChatErrors, m.Found, m.Undecodable, m.Panics, m.GivenUp, m.Polls, m.Commands, m.Storms, m.Pace)
	}
	return m
}
