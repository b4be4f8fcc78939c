package flow

import (
	"context"
	"errors"
	"time"

	"watchstander/bot"
	"watchstander/bot/store"
	"watchstander/bot/view"
)

// mergeAfter is how many waiting log entries a room gets as one message, and
// mergeMost how many go into one.
const (
	mergeAfter = 3
	mergeMost  = 25
	// asideFor is how long whoever said something surely still looks.
	asideFor = time.Minute
)

// freeze returns the part that the view sends next: what is unfinished, or else
// the newest of what the room lacks, rendered, redacted, encoded and committed.
// nil means that the room lacks nothing.
func (r *room) freeze(ctx context.Context, v store.View) (*store.Send, error) {
	var (
		pending store.Send
		has     bool
		stale   bool
		out     bot.Outgoing
		version int64
		toSeq   int64
		facts   bot.ThreadFacts
		entries []bot.Entry
	)
	err := r.f.o.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		now, ok, err := tx.View(v.Thread, v.Room)
		if err != nil || !ok {
			return err
		}
		th, ok, err := tx.Thread(v.Thread)
		if err != nil || !ok {
			return err
		}
		if pending, has, err = tx.UnfinishedSend(v.Thread, v.Room); err != nil || has {
			stale = has && r.safe[pending.Key] && r.outdated(pending, th)
			return err
		}
		v, version = now, th.Version
		out = bot.Outgoing{Room: v.Room, Root: v.Root, Bare: v.Bare > 0}
		switch {
		case v.OwnRoot && v.Root == "":
			out.Kind, toSeq = bot.SendRoot, th.LastSeq
			if v.Remade > 0 || th.Kind == bot.ThreadPlan || th.Kind == bot.ThreadChecklist || mending(th) {
				toSeq = v.SaidSeq // a root made anew, whose log goes on; or one below which all of it is read
			}
		case v.OwnRoot && v.ShownVersion < th.Version:
			out.Kind, toSeq = bot.SendEdit, v.SaidSeq
		case v.SaidSeq < th.LastSeq:
			out.Kind = bot.SendReply
			// A reaction is nothing that can be replied to.
			if conv := th.State.Conversation; conv != nil {
				if r.caps.Asides && r.f.clock.now().Sub(conv.At) < asideFor {
					out.Asker = conv.Account
				}
				if !conv.Lost && (v.Root == "" || !conv.Press) {
					out.ReplyTo = conv.Message
				}
			}
			if entries, err = tx.Entries(th.ID, v.SaidSeq, mergeMost); err != nil {
				return err
			}
			entries = together(entries)
			if len(entries) > 0 {
				toSeq = entries[len(entries)-1].Seq
			}
			facts.Thread = th
			return nil
		case v.Offered < len(r.offers()) && v.Root != "" && th.Open() && th.Kind == bot.ThreadAlert:
			out.Kind, out.Emoji = bot.SendOffer, r.offers()[v.Offered]
			return nil
		default:
			return nil
		}
		facts, err = gatherFacts(tx, th, rootEpisodes, r.f.clock.now())
		facts.Remade = v.Remade > 0
		return err
	})
	if err != nil {
		return nil, err
	}
	if stale {
		return nil, r.thaw(ctx, v)
	}
	if has {
		return &pending, nil
	}
	if out.Kind == "" || out.Kind == bot.SendReply && len(entries) == 0 {
		// Nothing lacks: the view was due by mistake, and is put right.
		return nil, r.f.o.Store.Update(ctx, func(tx *store.Tx) error { return r.note(tx, v, func(*store.View) {}) })
	}
	out.Key = r.f.o.IDs.Send()
	parts, whole, err := r.encode(out, facts, entries, v.Bare >= bareMarker)
	if err != nil {
		return nil, err
	}
	sends := make([]store.Send, len(parts))
	for i, p := range parts {
		sends[i] = store.Send{Key: out.Key.Part(i), Thread: v.Thread, Room: v.Room, Kind: out.Kind, Version: version, ToSeq: toSeq,
			Part: i, Parts: len(parts), Root: out.Root, Body: p.Body, Attachment: p.Attachment, State: store.Sending, At: r.f.clock.now(), Whole: whole}
	}
	stale = false
	err = r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		// What was rendered is written only if it is still what the room lacks:
		// meanwhile the thread may have ended, and its view been dropped.
		now, ok, err := tx.View(v.Thread, v.Room)
		if err != nil {
			return err
		}
		th, there, err := tx.Thread(v.Thread)
		if err != nil {
			return err
		}
		if stale = !ok || !there || now.Root != v.Root || now.SaidSeq != v.SaidSeq || out.Kind != bot.SendReply && th.Version != version; stale {
			return nil
		}
		for _, s := range sends {
			if err := tx.PutSend(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || stale {
		return nil, err // the next look renders what is true then
	}
	for _, s := range sends {
		r.safe[s.Key] = true
	}
	return &sends[0], nil
}

// outdated tells whether what was frozen should be rendered anew, if the platform
// surely has nothing of it.
func (r *room) outdated(s store.Send, th bot.Thread) bool {
	switch s.Kind {
	case bot.SendReply:
		// The log is said in order, whatever came after. But who asked may have gone away
		// since what they alone would see was frozen: then all are to see it.
		conv := th.State.Conversation
		return r.caps.Asides && conv != nil && s.Part == 0 && s.At.Sub(conv.At) < asideFor && r.f.clock.now().Sub(conv.At) >= asideFor
	case bot.SendOffer:
		return !th.Open() || s.Version < th.Version // the root's edit goes first
	}
	return s.Part == 0 && s.Version < th.Version
}

// offers are the reactions that the bot puts under an alert's root in this room.
func (r *room) offers() []string {
	if !r.caps.Offers {
		return nil
	}
	return view.Offers(r.f.style(r.f.settings.Load()))
}

// thaw gives up what was frozen and is out of date, and of which the platform
// surely has nothing: it was down, or asked for a pause. The view is still due,
// and the next look renders what is true now.
func (r *room) thaw(ctx context.Context, v store.View) error {
	err := r.f.o.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DropSends(v.Thread, v.Room); err != nil {
			return err
		}
		th, ok, err := tx.Thread(v.Thread)
		if err != nil || !ok {
			return err
		}
		now, ok, err := tx.View(v.Thread, v.Room)
		if err != nil || !ok {
			return err
		}
		if overUnshown(th, now) {
			return tx.DropView(v.Thread, v.Room)
		}
		return tx.PutView(now, th, r.f.clock.now())
	})
	clear(r.safe) // of the others it is looked whether they arrived, which costs little
	return err
}

