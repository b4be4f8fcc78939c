package zfs

import (
	"context"
	"fmt"
	"strconv"

	"watchstander/bot"
	"watchstander/bot/host"
)

// noteTouched and a parameter's name remember that Apply wrote it, so that Undo
// knows.
const noteTouched = "touched "

// former is the kernel as the plan found it.
func former(p bot.Plan) (k kernel, err error) {
	for _, f := range []struct {
		name string
		to   *host.Bytes
	}{{factMin, &k.min}, {factMax, &k.max}, {factWroteMin, &k.wroteMin}, {factWroteMax, &k.wroteMax}} {
		found := false
		for _, b := range p.Draft.Bound {
			if b.Name != f.name {
				continue
			}
			v, err := strconv.ParseInt(b.Value, 10, 64)
			if err != nil {
				return k, fmt.Errorf("the plan's %s is no number: %w", f.name, err)
			}
			*f.to, found = host.Bytes(v), true
		}
		if !found {
			return k, fmt.Errorf("the plan does not bind %s", f.name)
		}
	}
	return k, nil
}

// Apply writes what the plan says, one value after the other, and stops at the
// first that the kernel does not take as foreseen.
func (s ARCSet) Apply(ctx context.Context, p bot.Plan, w bot.Work) error {
	k, to, err := s.begin(p)
	if err != nil {
		return err
	}
	ws, ok := k.way(to)
	if !ok {
		return bot.Errorf(bot.CodeConflict, "The kernel offers no way to %s any more.", to.words())
	}
	return s.z.write(ctx, k, ws, w)
}

// begin reads where the kernel stands, and refuses when that is not where the
// plan found it.
func (s ARCSet) begin(p bot.Plan) (k kernel, to limits, err error) {
	was, err := former(p)
	if err != nil {
		return k, to, bot.Errorf(bot.CodeInternal, "The plan cannot be read.").Because(err)
	}
	if k, _, err = s.z.kernel(); err != nil {
		return k, to, err
	}
	if k.limits != was.limits || k.wroteMin != was.wroteMin || k.wroteMax != was.wroteMax {
		return k, to, bot.Errorf(bot.CodeConflict, "Somebody has changed the limits since: they are %s now, and were %s. Nothing was written.", k.limits.words(), was.limits.words())
	}
	to, _, _, err = wanted(p.Arguments, k)
	return k, to, err
}

// write writes the values and reads after each what the kernel made of it.
func (z *ZFS) write(ctx context.Context, k kernel, ws []write, w bot.Work) error {
	for _, x := range ws {
		if ctx.Err() != nil {
			return bot.Errorf(bot.CodeUnavailable, "The time was over before %s was written.", x.to.path()).Because(ctx.Err())
		}
		if err := w.Note(noteTouched+string(x.to), "yes"); err != nil {
			return err
		}
		if err := z.h.Files.Write(x.to.path(), strconv.AppendInt(nil, int64(x.value), 10)); err != nil {
			return bot.Errorf(bot.CodeUnavailable, "%s could not be written.", x.to.path()).Because(err)
		}
		k = k.after(x)
		now, _, err := z.kernel()
		if err != nil {
			return err
		}
		w.Say("wrote %d to %s; c_min is %s, c_max is %s", int64(x.value), x.to, now.min.Precise(), now.max.Precise())
		if now.limits != k.limits {
			return bot.Errorf(bot.CodeConflict, "The kernel did not take %s for %s as its rules say: it holds %s. Its log has the reason.", x.value.Precise(), x.to, now.limits.words())
		}
	}
	return nil
}

// Verify reads both limits back from arcstats; what the parameters' files hold
// proves nothing.
func (s ARCSet) Verify(_ context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	was, err := former(p)
	if err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "The plan cannot be read.").Because(err)
	}
	to, _, _, err := wanted(p.Arguments, was)
	if err != nil {
		return nil, err
	}
	rs, size, err := s.z.readBack(to)
	if err != nil {
		return nil, err
	}
	w.Say("%s", sizeText(size, to))
	w.Say("%s", s.z.bootText(to))
	reached := kernel{limits: to, wroteMin: to.min, wroteMax: to.max, ram: was.ram}
	if f, err := s.z.figures(); err == nil {
		if reached.ram, err = s.z.ram(f); err == nil {
			if _, ok := reached.way(was.limits); ok && s.z.allowed(was.limits, true, true) == nil {
				w.Say("to go back: `zfs arc set max %s min %s`", was.max.Exact(), was.min.Exact())
			}
		}
	}
	return rs, nil
}

