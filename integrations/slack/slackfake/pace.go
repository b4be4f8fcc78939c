package slackfake

import (
	"math"
	"time"
)

// pace counts what was called when.
type pace struct {
	rooms  map[string]*bucket     // chat.postMessage by channel
	window map[string][]time.Time // by method, of the last minute
	posts  []time.Time            // of the last minute, in the workspace
}

type bucket struct {
	left float64
	at   time.Time
}

func newPace() pace {
	return pace{rooms: map[string]*bucket{}, window: map[string][]time.Time{}}
}

// SetLimits changes the pace from now on: Off as it is given, and the other fields that are
// not zero.
func (f *Fake) SetLimits(l Limits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits.Off = l.Off
	if l.PostPerSecond != 0 {
		f.limits.PostPerSecond = l.PostPerSecond
	}
	if l.PostBurst != 0 {
		f.limits.PostBurst = l.PostBurst
	}
	if l.PostsPerMinute != 0 {
		f.limits.PostsPerMinute = l.PostsPerMinute
	}
	if l.TierScale != 0 {
		f.limits.TierScale = l.TierScale
	}
	if l.MostHistory != 0 {
		f.limits.MostHistory = l.MostHistory
	}
}

// call tells how long a call has to wait, 0 when it may go. What has to wait is not
// counted.
func (p *pace) call(f *Fake, name string, tier int, channel string, now time.Time) time.Duration {
	l := f.limits
	if l.Off {
		return 0
	}
	if name == "chat.postMessage" {
		return p.post(l, channel, now)
	}
	most := int(math.Ceil(float64(tier) * l.TierScale))
	if tier == 0 || most < 0 {
		return 0
	}
	// Slack counts a tier's calls per method, app and workspace in a minute's window
	// (documented); that no more than that ever pass in any minute is our stricter reading.
	recent := within(p.window[name], now)
	if len(recent) >= most {
		p.window[name] = recent
		return recent[len(recent)-most].Add(time.Minute).Sub(now)
	}
	p.window[name] = append(recent, now)
	return 0
}

func (p *pace) post(l Limits, channel string, now time.Time) time.Duration {
	if l.PostPerSecond < 0 {
		return 0
	}
	b := p.rooms[channel]
	if b == nil {
		b = &bucket{left: float64(l.PostBurst), at: now}
		p.rooms[channel] = b
	}
	b.left = min(float64(max(l.PostBurst, 1)), b.left+now.Sub(b.at).Seconds()*l.PostPerSecond)
	b.at = now
	if b.left < 1-1e-9 {
		return time.Duration((1 - b.left) / l.PostPerSecond * float64(time.Second))
	}
	b.left--
	return 0
}

// workspace tells whether the workspace takes one more message this minute.
func (p *pace) workspace(l Limits, now time.Time) bool {
	if l.Off || l.PostsPerMinute < 0 {
		return true
	}
	p.posts = within(p.posts, now)
	if len(p.posts) >= l.PostsPerMinute {
		return false
	}
	p.posts = append(p.posts, now)
	return true
}

func within(all []time.Time, now time.Time) []time.Time {
	i := 0
	for i < len(all) && now.Sub(all[i]) >= time.Minute {
		i++
	}
	return all[i:]
}

// MostPerSecond is the largest number of chat.postMessage calls for a channel that came
// within any one second after the first skip of them, those that were refused with 429
// included.
func (f *Fake) MostPerSecond(channel string, skip int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var at []time.Time
	for _, c := range f.calls {
		if c.Method == "chat.postMessage" && c.Channel == channel {
			at = append(at, c.At)
		}
	}
	most, from := 0, skip
	for i := skip; i < len(at); i++ {
		for at[i].Sub(at[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}
