package alertmanager

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/alertmanager/api/v2/client/alertgroup"
	"github.com/prometheus/alertmanager/api/v2/models"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"watchstander/bot"
	"watchstander/bot/phrase"
)

// Heartbeat is an alert that always fires, and that the bot misses when it was not told of
// it for a while.
type Heartbeat struct {
	// Name is the heartbeat's, for people: its matchers.
	Name string
	// Fits tells whether an alert with these labels is one.
	Fits func(bot.Labels) bool
	// AbsentAfter is how long it may stay away.
	AbsentAfter time.Duration
}

// Beat is what is found of a heartbeat.
type Beat struct {
	Reading bot.Reading
	// Elsewhere: every peer answered, and none tells us of such an alert; another
	// Alertmanager may.
	Elsewhere bool
}

// CheckHeartbeats looks whether each alert is there, and is told to us often enough not to
// be missed while all is well: Alertmanager tells what goes on only every four hours, unless
// its route says otherwise. There is one Beat for each, in their order.
func (c *Client) CheckHeartbeats(ctx context.Context, all []Heartbeat) []Beat {
	if len(all) == 0 {
		return nil
	}
	answers := each(ctx, c, c.listen)
	out := make([]Beat, len(all))
	for i, h := range all {
		out[i].Reading, out[i].Elsewhere = c.checkHeartbeat(h, answers)
	}
	return out
}

func (c *Client) checkHeartbeat(h Heartbeat, answers []answer[listened]) (_ bot.Reading, elsewhere bool) {
	r := reader{what: "alertmanager " + c.o.Name, at: c.o.Now().UTC(), source: "all peers"}
	say := func(state bot.ReadingState, value, note string) bot.Reading {
		return r.read("heartbeat "+h.Name, state, value, note)
	}
	found := map[string]finding{} // by the alert's fingerprint
	var others []string
	unheard, young := "", false
	for _, a := range answers {
		if a.err != nil {
			unheard = cmp.Or(unheard, a.peer.name+" "+sentence(a.err, c.o.Timeout))
			continue
		}
		others = append(others, c.findBeats(h, a.value, found)...)
		young = young || a.value.up < c.o.SettleAfter
	}
	missing := "after " + phrase.Duration(h.AbsentAfter) + " it is told as missing"
	switch {
	case len(found) > 0:
		// The worst: each is missed for itself.
		b := slices.MinFunc(slices.Collect(maps.Values(found)), func(a, b finding) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.every, a.every))
		})
		return say(b.state, b.value, b.note), false
	case unheard != "":
		return say(bot.Unknown, "unknown", unheard), false
	case len(others) > 0:
		return say(bot.NotOK, "not told to us", "it goes to "+strings.Join(distinct(others), ", ")+" alone, and "+missing+": lead it to a receiver of ours too"), true
	case young:
		return say(bot.Unknown, "not there", "Alertmanager has not been up for "+phrase.Duration(c.o.SettleAfter)+" yet, and may not have heard of it: look again then"), false
	}
	return say(bot.NotOK, "not there", "no alert fits it, and "+missing+": have Prometheus send one that always fires, or take the route out"), true
}

// finding is what is found of one alert. Where several groups or peers have it, the one with
// the highest rank counts, since each sends.
type finding struct {
	state       bot.ReadingState
	value, note string
	rank        int
	every       time.Duration // where it is known
}

// listened is what a peer tells of all alerts, whoever's they are.
type listened struct {
	groups models.AlertGroups
	status *models.AlertmanagerStatus
	up     time.Duration
}

func (c *Client) listen(ctx context.Context, p *peer) (listened, error) {
	yes := true
	got, err := p.api.Alertgroup.GetAlertGroups(alertgroup.NewGetAlertGroupsParams().WithContext(ctx).WithTimeout(c.o.Timeout).
		WithActive(&yes).WithSilenced(&yes).WithInhibited(&yes).WithMuted(&yes))
	if err != nil {
		return listened{}, err
	}
	status, clock, err := c.statusOf(ctx, p)
	if err != nil {
		return listened{}, err
	}
	return listened{groups: got.Payload, status: status, up: c.upFor(status, clock)}, nil
}

// findBeats puts what one peer tells of alerts that fit into found, and gives the receivers of
// those that are not for us.
func (c *Client) findBeats(h Heartbeat, told listened, found map[string]finding) (others []string) {
	for _, g := range told.groups {
		if g == nil || g.Receiver == nil {
			continue
		}
		receiver := clean(value(g.Receiver.Name))
		_, ours := slices.BinarySearch(c.o.Receivers, receiver)
		for _, listed := range g.Alerts {
			if listed == nil {
				continue
			}
			a := polledAlert(listed)
			switch {
			case !h.Fits(a.Labels):
			case !ours:
				others = append(others, fmt.Sprintf("%q", receiver))
			default:
				b := c.beatOfAlert(h, a, told.status)
				if was, known := found[a.Fingerprint]; !known || b.rank > was.rank || b.rank == was.rank && b.every < was.every {
					found[a.Fingerprint] = b
				}
			}
		}
	}
	return others
}

