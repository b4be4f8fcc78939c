package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"watchstander/bot"
	"watchstander/bot/clean"
)

// What the agent answers is redacted before it leaves: the bot's door does so again,
// but a captured bot has none.

// hidden is an answer without secrets: every text in it is redacted by itself; the
// names of its members are our own. A
// secret over several texts (a key in several lines of a log) is the bot's door's to
// find, which sees them together.
func (c *Core) hidden(ctx context.Context, answer []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	v = c.hideIn(ctx, v)
	if err := ctx.Err(); err != nil {
		return nil, err // not all of it was looked at
	}
	return json.Marshal(v)
}

// hideIn redacts in place; it gives up with the context.
func (c *Core) hideIn(ctx context.Context, v any) any {
	switch v := v.(type) {
	case string:
		if ctx.Err() != nil {
			return ""
		}
		return c.o.Redact(v)
	case []any:
		for i := range v {
			v[i] = c.hideIn(ctx, v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = c.hideIn(ctx, v[name])
		}
	}
	return v
}

// hideError is an error for people without secrets. Its cause stays here.
func (c *Core) hideError(err error) error {
	e, ok := errors.AsType[*bot.Error](err)
	if !ok {
		return err
	}
	if said := c.o.Redact(e.Message); said != e.Message {
		return bot.Errorf(e.Code, "%s", said).Because(err)
	}
	return err
}

// hideReadings are readings without secrets, each text in one line of at most so
// many characters.
func hideReadings(rs []bot.Reading, redact func(string) string, most int) []bot.Reading {
	text := func(s string) string { return clean.Line(redact(s), most) }
	out := make([]bot.Reading, len(rs))
	for i, r := range rs {
		out[i] = bot.Reading{Host: text(r.Host), What: text(r.What), Value: text(r.Value), Note: text(r.Note), Source: text(r.Source), At: r.At, State: r.State}.
			With(r.Figure, text(r.Unit))
		out[i].Blank = r.Blank
	}
	return out
}
