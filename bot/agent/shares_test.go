package agent

import "testing"

// How many connections each can hold at once, and that nobody keeps out others.
func TestShares(t *testing.T) {
	w := newWorld(t)
	settings := w.settings()
	core := &Core{}
	core.settings.Store(&settings)
	s := NewServer(ServerOptions{Core: core, BotUID: botUID, Log: quiet()})
	for name, x := range map[string]struct {
		who  func(int) (Caller, int, bool)
		uids []int
		want int
	}{
		"a person":                      {s.atHuman, []int{1001}, maxOfOne},
		"all people":                    {s.atHuman, []int{1001, 1002, 1003, 1004}, maxConns},
		"strangers on the host":         {s.atHuman, []int{4711, 4712, 4713, 4714}, maxOfOne},
		"strangers with the bot":        {s.atHuman, []int{4711, botUID}, maxOfOne},
		"root":                          {s.atHuman, []int{0}, maxOfOne},
		"the bot":                       {s.atBot, []int{botUID}, maxOfOne},
		"everybody at the bot's socket": {s.atBot, []int{0, 1001, 4711}, maxOfOne},
	} {
		l := &counted{of: map[int]int{}}
		held := []int{}
		for i := range 1000 {
			if _, share, _ := x.who(x.uids[i%len(x.uids)]); l.take(share) {
				held = append(held, share)
			}
		}
		if len(held) != x.want {
			t.Errorf("%s: %d, want %d", name, len(held), x.want)
		}
		// Root always finds a place at the people's socket, the bot at its own.
		if _, share, _ := s.atHuman(0); name != "root" && !l.take(share) {
			t.Errorf("%s: root is kept out", name)
		}
		if _, share, _ := s.atBot(botUID); name == "everybody at the bot's socket" && !l.take(share) {
			t.Errorf("%s: the bot is kept out", name)
		}
		for _, share := range held {
			l.give(share)
		}
		if l.all > 2 {
			t.Errorf("%s: %d are never given back", name, l.all)
		}
	}
}
