package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchstander/bot"
)

// play runs a script to its end on fake time.
func play(t *testing.T, f *fakeTransport, s *script, sink *memorySink, change ...func(*Options)) *Chat {
	t.Helper()
	f.sync = s.sync
	c := newFake(t, f, change...)
	r := run(t, c, sink)
	for { // fake time passes by itself while all sleep
		s.mu.Lock()
		over := len(s.steps) == 0 && len(s.asked) > 0
		s.mu.Unlock()
		select {
		case <-r.done:
			return c
		default:
		}
		if over {
			synctest.Wait()
			break
		}
		time.Sleep(time.Second)
	}
	time.Sleep(2 * time.Minute) // whatever pause is last
	synctest.Wait()
	r.stop(t)
	return c
}

func texts(events []bot.Event) []string {
	var all []string
	for _, e := range events {
		switch e := e.(type) {
		case bot.Said:
			all = append(all, e.Text)
		case bot.Undecodable:
			all = append(all, "undecodable")
		case bot.Troubled:
			if !e.Over {
				all = append(all, "trouble: "+e.Subject)
			}
		default:
			all = append(all, fmt.Sprintf("%T", e))
		}
	}
	return all
}

func wantTexts(t *testing.T, sink *memorySink, want ...string) {
	t.Helper()
	if got := texts(sink.events()); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestFirstSyncTakesNoHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{steps: []step{
			{answer: news("s1", ops, `{"events":[`+text1("$old", "rollback")+`],"limited":true,"prev_batch":"p"}`)},
			{answer: news("s2", ops, `{"events":[`+text1("$new", "status")+`]}`)},
		}}
		sink := newSink()
		play(t, &fakeTransport{}, s, sink)
		wantTexts(t, sink, "status")
		if want := []string{"", "s1", "s2"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
		if len(sink.batches) != 2 || sink.batches[0].Source != "matrix" || parsePlace(sink.batches[0].Cursor).Last[ops] != "$old" {
			t.Errorf("%+v", sink.batches)
		}
	})
}

func TestCursorMovesOnlyWhenTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		say := news("s2", ops, `{"events":[`+text1("$1", "status")+`]}`)
		s := &script{steps: []step{{answer: say}, {answer: say}, {answer: `{"next_batch":"s3"}`}}}
		refusals := 1
		sink := newSink()
		sink.refuse = func(bot.Batch) error {
			if refusals--; refusals >= 0 {
				return errTest
			}
			return nil
		}
		play(t, &fakeTransport{}, s, sink, func(o *Options) { o.Cursor = "s1" })
		wantTexts(t, sink, "status")
		if want := []string{"s1", "s1", "s2", "s3"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q, want %q", s.asked, want)
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []step
		for range 10 {
			steps = append(steps, step{err: &CallError{Call: "sync", Status: 502}})
		}
		steps = append(steps,
			step{err: &CallError{Call: "sync", Status: 429, After: 5 * time.Minute}},
			step{answer: `{"next_batch":"s2"}`}, step{answer: `nonsense`}, step{answer: `{"next_batch":7}`}, step{answer: `{"next_batch":"s3"}`})
		s := &script{steps: steps}
		began := time.Now()
		c := play(t, &fakeTransport{}, s, newSink(), func(o *Options) { o.Cursor = "s1" })
		// At most 1+2+4+8+16+32+4·60 s, at least half of it, the five minutes, and
		// the two minutes at the end of the play.
		if took := time.Since(began) - 2*time.Minute; took < 450*time.Second || took > 640*time.Second {
			t.Errorf("took %s", took)
		}
		if got := c.Stats().FailedSyncs; got != 13 {
			t.Errorf("%d failures", got)
		}
	})
	var b backoff
	for range 100 {
		if p := b.next(0); p > maxPause || p < time.Second/2 {
			t.Fatalf("a pause of %s", p)
		}
	}
}

func TestRevokedTokenEndsRun(t *testing.T) {
	for _, code := range []string{"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED"} {
		s := &script{steps: []step{{err: &CallError{Call: "sync", Status: 401, Code: code}}}}
		r := run(t, newFake(t, &fakeTransport{sync: s.sync}), newSink())
		err := r.wait(t, soon)
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeForbidden {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestRunOnce(t *testing.T) {
	s := &script{}
	c := newFake(t, &fakeTransport{sync: s.sync})
	run(t, c, newSink())
	for !c.running.Load() {
		time.Sleep(time.Millisecond)
	}
	if err := c.Run(t.Context(), newSink()); err == nil {
		t.Error("a second Run ran")
	}
}

func TestTooLongAnswerAsksForLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := step{err: &CallError{Call: "sync", Status: 200, TooLarge: true}}
		s := &script{steps: []step{long, long, {answer: `{"next_batch":"s2"}`}}}
		play(t, &fakeTransport{}, s, newSink(), func(o *Options) { o.Cursor = "s1" })
		for i, want := range []string{`"limit":100`, `"limit":50`, `"limit":25`, `"limit":100`} {
			if !strings.Contains(s.filter[i], want) {
				t.Errorf("filter %d is %s, want %s", i, s.filter[i], want)
			}
		}
	})
}

func TestUnknownPlaceBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := step{err: &CallError{Call: "sync", Status: 400, Code: "M_UNKNOWN"}}
		gateway := step{err: &CallError{Call: "sync", Status: 400, Text: "<html>"}} // says nothing of our place
		s := &script{steps: []step{no, no, no, no, gateway, no, no, no, no, no, {answer: `{"next_batch":"n1"}`}, {answer: news("n2", ops, `{"events":[`+text1("$1", "status")+`]}`)}}}
		sink := newSink()
		play(t, &fakeTransport{}, s, sink, func(o *Options) { o.Cursor = "s1" })
		wantTexts(t, sink, "undecodable", "status")
		if want := append(slices.Repeat([]string{"s1"}, 10), "", "n1", "n2"); !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
	})
}

func TestRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lab, other = "!lab:house.test", "!other:house.test"
		f := &fakeTransport{}
		busy := true
		f.leave = func(string) error {
			if busy {
				busy = false
				return &CallError{Call: "leave", Status: 429, After: time.Minute}
			}
			return nil
		}
		s := &script{steps: []step{
			{answer: news("s2", other, `{"events":[`+text1("$1", "rollback")+`,`+text1("$2", "rollback")+`]}`)},
			{answer: `{"next_batch":"s3","rooms":{"invite":{"` + other + `":{},"` + lab + `":{}},"leave":{"` + ops + `":{}}}}`},
		}}
		sink := newSink()
		c := play(t, f, s, sink, func(o *Options) { o.Cursor = "s1"; o.Rooms["lab"] = lab })
		wantTexts(t, sink, "trouble: matrix room ops left")
		if st := c.Stats(); st.ForeignEvents != 2 || st.Rejected != 1 {
			t.Errorf("%+v", st)
		}
		joins := 0
		for _, call := range f.calls {
			switch call {
			case "join " + lab: // once at the start, since we are not in it, and once when invited
				joins++
			case "leave " + other:
			default:
				t.Errorf("called %s", call)
			}
		}
		if joins == 0 || f.calls[len(f.calls)-1] != "leave "+other {
			t.Errorf("called %q", f.calls)
		}
	})
}

func TestArrival(t *testing.T) {
	join := func(unsigned string) string {
		return strings.TrimSuffix(event("$join", "m.room.member", botUser, `{"membership":"join","displayname":"Watch"}`), "}") +
			`,"state_key":"` + botUser + `"` + unsigned + `}`
	}
	for name, test := range map[string]struct {
		timeline string
		pages    []Page
		want     []string
	}{
		"in the timeline":   {`{"events":[` + text1("$0", "before") + `,` + join("") + `,` + text1("$1", "after") + `],"limited":true,"prev_batch":"p"}`, nil, []string{"after"}},
		"after being away":  {`{"events":[` + text1("$0", "before") + `,` + join(`,"unsigned":{"prev_content":{"membership":"leave"}}`) + `]}`, nil, nil},
		"a new name":        {`{"events":[` + text1("$0", "before") + `,` + join(`,"unsigned":{"prev_content":{"membership":"join"}}`) + `,` + text1("$1", "after") + `]}`, nil, []string{"before", "after"}},
		"in the gap":        {`{"events":[` + text1("$3", "three") + `],"limited":true,"prev_batch":"p"}`, []Page{{raws(text1("$2", "two"), join(""), text1("$0", "before")), "more"}}, []string{"two", "three"}},
		"somebody else's":   {`{"events":[` + text1("$0", "before") + `,` + strings.ReplaceAll(join(""), botUser, alice) + `]}`, nil, []string{"before"}},
		"forged state key":  {`{"events":[` + text1("$0", "before") + `,` + strings.ReplaceAll(join(""), `"sender":"`+botUser, `"sender":"`+alice) + `]}`, nil, []string{"before"}},
		"no state, a claim": {`{"events":[` + text1("$0", "before") + `,` + strings.ReplaceAll(join(""), `"state_key"`, `"State_Key"`) + `]}`, nil, []string{"before"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pages := test.pages
				f := &fakeTransport{messages: func(MessagesQuery) (Page, error) {
					page := pages[0]
					pages = pages[1:]
					return page, nil
				}}
				sink := newSink()
				play(t, f, &script{steps: []step{{answer: news("s2", ops, test.timeline)}}}, sink, func(o *Options) { o.Cursor = "s1" })
				wantTexts(t, sink, test.want...)
			})
		})
	}
}

func raws(events ...string) []json.RawMessage {
	var all []json.RawMessage
	for _, e := range events {
		all = append(all, json.RawMessage(e))
	}
	return all
}

