package grafana

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/bot/clean"
	"watchstander/bot/phrase"
)

// Names of the probe's readings.
const (
	ReadServer     = "grafana"
	ReadDashboards = "grafana dashboards"
	ReadSources    = "grafana data sources"
)

const (
	// mostNamed is how many of what is not well a reading names; the rest is counted.
	mostNamed = 5
	// mostSources is how many data sources are asked for their health, atOnce how many
	// at a time: each makes Grafana ask somebody else.
	mostSources, atOnce = 50, 8
	// mostFound is the most dashboards that Grafana lists at once.
	mostFound = 5000
	// patience bounds all questions together: less than people wait for probes, so that
	// what was learnt by then is told.
	patience = 8 * time.Second
)

// Options are the server and what is expected of it. URL alone is needed.
type Options struct {
	// URL is the base address, without a slash at its end and without credentials.
	URL string
	// Token gives a service account's token, each time anew; nil for none.
	Token func() (string, error)
	// Dashboards are the uids of those that must be there, and AtLeast is how many there
	// must be in all; 0 for any number.
	Dashboards []string
	AtLeast    int
	// Timeout bounds each question; 5 s.
	Timeout time.Duration
	// Transport is for tests; nil means the usual one.
	Transport http.RoundTripper
}

// Probe is for status and checklists.
type Probe struct {
	o      Options
	client *http.Client
	now    func() time.Time
}

var _ bot.Probe = (*Probe)(nil)

