package bottest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
	"watchstander/integrations/alertmanager/alertmanagertest"
)

func (p *player) stepAlert(l line) error { return p.alert(l.words[0], l.words[1:]) }

// stepMany drives many alerts: groups of a cluster each, or instances of one.
func (p *player) stepMany(l line) error {
	n, err := strconv.Atoi(l.words[1])
	if err != nil {
		return err
	}
	verb, label := strings.TrimSuffix(l.words[0], "-many"), "cluster=c%03d"
	if l.words[0] == "fire-group" {
		verb, label = "fire", "instance=web%05d"
	}
	for i := range n {
		if err := p.alert(verb, append(slices.Clone(l.words[2:]), fmt.Sprintf(label, i+1))); err != nil {
			return err
		}
	}
	return nil
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

// stepDeliver posts one webhook by hand.
func (p *player) stepDeliver(l line) error {
	body, err := p.delivery(l.words[1:])
	if err != nil {
		return err
	}
	p.status = p.persist(body)
	return nil
}

// persist posts as Alertmanager does: what a bot that was killed meanwhile did
// not take is sent to the next one.
func (p *player) persist(body []byte) int {
	code := p.postBody(body, "Bearer "+token)
	if code < 500 || !p.isDead() {
		return code
	}
	p.revive()
	return p.postBody(body, "Bearer "+token)
}

// stepAtOnce posts several webhooks that wait at the door together, as two
// peers', or one sender's on two connections.
func (p *player) stepAtOnce(l line) error {
	var bodies [][]byte
	words := l.words[1:]
	for len(words) > 0 {
		i := slices.Index(words, "and")
		if i < 0 {
			i = len(words)
		}
		body, err := p.delivery(words[:i])
		if err != nil {
			return err
		}
		bodies = append(bodies, body)
		words = words[min(i+1, len(words)):]
	}
	codes := make([]int, len(bodies))
	var wg sync.WaitGroup
	for i, body := range bodies {
		wg.Go(func() { codes[i] = p.postBody(body, "Bearer "+token) })
	}
	wg.Wait()
	for i, body := range bodies {
		if codes[i] >= 500 && p.isDead() {
			p.revive()
		}
		if codes[i] >= 500 {
			codes[i] = p.postBody(body, "Bearer "+token)
		}
	}
	p.status = slices.Max(codes)
	return nil
}

// delivery is a webhook's body.
func (p *player) delivery(words []string) ([]byte, error) {
	if len(words) < 2 {
		return nil, fmt.Errorf("a delivery lacks words: %s", usageDeliver)
	}
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
				return nil, err
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
	return json.Marshal(map[string]any{
		"version": "4", "groupKey": key, "truncatedAlerts": truncated, "status": status, "receiver": receiver,
		"groupLabels": groupLabels, "commonLabels": labels, "commonAnnotations": annotations, "externalURL": from,
		"alerts": []any{map[string]any{"status": status, "labels": labels, "annotations": annotations,
			"startsAt": start.UTC().Format(time.RFC3339Nano), "endsAt": end.UTC().Format(time.RFC3339Nano),
			"generatorURL": "", "fingerprint": alertmanager.Fingerprint(labels)}},
	})
}

func (p *player) stepPost(l line) error {
	auth := l.words[1]
	if auth == "good" {
		auth = "Bearer " + token
	}
	p.status = p.postBody([]byte(l.rest(2)), auth)
	return nil
}

// postBody gives the answer's status.
func (p *player) postBody(body []byte, auth string) int {
	r := httptest.NewRequestWithContext(p.t.Context(), http.MethodPost, "/webhook/main", bytes.NewReader(body))
	if auth != "none" {
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Code
}

// stepAlertmanager is what happens to Alertmanager, or what others do with it.
func (p *player) stepAlertmanager(l line) error {
	words := l.words[1:]
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
		if len(words) < 5 {
			return fmt.Errorf("the step lacks words: %s", usageAlertmanager)
		}
		p.silence = p.am.Silence(words[1], d, words[3], strings.Join(words[4:], " "))
	case "expire": // the one of the step before, or whose comment begins so
		if len(words) > 1 {
			if err := p.named(words[1]); err != nil {
				return err
			}
		}
		p.am.Expire(p.silence)
	case "edit": // am edit COMMENT 3h [MATCHERS]: the one whose comment begins so
		d, err := time.ParseDuration(words[2])
		if err == nil {
			err = p.named(words[1])
		}
		if err != nil {
			return err
		}
		p.silence = p.am.Edit(p.silence, d, strings.Join(words[3:], " "))
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
	case "regroup": // group_by is edited
		p.am.EditRoutes(func(rs []alertmanagertest.Route) []alertmanagertest.Route {
			rs = slices.Clone(rs)
			rs[len(rs)-1].GroupBy = []string{"alertname", "instance"}
			return rs
		})
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

// named finds the silence that holds now and whose comment begins so.
func (p *player) named(comment string) error {
	ss, err := p.client.Silences(p.t.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(ss, func(s bot.Silence) bool { return s.State == "active" && strings.HasPrefix(s.Comment, comment) })
	if i < 0 {
		return fmt.Errorf("there is no such silence: %v", ss)
	}
	p.silence = ss[i].ID
	return nil
}