func TestGap(t *testing.T) {
	limited := news("s2", ops, `{"events":[`+text1("$9", "nine")+`],"limited":true,"prev_batch":"p9"}`)
	known := place{Next: "s1", Last: map[string]string{ops: "$5"}}.String()
	many := func(q MessagesQuery) (Page, error) {
		var p Page
		for i := range q.Limit {
			p.Events = append(p.Events, json.RawMessage(text1(fmt.Sprintf("%s.%d", q.From, i), "more")))
		}
		p.Next = q.From + "x"
		return p, nil
	}
	for name, test := range map[string]struct {
		cursor   string
		messages func(MessagesQuery) (Page, error)
		want     []string
		count    int // where want is too long to write
		lost     int64
	}{
		"to the known event, over history": {cursor: known, messages: func(q MessagesQuery) (Page, error) {
			switch q.From {
			case "p9":
				return Page{raws(text1("$9", "nine"), text1("$8", "eight")), "p7"}, nil
			case "p7":
				return Page{raws(text1("$7", "seven"), text1("$5", "five"), text1("$4", "four")), "p3"}, nil
			}
			return Page{}, errTest
		}, want: []string{"seven", "eight", "nine"}},
		"a short page without a known event": {cursor: "s1", messages: func(q MessagesQuery) (Page, error) {
			return Page{raws(text1("$8", "eight")), "p7"}, nil
		}, want: []string{"eight", "nine"}},
		"a busy homeserver": {cursor: known, messages: failFirst(func(q MessagesQuery) (Page, error) {
			return Page{raws(text1("$8", "eight"), text1("$5", "five")), ""}, nil
		}), want: []string{"eight", "nine"}},
		"the homeserver will not": {cursor: known, messages: func(MessagesQuery) (Page, error) {
			return Page{}, &CallError{Call: "messages", Status: 403, Code: "M_FORBIDDEN"}
		}, want: []string{"undecodable", "nine"}, lost: 1},
		"too long":          {cursor: known, messages: many, count: maxGapEvents + 2, lost: 1},
		"the same for ever": {cursor: known, messages: func(q MessagesQuery) (Page, error) { return Page{nil, q.From}, nil }, want: []string{"nine"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeTransport{messages: test.messages}
				sink := newSink()
				c := play(t, f, &script{steps: []step{{answer: limited}, {answer: limited}}}, sink, func(o *Options) { o.Cursor = test.cursor })
				first := sink.batches[0].Events
				if got := texts(first); test.count == 0 && !slices.Equal(got, test.want) || test.count != 0 && len(got) != test.count {
					t.Errorf("%d events %.200q, want %q", len(got), got, test.want)
				}
				if got := c.Stats(); got.Lost < test.lost || got.Gaps == 0 {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func failFirst(then func(MessagesQuery) (Page, error)) func(MessagesQuery) (Page, error) {
	failed := false
	return func(q MessagesQuery) (Page, error) {
		if !failed {
			failed = true
			return Page{}, &CallError{Call: "messages", Status: 429}
		}
		return then(q)
	}
}

// FuzzSync: whatever a homeserver answers, as long as it names the next place,
// the sync goes on from there.
func FuzzSync(f *testing.F) {
	f.Add(`{}`)
	f.Add(`[]`)
	f.Add(`{"rooms":7}`)
	f.Add(`{"rooms":{"join":{"!ops:house.test":{"timeline":{"events":[1,null,{},[],"x",{"content":{}}],"limited":true}}},"invite":[],"leave":{"":null}}}`)
	f.Add(`{"rooms":{"join":{"!ops:house.test":{"timeline":{"events":[` + text1("$1", "x") + `,` +
		event("$2", "m.room.message", alice, `{"msgtype":"m.text","body":7}`) + `,` +
		event("$3", "m.reaction", alice, `{"m.relates_to":{"rel_type":"m.annotation","event_id":"$1","key":"👍️"}}`) + `,` +
		event("$4", "m.room.redaction", alice, `{"redacts":"$3"}`) + `]}}}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		var o map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &o) != nil || o == nil {
			if _, err := parseAnswer(json.RawMessage(body)); err == nil {
				t.Fatal("took what is no object")
			}
			return
		}
		o["next_batch"] = json.RawMessage(`"next"`)
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		f := &fakeTransport{}
		c := newFake(t, f, func(o *Options) { o.Cursor = "before" })
		f.sync = (&script{steps: []step{{answer: string(raw)}}}).sync
		sink := newSink()
		if err := c.turn(t.Context(), sink, newDoorman(c), pageLimit, nil); err != nil {
			t.Fatal(err)
		}
		if c.place.Next != "next" || len(sink.batches) != 1 || parsePlace(sink.cursor()).Next != "next" {
			t.Fatalf("stands at %+v, cursor %q", c.place, sink.cursor())
		}
		for _, e := range sink.events() {
			if e, ok := e.(bot.Undecodable); ok && (len(e.Body) > maxBody || e.ID == "" || e.At.IsZero()) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
