package console

import (
	"fmt"
	"slices"
	"time"

	"watchstander/bot"
)

// What a client is told of the past. A root is told as it is now, and its edits
// are left out: nobody wants to read an alert as firing that is long over.

// maxOpen is how many older open threads are told at once; in a storm the rest
// is counted.
const maxOpen = 30

// hello is what the server says of itself, and of the client's user.
func (c *Chat) hello(u bot.UserID) hello {
	words, threaded := c.o.Completions(), c.o.Threaded()
	name, _ := c.o.Person(u)
	return hello{Version: version, Chat: c.o.ID, Room: c.o.Room, User: u, Name: name, Zone: c.o.Zone().String(),
		Words: words[:min(len(words), maxWords)], Threaded: threaded[:min(len(threaded), maxWords)]}
}

// attach greets a client with the past, and from then on it gets what is new:
// nothing is between the two, and nothing is in both. It is false for a client
// that has been sent away meanwhile.
func (c *Chat) attach(cl *client, past int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl.out.over() {
		return false
	}
	out := [][]byte{line(c.hello(cl.user))}
	d := done{}
	if past > 0 {
		recent := c.recent(past)
		shown := map[bot.MessageID]bool{}
		for _, r := range recent {
			shown[r.root] = shown[r.root] || r.kind == bot.SendRoot
		}
		var open []*thread
		for _, th := range c.transcript.byNum {
			if th.open() && !shown[bot.MessageID(th.env.Key)] {
				open = append(open, th)
			}
		}
		slices.SortFunc(open, func(a, b *thread) int { return a.number - b.number })
		d.Left = max(len(open)-maxOpen, 0)
		for _, th := range open[d.Left:] {
			out = append(out, answering(0, th.record().line))
		}
		out = append(out, c.lines(0, recent)...)
	}
	out = append(out, line(toClient{Done: &d}))
	for _, p := range c.unsaved {
		out = append(out, line(toClient{Post: &p}))
	}
	cl.out.put(true, out...)
	cl.attached = true
	return true
}

// infoTime is how long a thread that only informs counts as open.
const infoTime = 24 * time.Hour

// open: it may still change for the worse. A root says that its thread is over;
// one of an older version has only its looks to tell by. What only informs is open
// for a day.
func (th *thread) open() bool {
	last := th.at
	if th.changed.After(last) {
		last = th.changed
	}
	return !th.signs.Over && th.signs.Tone != bot.ToneOK && (th.signs.Tone != bot.ToneInfo || time.Since(last) < infoTime)
}

// recent are the last n lines but for edits.
func (c *Chat) recent(n int) []*record {
	var out []*record
	for _, r := range slices.Backward(c.transcript.records) {
		if len(out) == min(n, maxPast) {
			break
		}
		if r.kind != bot.SendEdit {
			out = append(out, r)
		}
	}
	slices.Reverse(out)
	return out
}

// lines are records as the answer to n.
func (c *Chat) lines(n int, rs []*record) [][]byte {
	out := make([][]byte, 0, len(rs))
	for _, r := range rs {
		b := r.line
		if th := c.transcript.byRoot[r.root]; th != nil && r.kind == bot.SendRoot {
			b = th.record().line
		}
		out = append(out, answering(n, b))
	}
	return out
}

func (c *Chat) history(cl *client, a asking) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl.answer(a.N, c.lines(a.N, c.recent(max(a.Last, 1))), done{N: a.N})
}

// threads tells the newest roots: the open ones, all, or the one that is named.
func (c *Chat) threads(cl *client, a asking) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ths []*thread
	d := done{N: a.N}
	for _, th := range c.transcript.byNum {
		if a.Thread == 0 && (a.All || th.open()) || a.Thread > 0 && a.Thread == th.number {
			ths = append(ths, th)
		}
	}
	slices.SortFunc(ths, func(a, b *thread) int { return a.number - b.number })
	if d.Left = max(len(ths)-maxPast, 0); d.Left > 0 {
		ths = ths[d.Left:]
	}
	out := make([][]byte, 0, len(ths))
	for _, th := range ths {
		r := th.record()
		r.strip() // only its first line is shown
		out = append(out, answering(a.N, r.line))
	}
	cl.answer(a.N, out, d)
}

// show tells one thread: its root as it is now, and what was said in it.
func (c *Chat) show(cl *client, a asking) {
	c.mu.Lock()
	defer c.mu.Unlock()
	th := c.transcript.byNum[a.Thread]
	if th == nil {
		cl.answer(a.N, nil, done{N: a.N, Note: noThread(a.Thread)})
		return
	}
	root := bot.MessageID(th.env.Key)
	var rs []*record
	for _, r := range c.transcript.records {
		if r.root == root && r.kind != bot.SendEdit && r.kind != bot.SendRoot {
			rs = append(rs, r)
		}
	}
	d := done{N: a.N, Left: max(len(rs)-maxPast, 0)}
	out := [][]byte{answering(a.N, th.record().line)}
	cl.answer(a.N, append(out, c.lines(a.N, rs[d.Left:])...), d)
}

func (cl *client) answer(n int, lines [][]byte, d done) {
	cl.out.put(true, append(lines, line(toClient{Done: &d}))...)
}

func noThread(n int) string { return fmt.Sprintf("There is no thread t%d.", n) }
