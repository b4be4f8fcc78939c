package alertmanager

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/api/v2/client/alertgroup"
	"github.com/prometheus/alertmanager/api/v2/client/general"
	"github.com/prometheus/alertmanager/api/v2/models"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// account is what one peer told in one poll.
type account struct {
	groups   models.AlertGroups
	silences []bot.Silence
	status   *models.AlertmanagerStatus
	clock    time.Time // the peer's own, zero when it does not tell
}

// Poll asks every peer for its groups, its silences and how it is, and makes
// one answer of those that answered; mark is handed through. It never fails:
// an answer with Failure set says that nobody answered.
//
// An alert that any peer lists is there. It counts as silenced, inhibited or
// muted only if every peer that lists it says so, since any other one may still
// notify; so a thread is never called silent while it may yet ring.
//
// Settled is true when every configured peer answered, each says that its
// cluster is ready (or that it has none) and has been up for SettleAfter, by its
// own clock, and those in a cluster name the same members. Only then does the
// absence of an alert say anything: a peer that has just started knows of
// nothing until Prometheus sends it again.
func (c *Client) Poll(ctx context.Context, mark int64) bot.Polled {
	at := c.o.Now().UTC()
	answers := each(ctx, c, c.account)
	polled := bot.Polled{
		Alertmanager: c.o.Name,
		Receivers:    slices.Clone(c.o.Receivers),
		Mark:         mark,
		At:           at,
	}
	if err := noAnswer(c, answers); err != nil {
		polled.Failure = err.Message
		return polled
	}
	groups := groupUnion{}
	silences := silenceUnion{}
	for _, a := range answers {
		if a.err == nil {
			groups.add(a.value.groups, c.o.Receivers)
			silences.add(a.value.silences)
		}
	}
	polled.Groups, polled.Silences = groups.list(), silences.list()
	why, _ := c.unsettled(answers)
	polled.Settled = why == ""
	return polled
}

// account asks one peer. The status comes last: if the process was up for long
// then, it was the same process, with a full view, that gave the rest.
func (c *Client) account(ctx context.Context, p *peer) (account, error) {
	var a account
	yes := true
	// The server takes the receiver for an anchored pattern, so names are quoted
	// and joined; what comes back is compared by exact name all the same.
	quoted := make([]string, len(c.o.Receivers))
	for i, name := range c.o.Receivers {
		quoted[i] = regexp.QuoteMeta(name)
	}
	receivers := strings.Join(quoted, "|")
	groups := alertgroup.NewGetAlertGroupsParams().WithContext(ctx).WithTimeout(c.o.Timeout).
		WithActive(&yes).WithSilenced(&yes).WithInhibited(&yes).WithMuted(&yes).WithReceiver(&receivers)
	got, err := p.api.Alertgroup.GetAlertGroups(groups)
	if err != nil {
		return a, err
	}
	a.groups = got.Payload
	if a.silences, err = c.silencesOf(ctx, p); err != nil {
		return a, err
	}
	a.status, a.clock, err = c.statusOf(ctx, p)
	return a, err
}

func (c *Client) statusOf(ctx context.Context, p *peer) (*models.AlertmanagerStatus, time.Time, error) {
	var clock time.Time
	params := general.NewGetStatusParams().WithTimeout(c.o.Timeout).
		WithContext(context.WithValue(ctx, clockKey{}, &clock))
	got, err := p.api.General.GetStatus(params)
	if err != nil {
		return nil, clock, err
	}
	if got.Payload == nil || got.Payload.Cluster == nil || got.Payload.Uptime == nil {
		return nil, clock, errNotJSONAnswer
	}
	return got.Payload, clock, nil
}

// unsettled says why absence says nothing yet, for the log and for Check; ""
// when it does. passes: that is only a matter of minutes.
func (c *Client) unsettled(answers []answer[account]) (why string, passes bool) {
	members := map[string]string{} // membership → the first peer that told it
	selves := map[string]string{}  // cluster name → peer
	for _, a := range answers {
		if a.err != nil {
			return a.peer.name + " did not answer", false
		}
		cluster := a.value.status.Cluster
		switch value(cluster.Status) {
		case models.ClusterStatusStatusDisabled:
		case models.ClusterStatusStatusReady:
			names := memberNames(cluster)
			if len(names) > 0 {
				members[strings.Join(names, " ")] = a.peer.name
			}
			if other, twice := selves[cluster.Name]; twice && cluster.Name != "" {
				return fmt.Sprintf("%s and %s are the same Alertmanager, so one was not asked", other, a.peer.name), false
			}
			selves[cluster.Name] = a.peer.name
		default:
			return fmt.Sprintf("%s is still joining its cluster", a.peer.name), true
		}
		if up := c.upFor(a.value.status, a.value.clock); up < c.o.SettleAfter {
			return fmt.Sprintf("%s has been up for %s, and may not have heard of everything before %s more have passed",
				a.peer.name, phrase.Duration(up), phrase.Duration(c.o.SettleAfter-up)), true
		}
	}
	if len(members) > 1 {
		return "the peers do not agree on who belongs to their cluster", false
	}
	return "", false
}

