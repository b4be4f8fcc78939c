package bottest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

// step plays one line.
func (p *player) step(line string) (err error) {
	words, err := fields(line)
	if err != nil {
		return err
	}
	defer func() {
		if r, ok := recover().(runtime.Error); ok {
			err = fmt.Errorf("the step lacks words (%w)", r)
		}
	}()
	rest := func(n int) string { return strings.TrimSpace(after(line, n)) }
	switch verb := words[0]; verb {
	case "fire", "refire", "resolve":
		return p.alert(verb, words[1:])
	case "fire-many": // fire-many N NAME …: so many groups, a cluster each
		n, err := strconv.Atoi(words[1])
		for i := range n {
			if err := p.alert("fire", append(slices.Clone(words[2:]), fmt.Sprintf("cluster=c%03d", i+1))); err != nil {
				return err
			}
		}
		return err
	case "resolve-many":
		n, err := strconv.Atoi(words[1])
		for i := range n {
			if err := p.alert("resolve", append(slices.Clone(words[2:]), fmt.Sprintf("cluster=c%03d", i+1))); err != nil {
				return err
			}
		}
		return err
	case "fire-group": // fire-group N NAME …: so many alerts of one group in one body
		n, err := strconv.Atoi(words[1])
		for i := range n {
			if err := p.alert("fire", append(slices.Clone(words[2:]), fmt.Sprintf("instance=web%05d", i+1))); err != nil {
				return err
			}
		}
		return err
	case "deliver":
		return p.deliver(words[1:])
	case "post":
		return p.post(words[1:])
	case "advance":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return err
		}
		p.advance(d)
		return nil
	case "as":
		return p.person(words, line)
	case "bot":
		return p.botStep(words[1])
	case "chat":
		return p.chatStep(words[1:])
	case "am":
		return p.amStep(words[1:])
	case "delete":
		return p.deleteRoot(rest(1))
	case "reboot":
		return p.take(bot.Changed{Change: bot.Change{ID: "boot " + time.Now().String(), Host: words[1], Kind: bot.ChangeReboot,
			Text: "rebooted", At: time.Now().UTC()}})
	case "changed":
		return p.take(bot.Changed{Change: bot.Change{ID: rest(2), Host: words[1], Kind: bot.ChangeSwitch, Text: rest(2), At: time.Now().UTC()}})
	case "model":
		p.model.off = words[1] == "off"
		return nil
	case "expect":
		return p.expect(words[1:])
	}
	return fmt.Errorf("there is no step %q", words[0])
}

// advance lets time pass in small steps, so that the model sees what was true
// in between.
func (p *player) advance(d time.Duration) {
	grain := 5 * time.Second
	if d > 10*time.Minute {
		grain = time.Minute // hours are watched less closely
	}
	for d > 0 && !p.t.Failed() {
		n := min(d, grain)
		time.Sleep(n)
		d -= n
		p.settle()
		p.revive()
		p.model.observe()
		p.model.check()
	}
}

func (p *player) take(e bot.Event) error {
	return p.flow.Take(p.t.Context(), bot.Batch{Source: "story", Events: []bot.Event{e}})
}

// alert drives the simulated Alertmanager, as Prometheus would.
func (p *player) alert(verb string, words []string) error {
	labels, annotations := split(words)
	switch verb {
	case "fire":
		p.am.Fire(labels, alertmanagertest.Annotate(annotations), alertmanagertest.GeneratorURL("http://prometheus:9090/graph?g0.expr=up"))
	case "refire":
		p.am.Refire(labels)
	case "resolve":
		p.am.Resolve(labels)
	}
	return nil
}

// split reads NAME label=value …; summary, description and runbook_url are
// annotations.
func split(words []string) (labels, annotations bot.Labels) {
	labels, annotations = bot.Labels{"alertname": words[0]}, bot.Labels{}
	for _, w := range words[1:] {
		n, v, _ := strings.Cut(w, "=")
		switch n {
		case "summary", "description", "runbook_url":
			annotations[n] = v
		default:
			labels[n] = v
		}
	}
	return labels, annotations
}

