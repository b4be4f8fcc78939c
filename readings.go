package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/clean"
	"watchstander/bot/config"
)

// exitNotOK and exitUnknown are the exit codes of readings that are not all well.
const (
	exitNotOK   exitCode = 1
	exitUnknown exitCode = 3
)

// readingsPatience is how long the agent may take: it asks its probes for up to half a minute.
const readingsPatience = 2 * time.Minute

func readingsCommand() *cobra.Command {
	var socket, textfile string
	cmd := &cobra.Command{
		Use:   "readings",
		Short: "Tell what this host's agent measures, to people or to Prometheus",
		Long: `Ask the agent of this host for all its readings, as root or as one of its people,
and print them: what was measured, what it came to, whether that is ok, and why not.
It ends with 0 when all are ok, with 1 when one is not, and with 3 when none is not ok
and one is unknown. When the agent does not answer it ends with 1 and says so.

With --textfile they are written for node_exporter's textfile collector instead, at
once or not at all, and it ends with 0 whatever they say:

  watchstander_reading_state{host,reading,state}              1 for the state it has
  watchstander_reading_figure{host,reading,unit}              what was measured, where it is a number
  watchstander_reading_measured_timestamp_seconds{host,reading}
  watchstander_readings_timestamp_seconds{host}               when this file was written

A file that gets old says that the agent did not answer.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), readingsPatience)
			defer cancel()
			c := client.New(socket)
			defer c.Close()
			all, err := c.Readings(ctx, api.Nothing{})
			if errors.Is(err, api.ErrAway) {
				return bot.Errorf(bot.CodeUnavailable, "No agent answers at %s (%s). Look at it: systemctl status watchstander-agent.", socket, reason(err)).Because(err)
			}
			if err != nil {
				return err
			}
			if textfile != "" {
				return writeReadings(textfile, all, time.Now())
			}
			return printReadings(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().StringVar(&socket, "socket", config.HumanSocket, "the agent's `socket` for people")
	cmd.Flags().StringVar(&textfile, "textfile", "", "write metrics into this `file`, whose name ends in .prom")
	return cmd
}

// printReadings prints one on a line, whatever they hold, the worst first.
func printReadings(w io.Writer, all []bot.Reading) error {
	all = slices.SortedStableFunc(slices.Values(all), func(a, b bot.Reading) int { return cmp.Compare(badness(b.State), badness(a.State)) })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range all {
		line := []string{string(r.State), r.What, r.Value, r.Note}
		for i := range line {
			line[i] = clean.Line(line[i], longLine)
		}
		fmt.Fprintln(t, strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n", cmp.Or(bot.CountStates(all, func(r bot.Reading) bot.ReadingState { return r.State }), "The agent measures nothing."))
	switch worst := worstOf(all); worst {
	case bot.NotOK:
		return exitNotOK
	case bot.OK:
		return nil
	}
	return exitUnknown
}

// badness orders states: what is known to be wrong stands before what is not known.
func badness(s bot.ReadingState) int {
	switch s {
	case bot.OK:
		return 0
	case bot.NotOK:
		return 2
	}
	return 1
}

// worstOf is unknown for no readings: nothing is known to be ok.
func worstOf(all []bot.Reading) bot.ReadingState {
	if len(all) == 0 {
		return bot.Unknown
	}
	return slices.MaxFunc(all, func(a, b bot.Reading) int { return cmp.Compare(badness(a.State), badness(b.State)) }).State
}

// writeReadings writes the file anew, by another one beside it: who reads it sees the
// whole of one or of the other.
func writeReadings(path string, all []bot.Reading, now time.Time) error {
	if !strings.HasSuffix(path, ".prom") {
		return bot.Errorf(bot.CodeInvalid, "node_exporter reads files whose names end in .prom: %s would not be seen.", path)
	}
	if err := prometheus.WriteToTextfile(path, readingMetrics(all, now)); err != nil {
		return fmt.Errorf("the metrics cannot be written: %w", err)
	}
	return nil
}

// readingMetrics are the readings as metrics. Of several with one name the worst counts.
func readingMetrics(all []bot.Reading, now time.Time) *prometheus.Registry {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	state := gauge("watchstander_reading_state", "The state of what the agent measures: 1 for the one that it has.", "host", "reading", "state")
	figure := gauge("watchstander_reading_figure", "What the agent measured, where that is a number; unit says of what.", "host", "reading", "unit")
	measured := gauge("watchstander_reading_measured_timestamp_seconds", "When it was measured.", "host", "reading")
	written := gauge("watchstander_readings_timestamp_seconds", "When the agent's readings were written.", "host")

	type name struct{ host, what string }
	worst, own := map[name]bot.Reading{}, ""
	for _, r := range all {
		n := name{strings.ToValidUTF8(r.Host, "\uFFFD"), strings.ToValidUTF8(r.What, "\uFFFD")}
		own = cmp.Or(own, n.host) // an agent tells of its own host
		if old, ok := worst[n]; !ok || badness(r.State) > badness(old.State) {
			worst[n] = r
		}
	}
	written.WithLabelValues(own).Set(float64(now.Unix()))
	for n, r := range worst {
		for _, s := range []bot.ReadingState{bot.OK, bot.NotOK, bot.Unknown} {
			is := 0.0
			if s == r.State || s == bot.Unknown && r.State != bot.OK && r.State != bot.NotOK {
				is = 1
			}
			state.WithLabelValues(n.host, n.what, string(s)).Set(is)
		}
		if r.Unit != "" {
			figure.WithLabelValues(n.host, n.what, r.Unit).Set(r.Figure)
		}
		if !r.At.IsZero() {
			measured.WithLabelValues(n.host, n.what).Set(float64(r.At.UnixMilli()) / 1000)
		}
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(state, figure, measured, written)
	return reg
}