// upFor is how long a peer has been up, by its own clock where it tells it.
func (c *Client) upFor(status *models.AlertmanagerStatus, clock time.Time) time.Duration {
	if clock.IsZero() {
		clock = c.o.Now()
	}
	return max(0, clock.Sub(time.Time(*status.Uptime)))
}

func memberNames(cluster *models.ClusterStatus) []string {
	var names []string
	for _, m := range cluster.Peers {
		if m != nil {
			names = append(names, value(m.Name))
		}
	}
	slices.Sort(names)
	return names
}

// groupUnion joins groups by receiver and labels. The API has no group key, and
// two routes to one receiver may make the same group twice, which is one group
// to us; an alert that several groups or peers list is joined by fingerprint.
type groupUnion map[string]*joinedGroup

type joinedGroup struct {
	receiver string
	labels   bot.Labels
	alerts   map[string]*joinedAlert
}

type joinedAlert struct {
	alert     bot.PolledAlert
	updatedAt time.Time
	loud      bool // somebody lists it as neither silenced, inhibited nor muted
}

func (u groupUnion) add(groups models.AlertGroups, receivers []string) {
	for _, g := range groups {
		if g == nil || g.Receiver == nil {
			continue
		}
		receiver := clean(value(g.Receiver.Name))
		if _, ours := slices.BinarySearch(receivers, receiver); !ours {
			continue
		}
		labels, _ := tidyLabels(bot.Labels(g.Labels))
		key := receiver + "\x00" + labels.Canonical()
		for _, a := range g.Alerts {
			if a == nil || a.Fingerprint == nil {
				continue
			}
			joined := u[key]
			if joined == nil {
				joined = &joinedGroup{receiver: receiver, labels: labels, alerts: map[string]*joinedAlert{}}
				u[key] = joined
			}
			joined.add(a)
		}
	}
}

func (g *joinedGroup) add(listed *models.GettableAlert) {
	a := polledAlert(listed)
	updatedAt := time.Time(value(listed.UpdatedAt))
	loud := len(a.SilencedBy)+len(a.InhibitedBy)+len(a.MutedBy) == 0
	known := g.alerts[a.Fingerprint]
	if known == nil {
		g.alerts[a.Fingerprint] = &joinedAlert{alert: a, updatedAt: updatedAt, loud: loud}
		return
	}
	known.loud = known.loud || loud
	silenced := append(known.alert.SilencedBy, a.SilencedBy...)
	inhibited := append(known.alert.InhibitedBy, a.InhibitedBy...)
	muted := append(known.alert.MutedBy, a.MutedBy...)
	if updatedAt.After(known.updatedAt) {
		known.alert, known.updatedAt = a, updatedAt
	}
	known.alert.SilencedBy, known.alert.InhibitedBy, known.alert.MutedBy = silenced, inhibited, muted
}

func (u groupUnion) list() []bot.PolledGroup {
	var out []bot.PolledGroup
	for _, key := range slices.Sorted(maps.Keys(u)) {
		g := u[key]
		group := bot.PolledGroup{Receiver: g.receiver, Labels: g.labels}
		for _, fingerprint := range slices.Sorted(maps.Keys(g.alerts)) {
			group.Alerts = append(group.Alerts, g.alerts[fingerprint].settle())
		}
		out = append(out, group)
	}
	return out
}

func (j *joinedAlert) settle() bot.PolledAlert {
	a := j.alert
	if j.loud {
		a.SilencedBy, a.InhibitedBy, a.MutedBy = nil, nil, nil
		return a
	}
	a.SilencedBy, a.InhibitedBy, a.MutedBy = distinct(a.SilencedBy), distinct(a.InhibitedBy), distinct(a.MutedBy)
	return a
}

func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// polledAlert puts one listed alert into our words. The API lists only what
// fires, with the time at which Alertmanager would give up on it as its end.
func polledAlert(a *models.GettableAlert) bot.PolledAlert {
	labels, _ := tidyLabels(bot.Labels(a.Labels))
	status := cmp.Or(a.Status, &models.AlertStatus{})
	return bot.PolledAlert{
		Alert: bot.Alert{
			Fingerprint:  clean(value(a.Fingerprint)),
			Labels:       labels,
			Annotations:  tidyAnnotations(bot.Labels(a.Annotations)),
			StartsAt:     Millis(time.Time(value(a.StartsAt))),
			GeneratorURL: clean(string(a.GeneratorURL)),
		},
		SilencedBy:  slices.Clone(status.SilencedBy),
		InhibitedBy: slices.Clone(status.InhibitedBy),
		MutedBy:     slices.Clone(status.MutedBy), // Alertmanager before 0.28 does not tell
	}
}