// New makes the probe. It asks nothing yet.
func New(o Options) *Probe {
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	next := o.Transport
	if next == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = 64 << 10
		next = t
	}
	return &Probe{o: o, now: time.Now, client: &http.Client{Transport: next,
		// A redirect could carry the token to another host, and a page for logging in is
		// no answer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect }}}
}

// Close lets go of idle connections.
func (p *Probe) Close() { p.client.CloseIdleConnections() }

// Name is "grafana".
func (p *Probe) Name() string { return ReadServer }

// Tells are what its readings are called (bot/probing, Teller).
func (p *Probe) Tells() []string { return []string{ReadServer, ReadDashboards, ReadSources} }

// Read gives the three readings. Where the server does not answer, the other two are
// unknown; so they are where the token may not know, or there is none.
func (p *Probe) Read(ctx context.Context) []bot.Reading {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	server, up := p.server(ctx)
	out := []bot.Reading{server, {What: ReadDashboards, Source: apiSearch}, {What: ReadSources, Source: apiSources}}
	if up {
		var all sync.WaitGroup
		all.Go(func() { out[1] = p.dashboards(ctx) })
		out[2] = p.sources(ctx)
		all.Wait()
	} else {
		for i := range out[1:] {
			out[i+1].State, out[i+1].Note = bot.Unknown, "Grafana itself does not answer as it should"
		}
	}
	at := p.now().UTC().Truncate(time.Millisecond)
	for i := range out {
		out[i].At = at
	}
	return out
}

// Server is the first reading alone, for `watchstander check`.
func (p *Probe) Server(ctx context.Context) bot.Reading {
	r, _ := p.server(ctx)
	r.At = p.now().UTC().Truncate(time.Millisecond)
	return r
}

const (
	apiHealth  = "Grafana's /api/health"
	apiSearch  = "Grafana's /api/search"
	apiSources = "Grafana's /api/datasources"
)

// server tells whether it answers; up: it makes sense to ask it more.
func (p *Probe) server(ctx context.Context) (r bot.Reading, up bool) {
	r = bot.Reading{What: ReadServer, Source: apiHealth, State: bot.OK}
	var h struct{ Database, Version string }
	err := p.get(ctx, "/api/health", nil, &h)
	_, away := errors.AsType[errAway](err)
	status, answers := errors.AsType[refused](err)
	switch {
	case errors.Is(err, errToken): // everybody may ask, but whether a token works is part of it
		r.State, r.Note = bot.Unknown, err.Error()
	case away:
		r.State, r.Value, r.Note = bot.NotOK, "no answer", err.Error()
	case answers && h.Database != "":
		// It says itself what is wrong, with 503.
		r.State, r.Value, r.Note = bot.NotOK, "answers", "its database: "+said(h.Database)
	case answers && status >= 500:
		r.State, r.Value, r.Note = bot.NotOK, "answers", err.Error()+": it, or what stands before it, is in trouble"
	case err != nil:
		r.State, r.Note = bot.Unknown, err.Error()
	case h.Database == "":
		r.State, r.Note = bot.Unknown, errForeign.Error()
	case h.Database != "ok":
		r.State, r.Value, r.Note = bot.NotOK, "answers", "its database: "+said(h.Database)
	default:
		r.Value, up = "answers, version "+cmp.Or(said(h.Version), "unknown")+", database ok", true
	}
	return r, up
}

// untold is the reading of what the server did not tell whoever asks.
func (p *Probe) untold(what, source string, err error) bot.Reading {
	r := bot.Reading{What: what, Source: source, State: bot.Unknown, Note: err.Error()}
	if denied(err) && p.o.Token == nil {
		r.Note = "Grafana tells this with a token alone: grafana.token_file in the configuration names one"
	}
	return r
}

// dashboards compares those that can be found with those that are expected.
func (p *Probe) dashboards(ctx context.Context) bot.Reading {
	var found []struct{ UID, Type string }
	err := p.get(ctx, "/api/search", url.Values{"type": {"dash-db"}, "limit": {fmt.Sprint(mostFound)}}, &found)
	if err != nil {
		return p.untold(ReadDashboards, apiSearch, err)
	}
	have := map[string]bool{}
	for _, x := range found {
		if x.Type == "dash-db" {
			have[x.UID] = true
		}
	}
	r := bot.Reading{What: ReadDashboards, Source: apiSearch, State: bot.OK}
	n := len(have)
	r.Value = fmt.Sprintf("%d found", n)
	if n >= mostFound {
		r.Value = fmt.Sprintf("%d found, and maybe more", n)
	}
	var missing []string
	for _, uid := range p.o.Dashboards {
		if !have[uid] {
			missing = append(missing, said(uid))
		}
	}
	if want := len(p.o.Dashboards); want > 0 {
		r.Value += fmt.Sprintf(", %d of %d expected", want-len(missing), want)
	}
	// What the one who asks may not see is not in the list either.
	hidden := " (gone, or not for this token to see)"
	if p.o.Token == nil {
		hidden = " (gone, or not to be seen without a token)"
	}
	var why []string
	switch {
	case len(missing) > 0 && n >= mostFound:
		r.State, why = bot.Unknown, append(why, "not among those that it lists at once: "+phrase.Some(missing, mostNamed))
	case len(missing) > 0:
		r.State, why = bot.NotOK, append(why, "missing: "+phrase.Some(missing, mostNamed)+hidden)
	}
	if n < p.o.AtLeast {
		r.State, why = bot.NotOK, append(why, fmt.Sprintf("there should be at least %d", p.o.AtLeast))
	}
	if n == 0 && r.State == bot.OK {
		r.State, r.Value, why = bot.Unknown, "none found", append(why, "whether there should be some is not configured (grafana.dashboards)")
	}
	r.Note = strings.Join(why, "; ")
	return r.With(float64(n), bot.FigureCount)
}

// source is a data source and how its health is.
type source struct {
	UID, Name, Type string
	state           bot.ReadingState
	why             string
}

// sources has Grafana ask each of its data sources.
func (p *Probe) sources(ctx context.Context) bot.Reading {
	var all []source
	if err := p.get(ctx, "/api/datasources", nil, &all); err != nil {
		return p.untold(ReadSources, apiSources, err)
	}
	asked := all[:min(len(all), mostSources)]
	slots := make(chan struct{}, atOnce)
	var working sync.WaitGroup
	for i := range asked {
		working.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			asked[i].state, asked[i].why = p.health(ctx, asked[i].UID)
		})
	}
	working.Wait()
	r := bot.Reading{What: ReadSources, Source: apiSources, State: bot.OK}
	var bad, untold []string
	for _, x := range asked {
		name := said(cmp.Or(x.Name, x.UID))
		if x.why != "" {
			name += " (" + x.why + ")"
		}
		switch x.state {
		case bot.NotOK:
			bad = append(bad, name)
		case bot.Unknown:
			untold = append(untold, name)
		}
	}
	slices.Sort(bad)
	slices.Sort(untold)
	r.Value = fmt.Sprintf("%d of %d work", len(asked)-len(bad)-len(untold), len(all))
	var why []string
	if n := len(all) - len(asked); n > 0 {
		r.State, why = bot.Unknown, append(why, phrase.Count(n, "more is", "more are")+" not asked")
	}
	if len(untold) > 0 {
		r.State, why = bot.Unknown, slices.Insert(why, 0, "not known of: "+phrase.Some(untold, mostNamed))
	}
	if len(bad) > 0 {
		r.State, why = bot.NotOK, slices.Insert(why, 0, "does not work: "+phrase.Some(bad, mostNamed))
	}
	if len(all) == 0 {
		r.State, r.Value, why = bot.Unknown, "none", []string{"it has none, or none that this token may see"}
	}
	r.Note = strings.Join(why, "; ")
	return r.With(float64(len(bad)), bot.FigureCount)
}

// health is what Grafana says of one: 200 with OK, 400 with ERROR. A kind that has no check
// of its health gets 404.
func (p *Probe) health(ctx context.Context, uid string) (bot.ReadingState, string) {
	var h struct{ Status, Message string }
	err := p.get(ctx, "/api/datasources/uid/"+url.PathEscape(uid)+"/health", nil, &h)
	status, answers := errors.AsType[refused](err)
	switch {
	case err == nil && h.Status == "OK":
		return bot.OK, ""
	case h.Status == "ERROR":
		return bot.NotOK, said(reason(h.Message))
	case answers && status == http.StatusNotFound:
		return bot.Unknown, "its kind has no check"
	case err == nil:
		return bot.Unknown, "it says neither OK nor ERROR"
	}
	return bot.Unknown, err.Error()
}

// reason is the end of a message of a data source, which says why; what may hold an
// address, with whatever stands in it, is left out.
func reason(s string) string {
	if i := strings.LastIndex(s, ": "); i >= 0 {
		s = s[i+2:]
	}
	if strings.Contains(s, "://") || strings.Contains(s, "@") {
		return ""
	}
	return s
}

// said is somebody else's word, at most so long that several fit a line.
func said(s string) string { return clean.Line(s, 60) }