// beatOfAlert judges one alert that comes to us.
func (c *Client) beatOfAlert(h Heartbeat, a bot.PolledAlert, status *models.AlertmanagerStatus) finding {
	for _, held := range []struct {
		how string
		by  []string
	}{{"silenced", a.SilencedBy}, {"inhibited", a.InhibitedBy}, {"muted", a.MutedBy}} {
		if len(held.by) > 0 {
			return finding{state: bot.NotOK, value: held.how, note: "it is not told as long as it is " + held.how + ", and is missed"}
		}
	}
	unknown := finding{state: bot.Unknown, value: "it is there", note: "how often it is told cannot be read from Alertmanager's configuration", rank: 1}
	var config remoteConfig
	if status.Config == nil || yaml.Unmarshal([]byte(value(status.Config.Original)), &config) != nil {
		return unknown
	}
	// What Alertmanager takes where nothing is written.
	routes, err := config.Route.take(a.Labels, remoteRoute{GroupInterval: "5m", RepeatInterval: "4h"})
	if err != nil {
		return unknown
	}
	var soon, late time.Duration
	for _, r := range routes {
		if _, ours := slices.BinarySearch(c.o.Receivers, r.Receiver); !ours {
			continue
		}
		s, l, err := r.every()
		if err != nil {
			return unknown
		}
		if late == 0 || l < late {
			soon, late = s, l
		}
	}
	told := "told about every " + phrase.Duration(late)
	if s := phrase.Duration(soon); s != phrase.Duration(late) {
		told = "told every " + s + " to " + phrase.Duration(late)
	}
	switch {
	case late == 0:
		return unknown
	case late >= h.AbsentAfter:
		return finding{state: bot.NotOK, value: told, rank: 2, every: late, note: fmt.Sprintf(
			"after %s it counts as missing: give it a route of its own with group_interval: 1m and repeat_interval: 50s, or a longer absent_after", phrase.Duration(h.AbsentAfter))}
	}
	return finding{state: bot.OK, value: told, note: "missing after " + phrase.Duration(h.AbsentAfter), rank: 3, every: late}
}

// take gives the routes that take an alert, as Alertmanager walks its tree: the deepest
// that fit, with what they inherit.
func (r remoteRoute) take(l bot.Labels, above remoteRoute) ([]remoteRoute, error) {
	fits, err := r.fits(l)
	if err != nil || !fits {
		return nil, err
	}
	r.Receiver = cmp.Or(r.Receiver, above.Receiver)
	r.GroupInterval = cmp.Or(r.GroupInterval, above.GroupInterval)
	r.RepeatInterval = cmp.Or(r.RepeatInterval, above.RepeatInterval)
	var out []remoteRoute
	for _, sub := range r.Routes {
		taken, err := sub.take(l, r)
		if err != nil {
			return nil, err
		}
		out = append(out, taken...)
		if len(taken) > 0 && !sub.Continue {
			break
		}
	}
	if len(out) == 0 {
		out = append(out, r)
	}
	return out, nil
}

var parseMatchers = compat.FallbackMatchersParser(promslog.NewNopLogger())

func (r remoteRoute) fits(l bot.Labels) (bool, error) {
	var all labels.Matchers
	for _, text := range r.Matchers {
		ms, err := parseMatchers(text, "check")
		if err != nil {
			return false, err
		}
		all = append(all, ms...)
	}
	for op, older := range map[labels.MatchType]map[string]string{labels.MatchEqual: r.Match, labels.MatchRegexp: r.MatchRE} {
		for name, v := range older {
			m, err := labels.NewMatcher(op, name, v)
			if err != nil {
				return false, err
			}
			all = append(all, m)
		}
	}
	return covers(all, l), nil
}

// every is how often what goes on is told, at the soonest and at the latest. A group is
// looked at every group_interval, and told when more than repeat_interval has passed since.
// Where that is a multiple, chance decides whether a look just misses it.
func (r remoteRoute) every() (soon, late time.Duration, _ error) {
	group, err := model.ParseDuration(r.GroupInterval)
	if err != nil {
		return 0, 0, err
	}
	repeat, err := model.ParseDuration(r.RepeatInterval)
	if err != nil {
		return 0, 0, err
	}
	if group <= 0 || repeat <= 0 {
		return 0, 0, fmt.Errorf("a group_interval of %s, a repeat_interval of %s", group, repeat)
	}
	late = time.Duration(group * (repeat/group + 1))
	if soon = late; repeat%group == 0 {
		soon = time.Duration(repeat)
	}
	return soon, late, nil
}