// deliver posts one webhook by hand: deliver firing|resolved NAME label=value …
// start=-5m [end=-1m] [group=a,b] [receiver=…] [key=…] [truncated=3] [from=URL].
func (p *player) deliver(words []string) error {
	status := words[0]
	var labelWords []string
	group, receiver, key, from := []string{"alertname", "cluster"}, "watchstander", "k", "http://am1:9093"
	// Whole seconds, so that a start can be named again later.
	start, end, truncated := time.Now().Truncate(time.Second), time.Time{}, 0
	for _, w := range words[1:] {
		n, v, _ := strings.Cut(w, "=")
		switch n {
		case "start", "end":
			d, err := time.ParseDuration(v)
			if err != nil {
				return err
			}
			if n == "start" {
				start = start.Add(d)
			} else {
				end = time.Now().Add(d)
			}
		case "group":
			group = strings.Split(v, ",")
		case "receiver":
			receiver = v
		case "key":
			key = v
		case "from":
			from = v
		case "truncated":
			truncated, _ = strconv.Atoi(v)
		default:
			labelWords = append(labelWords, w)
		}
	}
	labels, annotations := split(labelWords)
	if status == "resolved" && end.IsZero() {
		end = time.Now()
	}
	groupLabels := bot.Labels{}
	for _, g := range group {
		if v, ok := labels[g]; ok {
			groupLabels[g] = v
		}
	}
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": key, "truncatedAlerts": truncated, "status": status, "receiver": receiver,
		"groupLabels": groupLabels, "commonLabels": labels, "commonAnnotations": annotations, "externalURL": from,
		"alerts": []any{map[string]any{"status": status, "labels": labels, "annotations": annotations,
			"startsAt": start.UTC().Format(time.RFC3339Nano), "endsAt": end.UTC().Format(time.RFC3339Nano),
			"generatorURL": "", "fingerprint": alertmanager.Fingerprint(labels)}},
	})
	if err != nil {
		return err
	}
	return p.postBody(body, "Bearer "+token)
}

// post posts a raw body: post TOKEN BODY.
func (p *player) post(words []string) error {
	auth := words[0]
	if auth == "good" {
		auth = "Bearer " + token
	}
	return p.postBody([]byte(strings.Join(words[1:], " ")), auth)
}

func (p *player) postBody(body []byte, auth string) error {
	r := httptest.NewRequestWithContext(p.t.Context(), http.MethodPost, "/webhook/main", bytes.NewReader(body))
	if auth != "none" {
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	p.status = w.Code
	return nil
}

// person plays what somebody does in the room.
func (p *player) person(words []string, line string) error {
	user := bot.UserID(words[1])
	if !strings.HasPrefix(words[1], "@") {
		user = bot.UserID("@" + words[1] + ":example.org")
	}
	p.said++
	id := bot.MessageID(fmt.Sprintf("u%d", p.said))
	now := time.Now().UTC()
	at := now
	i := 2
	if words[i] == "ago" {
		d, err := time.ParseDuration(words[i+1])
		if err != nil {
			return err
		}
		at, i = now.Add(-d), i+2
	}
	room := p.config.Rooms[0].ID
	var root bot.MessageID
	if words[i] == "in" {
		post, err := p.root(words[i+1])
		if err != nil {
			return err
		}
		root, room, i = post.ID, post.Room, i+2
	}
	switch words[i] {
	case "says":
		p.lastID = id
		p.chat.Hear(bot.Said{Chat: "matrix", Room: room, ID: id, Root: root, User: user, Text: strings.TrimSpace(after(line, i+1)), At: at})
	case "repeats": // the platform delivers the newest message once more
		p.chat.Hear(bot.Said{Chat: "matrix", Room: room, ID: p.lastID, Root: root, User: user, Text: strings.TrimSpace(after(line, i+1)), At: at})
	case "presses":
		post, err := p.root(words[i+3])
		if err != nil {
			return err
		}
		p.pressed[string(user)] = id
		p.chat.Hear(bot.Pressed{Chat: "matrix", Room: post.Room, ID: id, Target: post.ID, User: user, Emoji: words[i+1], At: at})
	case "withdraws":
		p.chat.Hear(bot.Withdrawn{Chat: "matrix", Room: room, ID: id, Target: p.pressed[string(user)], User: user, At: at})
	default:
		return fmt.Errorf("people do not %q", words[i])
	}
	return nil
}

// botStep is what happens to the bot: crash, stop (a restart in good order).
func (p *player) botStep(what string) error {
	switch what {
	case "crash":
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
	case "down":
		p.kill()
		p.stop = nil
	case "up":
		p.live()
		p.start()
	default:
		return fmt.Errorf("the bot does not %q", what)
	}
	return nil
}

// chatStep is what happens to the chat: down, up, pace R BURST, reject N,
// busy N AFTER, lose N (accepted, not answered), forbid N, reject-offers N.
func (p *player) chatStep(words []string) error {
	count := 1
	if len(words) > 1 {
		if n, err := strconv.Atoi(words[1]); err == nil {
			count = n
		}
	}
	faulty := func(r bot.Refusal) {
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.fault = func(bot.Sending) error {
			if count == 0 {
				return nil
			}
			count--
			return &r
		}
	}
	switch words[0] {
	case "down":
		p.chat.Unplug(true)
	case "up":
		p.chat.Unplug(false)
	case "pace":
		rate, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			return err
		}
		burst, err := strconv.Atoi(words[2])
		if err != nil {
			return err
		}
		// The pace is part of what the bot is told at its start.
		p.kill()
		p.chat.Pace(rate, burst)
		p.live()
		p.start()
	case "reject":
		faulty(bot.Refusal{Kind: bot.Rejected})
	case "busy":
		d, err := time.ParseDuration(words[2])
		if err != nil {
			return err
		}
		faulty(bot.Refusal{Kind: bot.Busy, After: d})
	case "reject-offers":
		p.chat.mu.Lock()
		defer p.chat.mu.Unlock()
		p.chat.fault = func(s bot.Sending) error {
			if s.Kind != bot.SendOffer || count == 0 {
				return nil
			}
			count--
			return &bot.Refusal{Kind: bot.Rejected}
		}
	case "forbid":
		faulty(bot.Refusal{Kind: bot.Forbidden})
	case "lose":
		p.chat.lose(func(s bot.Sending) error {
			if count > 0 {
				count--
				_ = p.accepted(s)
				return &bot.Refusal{Kind: bot.Unsure}
			}
			return p.accepted(s)
		})
	default:
		return fmt.Errorf("the chat does not %q", words[0])
	}
	return nil
}

