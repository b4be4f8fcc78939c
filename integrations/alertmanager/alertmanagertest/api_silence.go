package alertmanagertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// apiSilence is a silence as the API reads it.
type apiSilence struct {
	ID       string `json:"id"`
	Matchers []struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		IsRegex bool   `json:"isRegex"`
		IsEqual *bool  `json:"isEqual"`
	} `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy *string   `json:"createdBy"`
	Comment   *string   `json:"comment"`
}

func (s *silence) list(now time.Time) any {
	matchers := []any{}
	for _, m := range s.matchers {
		matchers = append(matchers, map[string]any{
			"name": m.Name, "value": m.Value,
			"isEqual": m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp,
			"isRegex": m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp,
		})
	}
	return map[string]any{
		"id": s.id, "matchers": matchers, "comment": s.comment, "createdBy": s.createdBy,
		"startsAt": apiTime(s.startsAt), "endsAt": apiTime(s.endsAt), "updatedAt": apiTime(s.updatedAt),
		"status": map[string]any{"state": s.state(now)},
	}
}

func (am *Alertmanager) getSilences(w http.ResponseWriter, q url.Values) {
	now := time.Now()
	out := []any{}
	for _, s := range am.sorted(now) {
		if state := s.state(now); !q.Has(state) || q.Get(state) == "true" {
			out = append(out, s.list(now))
		}
	}
	answer(w, http.StatusOK, out)
}

func (am *Alertmanager) getSilence(w http.ResponseWriter, id string) {
	s := am.silences[id]
	if s == nil {
		answer(w, http.StatusNotFound, nil)
		return
	}
	answer(w, http.StatusOK, s.list(time.Now()))
}

func (am *Alertmanager) deleteSilence(w http.ResponseWriter, id string) {
	if err := am.expire(id); err != nil {
		if am.atLeast(0, 26) {
			answer(w, http.StatusNotFound, nil)
		} else {
			answer(w, http.StatusInternalServerError, err.Error())
		}
		return
	}
	answer(w, http.StatusOK, nil)
}

func (am *Alertmanager) postSilence(w http.ResponseWriter, r *http.Request) {
	var posted apiSilence
	if err := json.NewDecoder(r.Body).Decode(&posted); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"code": 400, "message": err.Error()})
		return
	}
	if posted.Comment == nil || posted.CreatedBy == nil || len(posted.Matchers) == 0 {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"code": 602, "message": "comment, createdBy and matchers are required"})
		return
	}
	s := &silence{
		id: posted.ID, startsAt: posted.StartsAt, endsAt: posted.EndsAt,
		createdBy: *posted.CreatedBy, comment: *posted.Comment,
	}
	for _, m := range posted.Matchers {
		if !am.validName(m.Name) {
			answer(w, http.StatusBadRequest, fmt.Sprintf("silence invalid: invalid label name %q", m.Name))
			return
		}
		kind := labels.MatchEqual
		switch equal := m.IsEqual == nil || *m.IsEqual; {
		case equal && m.IsRegex:
			kind = labels.MatchRegexp
		case !equal && m.IsRegex:
			kind = labels.MatchNotRegexp
		case !equal:
			kind = labels.MatchNotEqual
		}
		matcher, err := labels.NewMatcher(kind, m.Name, m.Value)
		if err != nil {
			answer(w, http.StatusBadRequest, "invalid silence: "+err.Error())
			return
		}
		s.matchers = append(s.matchers, matcher)
	}
	switch {
	case !s.startsAt.Before(s.endsAt):
		answer(w, http.StatusBadRequest, "Failed to create silence: start time must be before end time")
		return
	case s.endsAt.Before(time.Now()):
		answer(w, http.StatusBadRequest, "Failed to create silence: end time can't be in the past")
		return
	}
	if err := am.set(s); errors.Is(err, errUnknownSilence) {
		answer(w, http.StatusNotFound, err.Error())
		return
	} else if err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, http.StatusOK, map[string]any{"silenceID": s.id})
}
