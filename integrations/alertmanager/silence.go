package alertmanager

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/prometheus/alertmanager/api/v2/client/alert"
	"github.com/prometheus/alertmanager/api/v2/client/silence"
	"github.com/prometheus/alertmanager/api/v2/models"

	"watchstander/bot"
)

// Silences lists every silence that the answering peers know, the expired ones
// too as long as Alertmanager keeps them: first the active, then the pending,
// then the expired; within these by their end.
func (c *Client) Silences(ctx context.Context) ([]bot.Silence, error) {
	silences, _, err := c.silences(ctx)
	return silences, err
}

// silences also tells which peers answered, in the configured order.
func (c *Client) silences(ctx context.Context) ([]bot.Silence, []*peer, error) {
	answers := each(ctx, c, c.silencesOf)
	if err := noAnswer(c, answers); err != nil {
		return nil, nil, err
	}
	union := silenceUnion{}
	var answered []*peer
	for _, a := range answers {
		if a.err == nil {
			union.add(a.value)
			answered = append(answered, a.peer)
		}
	}
	return union.list(), answered, nil
}

func (c *Client) silencesOf(ctx context.Context, p *peer) ([]bot.Silence, error) {
	got, err := p.api.Silence.GetSilences(silence.NewGetSilencesParams().WithContext(ctx).WithTimeout(c.o.Timeout))
	if err != nil {
		return nil, err
	}
	var out []bot.Silence
	for _, s := range got.Payload {
		if s == nil || s.ID == nil || s.Status == nil {
			continue
		}
		out = append(out, bot.Silence{
			ID:        clean(*s.ID),
			State:     value(s.Status.State),
			Matchers:  fromAPI(s.Matchers),
			CreatedBy: clean(value(s.CreatedBy)),
			Comment:   clean(value(s.Comment)),
			StartsAt:  Millis(time.Time(value(s.StartsAt))),
			EndsAt:    Millis(time.Time(value(s.EndsAt))),
			UpdatedAt: Millis(time.Time(value(s.UpdatedAt))),
		})
	}
	return out, nil
}

// silenceUnion joins the peers' lists; of one silence the newest state counts.
type silenceUnion map[string]bot.Silence

func (u silenceUnion) add(silences []bot.Silence) {
	for _, s := range silences {
		if known, ok := u[s.ID]; !ok || s.UpdatedAt.After(known.UpdatedAt) {
			u[s.ID] = s
		}
	}
}

var stateRank = map[string]int{
	models.SilenceStatusStateActive: 1, models.SilenceStatusStatePending: 2, models.SilenceStatusStateExpired: 3,
}

func (u silenceUnion) list() []bot.Silence {
	return slices.SortedFunc(maps.Values(u), func(a, b bot.Silence) int {
		return cmp.Or(
			cmp.Compare(stateRank[a.State], stateRank[b.State]),
			a.EndsAt.Compare(b.EndsAt),
			cmp.Compare(a.ID, b.ID),
		)
	})
}

// mark is how a silence of ours carries its key, at the end of its comment.
func mark(key bot.EffectKey) string { return "[" + string(key) + "]" }

// withKey finds the silence that carries the key: a live one before an expired
// one, then the one that ends last. A silence that somebody edited by hand
// keeps its comment, and so its key, under a new id.
func withKey(silences []bot.Silence, key bot.EffectKey) (bot.Silence, bool) {
	var best bot.Silence
	for _, s := range silences {
		if !strings.Contains(s.Comment, mark(key)) {
			continue
		}
		if best.ID == "" || cmp.Or(
			cmp.Compare(stateRank[best.State], stateRank[s.State]),
			s.EndsAt.Compare(best.EndsAt),
		) > 0 {
			best = s
		}
	}
	return best, best.ID != ""
}

// MakeSilence makes the silence that key stands for, at most once, and returns
// its id. Alertmanager's POST makes another silence each time, so the key goes
// into the comment and is looked for first, and again after a failure that
// leaves open whether the silence was made. The same call again, with the same
// key, is always safe; the id of a silence that was made and has ended since is
// a success too.
//
// A zero StartsAt means now. Errors are [bot.Error]: CodeInvalid when the silence
// can never be made, CodeForbidden when every peer refuses our credentials, and
// CodeUnavailable for what may be tried again.
func (c *Client) MakeSilence(ctx context.Context, key bot.EffectKey, s bot.Silence) (string, error) {
	if key == "" || strings.ContainsAny(string(key), "[] \n") {
		return "", bot.Errorf(bot.CodeInternal, "The silence has no usable key.")
	}
	if _, err := compile(s.Matchers); err != nil {
		return "", err
	}
	if strings.TrimSpace(s.Comment) == "" {
		return "", bot.Errorf(bot.CodeInvalid, "A silence needs a comment that says why.")
	}

	select { // two calls with one key must not both look before either posts
	case c.making <- struct{}{}:
		defer func() { <-c.making }()
	case <-ctx.Done():
		return "", bot.Errorf(bot.CodeUnavailable, "The silence was not made in time.").Because(ctx.Err())
	}
	silences, answered, err := c.silences(ctx)
	if err != nil {
		return "", err
	}
	if made, ok := withKey(silences, key); ok {
		return made.ID, nil
	}
	// Only now, since what was made may well have ended in the meantime.
	now := c.o.Now()
	if s.StartsAt.Before(now) {
		s.StartsAt = now
	}
	if !s.EndsAt.After(s.StartsAt) {
		return "", bot.Errorf(bot.CodeInvalid, "The silence would be over before it begins; choose a later end.")
	}
	return c.post(ctx, key, s, answered)
}