// amStep is what happens to Alertmanager, or what others do with it.
func (p *player) amStep(words []string) error {
	switch words[0] {
	case "down":
		p.am.Stop()
	case "up":
		p.am.Start()
	case "unreachable":
		p.am.SetUnreachable(true)
	case "reachable":
		p.am.SetUnreachable(false)
	case "restart":
		p.am.Restart()
	case "settling":
		p.am.SetSettling(words[1] == "yes")
	case "redeliver":
		p.am.Redeliver(len(p.am.Sent()) - 1)
	case "silence": // am silence MATCHERS 2h BY COMMENT
		d, err := time.ParseDuration(words[2])
		if err != nil {
			return err
		}
		p.pressed["silence"] = bot.MessageID(p.am.Silence(words[1], d, words[3], strings.Join(words[4:], " ")))
	case "expire":
		p.am.Expire(string(p.pressed["silence"]))
	case "lose-answers":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		p.am.LoseAnswers(n)
	case "max":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		p.am.SetMaxAlerts("watchstander", n)
	case "reroute": // the routes are edited, so that every groupKey changes
		p.am.EditRoutes(func(rs []alertmanagertest.Route) []alertmanagertest.Route {
			rs = slices.Clone(rs)
			rs[len(rs)-1].Matchers = append(rs[len(rs)-1].Matchers, `alertname!="Nothing"`)
			return rs
		})
	default:
		return fmt.Errorf("an Alertmanager does not %q", words[0])
	}
	return nil
}

func (p *player) deleteRoot(ref string) error {
	post, err := p.root(ref)
	if err != nil {
		return err
	}
	p.chat.Delete(post.ID)
	p.said++
	p.chat.Hear(bot.Withdrawn{Chat: "matrix", Room: post.Room, ID: bot.MessageID(fmt.Sprintf("u%d", p.said)), Target: post.ID, User: "@mod:example.org", At: time.Now().UTC()})
	return nil
}

// fields splits a line at spaces, with double quotes around words that hold
// spaces: summary="it is full".
func fields(line string) ([]string, error) {
	var out []string
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any || b.Len() > 0 {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	if any || b.Len() > 0 {
		out = append(out, b.String())
	}
	return out, nil
}

// after is the line without its first n words.
func after(line string, n int) string {
	for range n {
		line = strings.TrimLeft(line, " ")
		quoted := false
		i := strings.IndexFunc(line, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return r == ' ' && !quoted
		})
		if i < 0 {
			return ""
		}
		line = line[i:]
	}
	return line
}
