package real

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Silence is a silence of Alertmanager's.
type Silence struct {
	ID        string    `json:"id,omitempty"` // of an old one, to change it
	Matchers  []Matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
	Status    *struct {
		State string `json:"state"` // "pending", "active" or "expired"
	} `json:"status,omitempty"` // nil in what is posted
}

// Matcher is one condition of a silence.
type Matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"` // false: != or !~
}

// Equal is the matcher name="value".
func Equal(name, value string) Matcher { return Matcher{Name: name, Value: value, IsEqual: true} }

// Silence posts a silence and returns its id, which is a new one when an old
// silence's matchers were changed.
func (a *Alertmanager) Silence(t testing.TB, s Silence) string {
	t.Helper()
	var answer struct {
		ID string `json:"silenceID"`
	}
	a.must(t, http.MethodPost, "/silences", s, &answer)
	return answer.ID
}

// SilenceFor posts a silence that begins now.
func (a *Alertmanager) SilenceFor(t testing.TB, d time.Duration, comment string, matchers ...Matcher) string {
	t.Helper()
	now := time.Now()
	return a.Silence(t, Silence{
		Matchers: matchers, StartsAt: now, EndsAt: now.Add(d), CreatedBy: "a test", Comment: comment,
	})
}

// Silences lists all silences, expired ones too.
func (a *Alertmanager) Silences(t testing.TB) []Silence {
	t.Helper()
	var silences []Silence
	a.must(t, http.MethodGet, "/silences", nil, &silences)
	return silences
}

// Expire ends a silence.
func (a *Alertmanager) Expire(t testing.TB, id string) {
	t.Helper()
	a.must(t, http.MethodDelete, "/silence/"+url.PathEscape(id), nil, nil)
}