// post tries one peer after the other, as long as it is sure that nothing has
// been made.
func (c *Client) post(ctx context.Context, key bot.EffectKey, s bot.Silence, answered []*peer) (string, error) {
	comment := strings.TrimSpace(s.Comment) + " " + mark(key)
	createdBy := cmp.Or(s.CreatedBy, "watchstander")
	startsAt, endsAt := strfmt.DateTime(s.StartsAt.UTC()), strfmt.DateTime(s.EndsAt.UTC())
	body := &models.PostableSilence{Silence: models.Silence{
		Comment: &comment, CreatedBy: &createdBy, StartsAt: &startsAt, EndsAt: &endsAt, Matchers: toAPI(s.Matchers),
	}}
	var failures []answer[string]
	for _, p := range answered {
		post := func() (string, error) {
			ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
			defer cancel()
			got, err := p.api.Silence.PostSilences(
				silence.NewPostSilencesParams().WithContext(ctx).WithTimeout(c.o.Timeout).WithSilence(body))
			if err != nil {
				return "", err
			}
			if got.Payload == nil || got.Payload.SilenceID == "" {
				return "", errNotJSONAnswer
			}
			return got.Payload.SilenceID, nil
		}
		id, err := post()
		if err == nil {
			return id, nil
		}
		if refused, ok := errors.AsType[*statusError](err); ok && refused.refused() {
			return "", bot.Errorf(bot.CodeInvalid, "Alertmanager %s refuses the silence: %s.",
				c.o.Name, strings.TrimRight(cmp.Or(refused.text, "it does not say why"), ".")).Because(c.cause(p, err))
		}
		failures = append(failures, answer[string]{peer: p, err: err})
		if !surelyNotSent(err) {
			// It may have been made all the same.
			if silences, _, err := c.silences(ctx); err == nil {
				if made, ok := withKey(silences, key); ok {
					return made.ID, nil
				}
			}
			break
		}
	}
	return "", noAnswer(c, failures)
}

// EndSilence expires a silence. One that has expired already is a success; one
// that no peer knows is CodeNotFound. Where a silence was made twice (two peers
// that had lost each other each got it), its twin with the same key, matchers
// and end goes with it.
func (c *Client) EndSilence(ctx context.Context, id string) error {
	unknown := bot.Errorf(bot.CodeNotFound, "Alertmanager %s knows no silence %.64q.", c.o.Name, id)
	if !strfmt.IsUUID(id) {
		return unknown
	}
	silences, answered, err := c.silences(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(silences, func(s bot.Silence) bool { return s.ID == id })
	if at < 0 {
		return unknown
	}
	for _, s := range silences {
		if s.State != models.SilenceStatusStateExpired && (s.ID == id || twins(s, silences[at])) {
			if err := c.expire(ctx, s.ID, answered, unknown); err != nil {
				return err
			}
		}
	}
	return nil
}

// expire asks one peer after the other until one has done it: to ask twice does
// no harm. A peer that the gossip has not reached yet may not know the silence,
// and says so with 404, before 0.26 with 500.
func (c *Client) expire(ctx context.Context, id string, answered []*peer, unknown error) error {
	var failures []answer[struct{}]
	for _, p := range answered {
		once := func() error {
			ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
			defer cancel()
			_, err := p.api.Silence.DeleteSilence(silence.NewDeleteSilenceParams().
				WithContext(ctx).WithTimeout(c.o.Timeout).WithSilenceID(strfmt.UUID(id)))
			return err
		}
		err := once()
		if err == nil {
			return nil
		}
		if status, ok := errors.AsType[*statusError](err); !ok || status.code != http.StatusNotFound {
			failures = append(failures, answer[struct{}]{peer: p, err: err})
		}
	}
	if len(failures) == 0 {
		return unknown
	}
	return noAnswer(c, failures)
}

// twins tells whether two silences were meant as one.
func twins(a, b bot.Silence) bool {
	open := strings.LastIndex(a.Comment, " [eff_")
	return open >= 0 && a.Comment == b.Comment && slices.Equal(a.Matchers, b.Matchers) &&
		a.EndsAt.Truncate(time.Second).Equal(b.EndsAt.Truncate(time.Second))
}

// Covered lists the alerts that fire now and that the matchers cover, at any
// receiver, those already silenced too, once each and ordered by fingerprint.
// They are matched here, with Alertmanager's own matchers: its API's filter
// reads other names and quotes in each version.
func (c *Client) Covered(ctx context.Context, matchers []bot.Matcher) ([]bot.PolledAlert, error) {
	ms, err := compile(matchers)
	if err != nil {
		return nil, err
	}
	answers := each(ctx, c, func(ctx context.Context, p *peer) (models.GettableAlerts, error) {
		got, err := p.api.Alert.GetAlerts(alert.NewGetAlertsParams().WithContext(ctx).WithTimeout(c.o.Timeout))
		if err != nil {
			return nil, err
		}
		return got.Payload, nil
	})
	if err := noAnswer(c, answers); err != nil {
		return nil, err
	}
	joined := joinedGroup{alerts: map[string]*joinedAlert{}}
	for _, a := range answers {
		for _, listed := range a.value {
			if listed != nil && listed.Fingerprint != nil && covers(ms, bot.Labels(listed.Labels)) {
				joined.add(listed)
			}
		}
	}
	var out []bot.PolledAlert
	for _, fingerprint := range slices.Sorted(maps.Keys(joined.alerts)) {
		out = append(out, joined.alerts[fingerprint].settle())
	}
	return out, nil
}