// together takes the entries that go into one message: one, or many when the
// room is far behind. A picture goes alone.
func together(es []bot.Entry) []bot.Entry {
	if len(es) <= mergeAfter {
		return es[:min(len(es), 1)]
	}
	for i, e := range es {
		if e.Message.Whole {
			return es[:max(i, 1)]
		}
		for _, b := range e.Message.Blocks {
			switch b.(type) {
			case bot.Picture, bot.File:
				return es[:max(i, 1)]
			}
		}
	}
	return es
}

// encode renders with as much detail as the platform takes, redacts, and
// freezes. What fits in no detail, or was rejected in every other form, becomes
// a marker. whole is the hash of a plan's words as they are posted, "" of anything
// else.
func (r *room) encode(out bot.Outgoing, facts bot.ThreadFacts, entries []bot.Entry, marker bool) (parts []bot.Part, whole string, err error) {
	if out.Kind == bot.SendOffer {
		parts, err = r.chat.Encode(out)
		return parts, "", err
	}
	style := r.f.style(r.f.settings.Load())
	style.Buttons = r.caps.Buttons
	for style.Detail = range view.Details + 1 {
		switch {
		case marker || style.Detail == view.Details:
			out.Message, marker = view.Marker(facts.Thread), true
		case out.Kind == bot.SendReply:
			out.Message = view.Merge(entries, style)
		default:
			out.Message = view.Root(facts, style)
		}
		out.Message = out.Message.Map(r.f.o.Redact)
		parts, err := r.chat.Encode(out)
		if errors.Is(err, bot.ErrTooLong) {
			continue
		}
		if st := facts.Thread.State.Plan; !marker && st != nil && out.Kind == bot.SendReply && len(entries) == 1 && entries[0].Seq == st.PlanSeq {
			whole = hashOf(out.Message)
		}
		return parts, whole, err
	}
	return nil, "", bot.ErrTooLong
}