// readBack compares the limits that hold with those that should. How large the cache
// is then it tells as well.
func (z *ZFS) readBack(to limits) (out []bot.Reading, size host.Bytes, err error) {
	f, err := z.figures()
	if err != nil {
		return nil, 0, err
	}
	for _, l := range []struct {
		what    string
		is, was host.Bytes
	}{{"ARC maximum (c_max)", host.Bytes(f["c_max"]), to.max}, {"ARC minimum (c_min)", host.Bytes(f["c_min"]), to.min}} {
		r := bot.Reading{Host: z.h.Name, What: l.what, Value: l.is.Precise(), Source: arcstats, At: now(), State: bot.OK}
		if l.is != l.was {
			r.State, r.Note = bot.NotOK, "it should be "+l.was.Precise()
		}
		out = append(out, r)
	}
	return out, host.Bytes(f["size"]), nil
}

// sizeText tells how large the cache is: no evidence of the limits, but what people
// expect to change, and must know that it may not.
func sizeText(size host.Bytes, to limits) string {
	text := "the cache holds " + size.String()
	if size > to.max {
		text += ", above the maximum; it shrinks when memory is asked for, not at once"
	}
	return text
}

// bootText tells how long the limits last. That the configuration is another one is
// no failure of this operation.
func (z *ZFS) bootText(to limits) string {
	switch z.lasting(to).State {
	case bot.OK:
		return "the next boot sets the same limits"
	case bot.Unknown:
		return "what the next boot sets is unknown; this line makes the limits last: " + nixLine(to)
	}
	return "they last until the next boot, since the configuration does not set them; this line makes them last: " + nixLine(to)
}

// Undo writes the limits back that held before, by the way that the kernel's
// rules leave open, and reads them back. Limits that the kernel had chosen itself
// come back as numbers; that was said in the plan.
func (s ARCSet) Undo(ctx context.Context, p bot.Plan, w bot.Work) ([]bot.Reading, error) {
	was, err := former(p)
	if err != nil {
		return nil, bot.Errorf(bot.CodeInternal, "The plan cannot be read.").Because(err)
	}
	var touched []parameter
	for _, p := range []parameter{arcMin, arcMax} {
		if w.Noted(noteTouched+string(p)) != "" {
			touched = append(touched, p)
		}
	}
	if len(touched) == 0 {
		w.Say("nothing was written, so there is nothing to undo")
		rs, _, err := s.z.readBack(was.limits)
		return rs, err
	}
	k, _, err := s.z.kernel()
	if err != nil {
		return nil, err
	}
	ws, ok := k.way(was.limits)
	if !ok {
		return nil, bot.Errorf(bot.CodeConflict, "The former limits (%s) cannot be set again while ZFS runs; those that hold are %s. The next boot sets what the configuration says.",
			was.limits.words(), k.limits.words())
	}
	if err := s.z.write(ctx, k, append(ws, k.disarm(ws, was.limits, touched)...), w); err != nil {
		return nil, err
	}
	rs, size, err := s.z.readBack(was.limits)
	if err != nil {
		return nil, err
	}
	w.Say("%s", sizeText(size, was.limits))
	return rs, nil
}

// disarm are the writes after ws that leave none of our own values in a parameter
// that the kernel ignored: the next write, by whomever, could make it hold.
func (k kernel) disarm(ws []write, to limits, touched []parameter) []write {
	for _, x := range ws {
		k = k.after(x)
	}
	var out []write
	for _, p := range touched {
		switch {
		case p == arcMin && k.wroteMin != 0 && k.wroteMin != to.min:
			out = append(out, write{p, to.min})
		case p == arcMax && k.wroteMax != 0 && k.wroteMax != to.max:
			out = append(out, write{p, to.max})
		}
	}
	return out
}
